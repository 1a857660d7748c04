/** Prometheus' text format (exposition format 0.0.4), of figures that are collected when somebody asks. */

export type Metric = {
  /** Ends in `_total` if it only grows, and names its base unit: `_seconds`, `_bytes`. */
  name: string
  help: string
  kind: 'counter' | 'gauge'
  values: { labels?: Record<string, string>; value: number }[]
}

export type Exposition = { contentType: string; text: string }

/** prom-client is loaded by the first scrape: it takes 18 MB, which a host that nobody scrapes need not pay. */
export async function expose(metrics: Metric[]): Promise<Exposition> {
  const { Counter, Gauge, Registry } = await import('prom-client')
  const registry = new Registry()
  for (const { name, help, kind, values } of [...metrics, ...processMetrics()]) {
    const labelNames = Object.keys(values[0]?.labels ?? {})
    const options = { name, help, labelNames, registers: [registry] }
    const metric = kind === 'counter' ? new Counter(options) : new Gauge(options)
    for (const { labels = {}, value } of values) metric.inc(labels, value)
  }
  return { contentType: registry.contentType, text: await registry.metrics() }
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
