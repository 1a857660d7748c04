/** The alerts that go on, and those that ended lately. */
import { useEffect } from 'react'
import { Link } from 'wouter'
import type { AlertsView, AlertView } from '../../../../core/contract/alerts.ts'
import { refresh, useGet } from '../../api/queries.ts'
import { useFigure } from '../../live/hooks.ts'
import { appPath, hostPath, tenantPath } from '../../text/attention.ts'
import { duration } from '../../text/format.ts'
import { alertWord } from '../../text/words.ts'
import { Ago, Empty, Status } from '../../ui/parts.tsx'
import { TableCard } from '../../ui/Table.tsx'

export function AlertList({ path }: { path: string }) {
  const asked = useGet<AlertsView>(path)
  // Those that go on come live; when they change, so has the list of those that ended.
  const standing = useFigure('alerts', '*', (alerts) => alerts.map(({ id, state, text }) => id + state + text).join())
  useEffect(() => void refresh(path), [standing, path])
  return (
    <TableCard
      title="Alerts"
      asked={asked}
      rows={asked.data?.alerts}
      head={['Alert', 'What', 'Since', ['Lasted', 'num wide']]}
      empty={
        <Empty title="All is well">
          <p>Nothing needs attention, and nothing did lately.</p>
        </Empty>
      }
      row={(alert) => <Row key={alert.id} alert={alert} />}
    />
  )
}

const Row = ({ alert }: { alert: AlertView }) => {
  const { kind, state, since, until, text } = alert
  return (
    <tr>
      <td>
        <Status word={{ text: alertWord(kind), tone: state === 'firing' ? 'bad' : 'idle' }} />
      </td>
      <td>
        <About alert={alert} />
        {text}
      </td>
      <td className="quiet">
        <Ago at={since} />
      </td>
      <td className="wide num quiet">{until === null ? 'goes on' : duration(Date.parse(until) - Date.parse(since))}</td>
    </tr>
  )
}

function About({ alert: { app, tenant, host } }: { alert: AlertView }) {
  const [name, href] =
    app !== null
      ? [app, appPath(app)]
      : host !== null
        ? [host, hostPath(host)]
        : tenant !== null
          ? [tenant, tenantPath(tenant)]
          : []
  if (name === undefined || href === undefined) return null
  return (
    <>
      <Link href={href} className="strong">
        {name}
      </Link>{' '}
    </>
  )
}
