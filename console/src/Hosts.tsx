import type { HostView } from '../../core/contract/api.ts'
import { Badge } from './Badge.tsx'
import { CapacityBar } from './CapacityBar.tsx'
import { formatCores, formatMegabytes } from './format.ts'
import { Table } from './Table.tsx'

export function Hosts({ hosts }: { hosts: HostView[] }) {
  const live = hosts.filter((host) => host.live).length
  return (
    <section aria-labelledby="hosts">
      <h2 id="hosts">
        Hosts <span className="quiet">{hosts.length === 0 ? '' : `${live} of ${hosts.length} live`}</span>
      </h2>
      {hosts.length === 0 ? (
        <p className="quiet">No host has registered yet. Start an agent on one.</p>
      ) : (
        <Table
          label="Hosts"
          head={['Host', 'State', 'CPU, in cores', 'Memory', 'Instances']}
          rows={hosts.map((host) => ({ key: host.id, cells: cellsOf(host) }))}
        />
      )}
    </section>
  )
}

function cellsOf(host: HostView) {
  const { capacity, reserved } = host
  return [
    <>
      {host.id}
      <span className="quiet block">version {host.version}</span>
    </>,
    <span className="badges">
      <Badge tone={host.live ? 'good' : 'bad'}>{host.live ? 'live' : 'lost'}</Badge>
      {host.cordoned ? <Badge tone="busy">cordoned</Badge> : null}
    </span>,
    <CapacityBar
      name="CPU"
      used={host.live ? host.cpuMilliUsed : null}
      reserved={reserved.cpuMilli}
      capacity={capacity.cpuMilli}
      format={formatCores}
    />,
    <CapacityBar
      name="Memory"
      used={host.live ? host.memoryMbUsed : null}
      reserved={reserved.memoryMb}
      capacity={capacity.memoryMb}
      format={formatMegabytes}
    />,
    `${reserved.slots} of ${capacity.slots}`,
  ]
}
