/** One host: what it has, what is assigned of it and what is used, what runs on it, and how far a drain is. */
import { useEffect, useMemo, useRef } from 'react'
import { Link } from 'wouter'
import type { HostView } from '../../../../core/contract/api.ts'
import type { Diagnosis } from '../../../../core/contract/doctor.ts'
import { call, part } from '../../api/client.ts'
import { useGet } from '../../api/queries.ts'
import { useSession, whyNot } from '../../api/session.ts'
import { useKnown, useMany, useOne } from '../../live/hooks.ts'
import { bytes, cores, count, mebibytes, percent, plural } from '../../text/format.ts'
import { AskButton } from '../../ui/Dialogs.tsx'
import { InstanceRows } from '../../ui/InstanceRows.tsx'
import { Ago, Card, Dot, Empty, Loading, Meter, Notice, PageHead, Status } from '../../ui/parts.tsx'
import { say } from '../../ui/toasts.tsx'
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
        .sort((a, b) => a.app.localeCompare(b.app) || a.name.localeCompare(b.name, 'en', { numeric: true })),
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
      <Drain host={host} here={here.length} />
      <Capacity host={host} />
      <Card title="Instances" aside={<span className="faint small">{count(here.length)}</span>} flush>
        {here.length === 0 ? (
          <Empty title="Nothing runs here">
            {host.cordoned && <p>It can be taken away: nothing depends on it.</p>}
          </Empty>
        ) : (
          <InstanceRows instances={here} of="host" />
        )}
      </Card>
      <div className="columns two">
        <Stacks host={host} />
        <Findings id={id} />
      </div>
    </>
  )
}

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

/** How many were on it when the drain was first seen is the whole. */
function Drain({ host: { id, cordoned }, here }: { host: HostView; here: number }) {
  const most = useRef(0)
  if (!cordoned) {
    most.current = 0
    return null
  }
  most.current = Math.max(most.current, here)
  if (here === 0) return <Notice tone="good">{id} is drained: nothing runs on it.</Notice>
  const share = 1 - here / most.current
  return (
    <Card title="Draining" aside={<span className="small quiet">{plural(here, 'instance')} left</span>}>
      <Meter used={share * 0.84} label={`Drain of ${id}`} text={`${percent(share)} moved`} />
      <p className="small quiet drain-text">
        An instance leaves when another one serves in its place. One that stays has no room elsewhere: add a host, or
        scale something down.
      </p>
    </Card>
  )
}

function Capacity({ host: { capacity, reserved, cpuMilliUsed, memoryMbUsed } }: { host: HostView }) {
  const rows: {
    what: string
    most: number
    assigned: number
    used: number | null
    format: (value: number) => string
  }[] = [
    { what: 'CPU', most: capacity.cpuMilli, assigned: reserved.cpuMilli, used: cpuMilliUsed, format: cores },
    { what: 'Memory', most: capacity.memoryMb, assigned: reserved.memoryMb, used: memoryMbUsed, format: mebibytes },
    { what: 'Disk', most: capacity.diskMb, assigned: reserved.diskMb, used: null, format: mebibytes },
    { what: 'Instances', most: capacity.slots, assigned: reserved.slots, used: null, format: count },
  ]
  return (
    <Card title="Capacity" flush>
      <div className="table-wrap">
        <table className="table">
          <thead>
            <tr>
              <th>What</th>
              <th className="num">Capacity</th>
              <th className="num">Assigned</th>
              <th className="num">Used</th>
              <th className="wide meter-column">Used and assigned</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ what, most, assigned, used, format }) => (
              <tr key={what}>
                <td className="strong">{what}</td>
                <td className="num">{format(most)}</td>
                <td className="num">
                  {format(assigned)} <span className="faint">{percent(assigned / most)}</span>
                </td>
                <td className="num">
                  {used === null ? (
                    <span className="faint">–</span>
                  ) : (
                    <>
                      {format(used)} <span className="faint">{percent(used / most)}</span>
                    </>
                  )}
                </td>
                <td className="wide">
                  <Meter
                    used={(used ?? 0) / most}
                    assigned={assigned / most}
                    label={what}
                    text={percent((used ?? assigned) / most)}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  )
}

const Stacks = ({ host: { stacks, stack } }: { host: HostView }) => (
  <Card title="Stacks" flush>
    <table className="table">
      <thead>
        <tr>
          <th>Stack</th>
          <th>Debian</th>
          <th className="num">Size</th>
        </tr>
      </thead>
      <tbody>
        {stacks.map(({ name, debian, bytes: size }) => (
          <tr key={name}>
            <td>
              <code>{name}</code> {name === stack && <span className="faint small">its own</span>}
            </td>
            <td className="quiet">{debian}</td>
            <td className="num quiet">{bytes(size)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </Card>
)

/** Where the controller hands on what a host's doctor found. */
function Findings({ id }: { id: string }) {
  const { data } = useGet<Diagnosis>(`/v1/hosts/${part(id)}/doctor`, { optional: true })
  const found = data?.findings.filter(({ verdict }) => verdict !== 'ok')
  if (!data || !found) return null
  return (
    <Card title="Doctor" flush>
      {found.length === 0 ? (
        <Empty title="All is well with this machine" />
      ) : (
        <ul className="list">
          {found.map(({ check, verdict, found: what, why, remedy }) => (
            <li key={check} className="body stack tight">
              <Status word={{ text: check, tone: verdict === 'problem' ? 'bad' : 'busy' }} />
              <p className="small">
                {what} {why}
              </p>
              {remedy !== null && <code className="small">{remedy}</code>}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
