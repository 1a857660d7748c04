/** Instances of an app or a host, of any number. */
import './instances.css'
import { Link } from 'wouter'
import type { InstanceView } from '../../../core/contract/api.ts'
import { useSession } from '../api/session.ts'
import { appPath, hostPath } from '../text/attention.ts'
import { bytes, cores, mebibytes, rate } from '../text/format.ts'
import { instanceState, reasonWord } from '../text/words.ts'
import { Ago, Meter, Status } from './parts.tsx'
import { Rows, type Column } from './Rows.tsx'

export function InstanceRows({ instances, of }: { instances: InstanceView[]; of: 'app' | 'host' }) {
  return (
    <Rows
      label="Instances"
      items={instances}
      keyOf={({ id }) => id}
      rowHeight={56}
      columns={of === 'app' ? columnsOfApp : columnsOfHost}
    />
  )
}

const name: Column<InstanceView> = {
  title: 'Instance',
  width: 'minmax(70px, 1.1fr)',
  cell: ({ name, release, once }) => (
    <>
      <span className="strong">{name}</span> <span className="faint small">{once ? 'runs once' : `v${release}`}</span>
    </>
  ),
}
const app: Column<InstanceView> = {
  title: 'App',
  width: 'minmax(84px, 1.4fr)',
  cell: (instance) => (
    <span className="instance-state">
      <Link href={`${appPath(instance.app)}/instances`} className="name clip">
        {instance.app}
      </Link>
      <span className="clip small quiet">
        {instance.name} <span className="faint">v{instance.release}</span>
      </span>
    </span>
  ),
}
const state: Column<InstanceView> = {
  title: 'State',
  width: 'minmax(92px, 3.4fr)',
  cell: (instance) => (
    <span className="instance-state">
      <Status word={instanceState(instance)} />
      <LastExit instance={instance} />
    </span>
  ),
}
const host: Column<InstanceView> = {
  title: 'Host',
  width: 'minmax(80px, 1fr)',
  from: 'wide',
  cell: (of) => <Host of={of} />,
}
const rest: Column<InstanceView>[] = [
  {
    title: 'CPU',
    width: '104px',
    from: 'wide',
    cell: ({ cpuMilliUsed, cpuMilli, name: of }) => (
      <Use
        used={cpuMilliUsed}
        most={cpuMilli}
        label={`CPU of ${of}`}
        text={cpuMilliUsed === null ? '–' : cores(cpuMilliUsed)}
      />
    ),
  },
  {
    title: 'Memory',
    width: 'minmax(84px, 116px)',
    cell: ({ memoryBytesUsed, memoryMb, name: of }) => (
      <Use
        used={memoryBytesUsed}
        most={memoryMb * 1024 ** 2}
        label={`Memory of ${of}`}
        text={memoryBytesUsed === null ? mebibytes(memoryMb) : bytes(memoryBytesUsed)}
      />
    ),
  },
  {
    title: 'Disk',
    width: '104px',
    from: 'wider',
    cell: ({ diskBytesUsed, diskMb, name: of }) => (
      <Use
        used={diskBytesUsed}
        most={diskMb * 1024 ** 2}
        label={`Disk of ${of}`}
        text={diskBytesUsed === null ? '–' : bytes(diskBytesUsed)}
      />
    ),
  },
  {
    title: 'Req/s',
    width: '60px',
    from: 'wider',
    num: true,
    cell: ({ requestsPerSecond: of }) => (of === null ? '–' : rate(of)),
  },
  { title: 'Restarts', width: '64px', from: 'wider', num: true, cell: ({ restarts }) => restarts },
  { title: 'Since', width: '92px', from: 'wider', num: true, cell: ({ since }) => <Ago at={since} /> },
]
const columnsOfApp = [name, state, host, ...rest]
const columnsOfHost = [app, state, ...rest]

/** The reason stays after a restart: it says why the life before ended. */
function LastExit({ instance: { reason, detail, state: now } }: { instance: InstanceView }) {
  if (reason === null || (now === 'running' && reason === 'stopped')) return null
  return (
    <span className="clip small quiet" title={detail ?? undefined}>
      {now === 'running' || now === 'starting' ? 'Last exit: ' : ''}
      {detail ?? reasonWord(reason)}
    </span>
  )
}

/** Hosts are for operators to look at. */
const Host = ({ of }: { of: InstanceView }) =>
  useSession().operator ? (
    <Link href={hostPath(of.host)} className="quiet">
      {of.host}
    </Link>
  ) : (
    <span className="quiet">{of.host}</span>
  )

type UseProps = { used: number | null; most: number; label: string; text: string }

const Use = ({ used, most, label, text }: UseProps) => (
  <span className="use">
    <span className="small">{text}</span>
    <Meter used={(used ?? 0) / most} label={label} text={text} />
  </span>
)
