/** How far a drain is: what has left, and of each instance that has not, what it waits for. */
import { useMemo, useRef } from 'react'
import { Link } from 'wouter'
import type { HostView, InstanceView } from '../../../../core/contract/api.ts'
import { useMany } from '../../live/hooks.ts'
import { appPath } from '../../text/attention.ts'
import { leavingOf, type Leaving } from '../../text/drain.ts'
import { plural } from '../../text/format.ts'
import { Card, Meter, Notice, Status } from '../../ui/parts.tsx'
import { Rows, type Column } from '../../ui/Rows.tsx'

/** How many were on it when the drain was first seen is the whole. */
export function Drain({ host: { id }, here }: { host: HostView; here: InstanceView[] }) {
  const most = useRef(0)
  most.current = Math.max(most.current, here.length)
  const all = useMany('instances', '*', 1000)
  const hosts = useMany('hosts', '*', 1000)
  const leaving = useMemo(() => leavingOf(here, all, hosts), [here, all, hosts])
  if (here.length === 0)
    return <Notice tone="good">{id} is drained: nothing runs on it. It can be switched off, or take work again.</Notice>
  const moved = most.current - here.length
  const staying = leaving.filter(({ word }) => word.tone === 'bad').length
  return (
    <Card title="Draining" aside={<Tally moved={moved} most={most.current} staying={staying} />} flush>
      <div className="body">
        <Meter
          tone="good"
          used={moved / most.current}
          label={`Drain of ${id}`}
          text={`${moved} of ${plural(most.current, 'instance')} left it`}
        />
      </div>
      <Rows
        label="What is still here"
        items={leaving}
        keyOf={({ instance }) => instance.id}
        columns={columns}
        rowHeight={44}
      />
    </Card>
  )
}

const Tally = ({ moved, most, staying }: { moved: number; most: number; staying: number }) => (
  <span className="small quiet" role="status">
    {moved} of {plural(most, 'instance')} left it
    {staying > 0 && <span className="bad-text">, {staying} cannot</span>}
  </span>
)

const columns: Column<Leaving>[] = [
  {
    title: 'Instance',
    width: 'minmax(76px, 1fr)',
    cell: ({ instance: { app, name } }) => (
      <Link href={`${appPath(app)}/instances`} className="name">
        {app} <span className="quiet small">{name}</span>
      </Link>
    ),
  },
  { title: 'State', width: '80px', cell: ({ word }) => <Status word={word} /> },
  {
    title: 'Waits for',
    width: 'minmax(96px, 3fr)',
    cell: ({ text }) => (
      <span className="quiet small wraps" title={text}>
        {text}
      </span>
    ),
  },
]
