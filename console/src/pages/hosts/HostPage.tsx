/** One host: what it has, what is assigned of it and what is used, what runs on it, and how far a drain is. */
import { useEffect, useMemo } from 'react'
import { Link } from 'wouter'
import type { HostView, InstanceView } from '../../../../core/contract/api.ts'
import { call, part } from '../../api/client.ts'
import { useSession, whyNot } from '../../api/session.ts'
import { useKnown, useMany, useOne } from '../../live/hooks.ts'
import { compareNames } from '../../text/order.ts'
import { bytes, count, plural } from '../../text/format.ts'
import { AskButton } from '../../ui/Dialogs.tsx'
import { InstanceRows } from '../../ui/InstanceRows.tsx'
import { Ago, Card, Dot, Empty, Loading, PageHead, Status } from '../../ui/parts.tsx'
import { Table } from '../../ui/Table.tsx'
import { say } from '../../ui/toasts.tsx'
import { Capacity } from './Capacity.tsx'
import { Drain } from './Drain.tsx'
import { Findings } from './Findings.tsx'
import { hostState } from './state.ts'

export function HostPage({ params }: { params: Record<string, string> }) {
  const id = params.host ?? ''
  const host = useOne('hosts', id)
  const isKnown = useKnown('hosts')
  const all = useMany('instances', `host:${id}`, 250)
  const here = useMemo(
    () =>
      all
        .filter(({ state }) => state !== 'stopped')
        .sort((a, b) => compareNames(a.app, b.app) || compareNames(a.name, b.name)),
    [all],
  )
  useEffect(() => {
    document.title = `${id} · Berth`
  }, [id])
  if (!host)
    return isKnown ? (
      <Empty title="There is no such host">
        <p>“{id}” is not the id of a host that has registered.</p>
      </Empty>
    ) : (
      <Loading lines={6} />
    )
  return (
    <>
      <PageHead
        crumbs={<Link href="/hosts">Hosts</Link>}
        title={host.id}
        about={
          <>
            <Status word={hostState(host, here.length)} />
            <Dot />
            <span>{host.hostname}</span>
            <Dot />
            <span>Berth {host.version}</span>
            <Dot />
            <span>
              up since <Ago at={host.startedAt} />
            </span>
          </>
        }
      >
        <Cordon host={host} here={here.length} />
      </PageHead>
      {host.cordoned && <Drain host={host} here={here} />}
      <Capacity host={host} />
      {!host.cordoned && <Instances here={here} />}
      <div className="columns two">
        <Stacks host={host} />
        <Findings host={id} />
      </div>
    </>
  )
}

const Instances = ({ here }: { here: InstanceView[] }) => (
  <Card title="Instances" aside={<span className="faint small">{count(here.length)}</span>} flush>
    {here.length === 0 ? <Empty title="Nothing runs here" /> : <InstanceRows instances={here} of="host" />}
  </Card>
)

function Cordon({ host: { id, cordoned }, here }: { host: HostView; here: number }) {
  const why = whyNot(useSession(), 'operate', null)
  const path = `/v1/hosts/${part(id)}`
  return cordoned ? (
    <AskButton
      label="Uncordon"
      kind="primary"
      why={why}
      title={`Let ${id} take work again?`}
      effect={<p>New instances may be placed on it. What was moved off stays where it is.</p>}
      verb="Uncordon it"
      work={async () => {
        await call('POST', `${path}/uncordon`)
        say(`${id} takes work again.`)
      }}
    />
  ) : (
    <AskButton
      label="Cordon and drain"
      why={why}
      title={`Cordon ${id}?`}
      effect={
        <p>
          It takes no new instances, and {here === 0 ? 'nothing runs on it now' : `${plural(here, 'instance')} on it`}
          {here === 0 ? '' : here === 1 ? ' is moved to another host' : ' are moved to other hosts'}, without downtime
          where there is room for them.
        </p>
      }
      name={id}
      verb="Cordon and drain it"
      work={async () => {
        await call('POST', `${path}/cordon`)
        say(`${id} is cordoned.`)
      }}
    />
  )
}

const Stacks = ({ host: { stacks, stack } }: { host: HostView }) => (
  <Card title="Stacks" flush>
    <Table head={['Stack', 'Debian', ['Size', 'num']]}>
      {stacks.map(({ name, debian, bytes: size }) => (
        <tr key={name}>
          <td>
            <code>{name}</code> {name === stack && <span className="faint small">its own</span>}
          </td>
          <td className="quiet">{debian}</td>
          <td className="num quiet">{bytes(size)}</td>
        </tr>
      ))}
    </Table>
  </Card>
)
