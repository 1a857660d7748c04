import type { InstanceView } from '../../core/contract/api.ts'
import { Badge, type Tone } from './Badge.tsx'
import { formatAge, formatBytes, formatCores, formatMegabytes } from './format.ts'
import type { History } from './history.ts'
import { Sparkline } from './Sparkline.tsx'
import { Table } from './Table.tsx'

type Props = { label: string; instances: InstanceView[]; history: History; now: number }

export function InstanceTable({ label, instances, history, now }: Props) {
  return (
    <Table
      label={label}
      head={['Instance', 'State', 'CPU, in cores', 'Memory', 'Host', 'Restarts']}
      rows={instances.map((instance) => ({
        key: instance.id,
        cells: cellsOf(instance, history, now),
        note: instance.detail ? { text: instance.detail, bad: tones[instance.state] === 'bad' } : null,
      }))}
    />
  )
}

const tones: Record<InstanceView['state'], Tone> = {
  pending: 'busy',
  starting: 'busy',
  running: 'good',
  draining: 'quiet',
  stopped: 'quiet',
  failed: 'bad',
  lost: 'bad',
}

/** Below this share of its limit a curve does not fill its height. */
const IDLE_SHARE = 0.05

function cellsOf(instance: InstanceView, history: History, now: number) {
  const samples = history.get(instance.id) ?? { cpuMilli: [], memoryBytes: [] }
  const limitBytes = instance.memoryMb * 1024 * 1024
  const cpu = instance.cpuMilliUsed === null ? '–' : formatCores(instance.cpuMilliUsed)
  const memory = instance.memoryBytesUsed === null ? '–' : formatBytes(instance.memoryBytesUsed)
  return [
    <>
      {instance.name} <span className="quiet">v{instance.release}</span>
    </>,
    <span className="badges">
      <Badge tone={tones[instance.state]}>{instance.state}</Badge>
      <span className="quiet">{formatAge(instance.since, now)}</span>
    </span>,
    <span className="figure">
      <Sparkline
        label={`CPU of ${instance.name} over the last two minutes, now ${cpu} cores`}
        samples={samples.cpuMilli}
        atLeast={instance.cpuMilli * IDLE_SHARE}
      />
      <span>
        {cpu} <span className="quiet">of {formatCores(instance.cpuMilli)}</span>
      </span>
    </span>,
    <span className="figure">
      <Sparkline
        label={`Memory of ${instance.name} over the last two minutes, now ${memory}`}
        samples={samples.memoryBytes}
        atLeast={limitBytes * IDLE_SHARE}
      />
      <span>
        {memory} <span className="quiet">of {formatMegabytes(instance.memoryMb)}</span>
      </span>
    </span>,
    instance.host,
    String(instance.restarts),
  ]
}
