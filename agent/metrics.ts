/**
 * What a host tells Prometheus. Labels are bounded: by the apps that run here or did within the last hour, never by
 * instances, whose ids are without end.
 */
import type { UsageField } from '#core/domain/usage.ts'
import type { Metric } from '#core/runtime/metrics.ts'
import type { AppFigures, Meter } from './metering.ts'
import type { Orders } from './orders.ts'
import type { Outbox } from './outbox.ts'

/** Counters begin with the agent, as Prometheus expects of a process. */
export function agentMetrics(
  meter: Pick<Meter, 'apps' | 'figures'>,
  outbox: Pick<Outbox, 'dropped'>,
  orders: Pick<Orders, 'counts'>,
): Metric[] {
  const apps = meter.apps()
  const { looks, lookSeconds, delivered, failures, unsent, spoolBytes } = meter.figures()
  const perApp = (kind: Metric['kind'], name: string, help: string, value: (app: AppFigures) => number): Metric => ({
    name: `berth_app_${name}`,
    help,
    kind,
    values: apps.map((app) => ({ labels: { tenant: app.tenantId, app: app.appId }, value: value(app) })),
  })
  const used = (name: string, help: string, field: UsageField) =>
    perApp('counter', `${name}_total`, help, ({ used: usage }) => usage[field])
  const own = (kind: Metric['kind'], name: string, help: string, value: number): Metric => ({
    name: `berth_meter_${name}`,
    help,
    kind,
    values: [{ value }],
  })
  return [
    perApp('gauge', 'instances', 'Instances of the app on this host.', ({ sandboxes }) => sandboxes.instance),
    perApp('gauge', 'builds', 'Builds of the app on this host.', ({ sandboxes }) => sandboxes.build),
    perApp('gauge', 'processes', 'Processes of the app on this host.', ({ pids }) => pids),
    perApp('gauge', 'memory_bytes', 'Memory, without file cache that can be reclaimed.', (app) => app.memoryBytes),
    perApp('gauge', 'disk_bytes', 'Written to scratch images, and still there.', (app) => app.diskBytes),
    used('cpu_seconds', 'CPU time, user and system.', 'cpuSeconds'),
    used('cpu_throttled_seconds', 'Time held back by the CPU limit.', 'throttledSeconds'),
    used('network_receive_bytes', 'Bytes received on its links.', 'networkInBytes'),
    used('network_transmit_bytes', 'Bytes sent on its links.', 'networkOutBytes'),
    used('io_read_bytes', 'Bytes read from disks.', 'ioReadBytes'),
    used('io_written_bytes', 'Bytes written to disks.', 'ioWriteBytes'),
    used('output_bytes', 'Bytes printed.', 'logBytes'),
    {
      name: 'berth_app_log_lines_dropped_total',
      help: 'Lines printed that did not reach the log, because there were too many or the log was away.',
      kind: 'counter',
      values: outbox
        .dropped()
        .map(({ appId, tenantId, lines }) => ({ labels: { tenant: tenantId, app: appId }, value: lines })),
    },
    {
      name: 'berth_jobs_refused_total',
      help: 'Jobs on the queue of this host that its controller did not send.',
      kind: 'counter',
      values: [...orders.counts()].map(([reason, value]) => ({ labels: { reason }, value })),
    },
    own('counter', 'looks_total', 'Looks at the counters of a sandbox.', looks),
    own('counter', 'look_seconds_total', 'Time that they took.', lookSeconds),
    own('counter', 'samples_delivered_total', 'Samples that the ledger took.', delivered),
    own('counter', 'delivery_failures_total', 'Deliveries that the ledger did not take.', failures),
    own('gauge', 'samples_waiting', 'Samples that wait for the ledger in memory.', unsent),
    own('gauge', 'spool_bytes', 'Size of the samples that wait for the ledger on disk.', spoolBytes),
  ]
}
