/** Prometheus' text format (exposition format 0.0.4), of figures that are collected when somebody asks. */
import type { Histogram } from 'prom-client'

type Labels = Record<string, string>

export type Metric = {
  /** Ends in `_total` if it only grows, and names its base unit: `_seconds`, `_bytes`. */
  name: string
  help: string
  kind: 'counter' | 'gauge'
  values: { labels?: Labels; value: number }[]
}

/** How many of what was measured were how large; counted elsewhere, and only told here. */
export type Distribution = {
  name: string
  help: string
  kind: 'histogram'
  /** Each bucket's upper bound, how many fell into each and beyond the last (one more than bounds), and the sum of all. */
  values: { labels: Labels; bounds: readonly number[]; counts: readonly number[]; sum: number }[]
}

export type Exposition = { contentType: string; text: string }

/** prom-client is loaded by the first scrape: it takes 18 MB, which a host that nobody scrapes need not pay. */
export async function expose(metrics: (Metric | Distribution)[]): Promise<Exposition> {
  const { Counter, Gauge, Registry } = await import('prom-client')
  const registry = new Registry()
  for (const told of [...metrics, ...processMetrics()]) {
    if (told.kind === 'histogram') {
      registry.registerMetric(asHistogram(told))
      continue
    }
    const { name, help, kind, values } = told
    const labelNames = Object.keys(values[0]?.labels ?? {})
    const options = { name, help, labelNames, registers: [registry] }
    const metric = kind === 'counter' ? new Counter(options) : new Gauge(options)
    for (const { labels = {}, value } of values) metric.inc(labels, value)
  }
  return { contentType: registry.contentType, text: await registry.metrics() }
}

/** prom-client's own histogram can only count by itself; whoever asks the registry needs no more than this of one. */
function asHistogram({ name, help, values }: Distribution): Histogram {
  const told = values.flatMap(({ labels, bounds, counts, sum }) => {
    let below = 0
    const buckets = counts.map((count, index) => {
      below += count
      return { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[index] ?? '+Inf' }, value: below }
    })
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: below },
    ]
  })
  const metric = { name, help, type: 'histogram', aggregator: 'sum', values: told }
  return { name, get: () => Promise.resolve(metric) } as unknown as Histogram
}

/** By the names that Prometheus' own client libraries give them. */
function processMetrics(): Metric[] {
  const { user, system } = process.cpuUsage()
  return [
    {
      name: 'process_cpu_seconds_total',
      help: 'CPU time of this process, user and system.',
      kind: 'counter',
      values: [{ value: (user + system) / 1e6 }],
    },
    {
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of this process.',
      kind: 'gauge',
      values: [{ value: process.memoryUsage.rss() }],
    },
    {
      name: 'process_start_time_seconds',
      help: 'Start of this process, since 1970.',
      kind: 'gauge',
      values: [{ value: performance.timeOrigin / 1000 }],
    },
  ]
}
