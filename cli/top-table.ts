/** What `berth top` shows, as rows of its two tables. */
import type { InstanceView } from '#core/contract/api.ts'
import type { TrafficView } from '#core/contract/live.ts'
import { stateColours } from './state-colours.ts'
import { formatBytes, formatCores, formatMegabytes, formatSince, type Cell } from './text.ts'

export type Top = { instances: InstanceView[]; traffic: TrafficView[] }

export const appsHead = ['APP', 'RUNNING', 'CPU', 'MEMORY', 'REQUESTS/S', 'ERRORS/S', 'P50', 'P95', 'IN/S', 'OUT/S']
export const instancesHead = ['INSTANCE', 'STATE', 'RELEASE', 'HOST', 'SINCE', 'CPU', 'MEMORY', '', 'REQ/S', 'RESTARTS']

/** One row for each app of which anything runs or was asked. */
export function appRows({ instances, traffic }: Top): Cell[][] {
  const names = [...new Set([...instances, ...traffic].map(({ app }) => app))].sort((a, b) => a.localeCompare(b))
  return names.map((name) => {
    const own = instances.filter(({ app }) => app === name)
    const asked = traffic.find(({ app }) => app === name)
    return [
      name,
      `${own.filter(({ state }) => state === 'running').length} of ${own.length}`,
      formatCores(sum(own.map(({ cpuMilliUsed }) => cpuMilliUsed ?? 0))),
      formatBytes(sum(own.map(({ memoryBytesUsed }) => memoryBytesUsed ?? 0))),
      formatRate(asked?.requestsPerSecond ?? 0),
      asked !== undefined && asked.errorsPerSecond > 0
        ? { text: formatRate(asked.errorsPerSecond), colour: 'red' }
        : '0',
      formatMs(asked?.p50Ms ?? null),
      formatMs(asked?.p95Ms ?? null),
      formatBytes(asked?.bytesInPerSecond ?? 0),
      formatBytes(asked?.bytesOutPerSecond ?? 0),
    ]
  })
}

export const instanceRows = (instances: InstanceView[], now: number): Cell[][] =>
  instances.map((instance) => {
    const { memoryBytesUsed: used, memoryMb, cpuMilliUsed, cpuMilli, requestsPerSecond: rate } = instance
    return [
      `${instance.app} ${instance.name}`,
      { text: instance.state, colour: stateColours[instance.state] },
      `v${instance.release}`,
      instance.host,
      formatSince(instance.since, now),
      `${cpuMilliUsed === null ? '-' : formatCores(cpuMilliUsed)} of ${formatCores(cpuMilli)}`,
      `${used === null ? '-' : formatBytes(used)} of ${formatMegabytes(memoryMb)}`,
      used === null ? '' : shareOf(used, memoryMb * 1024 * 1024),
      rate === null ? '-' : formatRate(rate),
      String(instance.restarts),
    ]
  })

export function summary({ instances, traffic }: Top, app: string | null): string {
  const running = instances.filter(({ state }) => state === 'running').length
  const rate = formatRate(sum(traffic.map(({ requestsPerSecond }) => requestsPerSecond)))
  return `${app ?? 'all apps'}: ${running} of ${instances.length} instances run, ${rate} requests/s`
}

/** Near its limit it will be ended for want of memory. */
function shareOf(used: number, limit: number): Cell {
  const percent = Math.round((used / limit) * 100)
  return percent >= 90 ? { text: `${percent} %`, colour: 'red' } : `${percent} %`
}

/** Three digits: `0.1`, `12.3`, `1234`. */
export const formatRate = (rate: number): string =>
  rate === 0 ? '0' : rate >= 100 ? rate.toFixed(0) : String(Number(rate.toPrecision(3)))

export const formatMs = (ms: number | null): string =>
  ms === null ? '-' : ms >= 1000 ? `${(ms / 1000).toFixed(ms >= 10_000 ? 0 : 1)} s` : `${Number(ms.toPrecision(2))} ms`

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
