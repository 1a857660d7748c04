/** What a router tells Prometheus, made of its counters when somebody asks. Labels are bounded: see counters.ts. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { messageOf } from '#core/domain/errors.ts'
import { sleep } from '#core/runtime/clock.ts'
import { expose, type Distribution, type Metric } from '#core/runtime/metrics.ts'
import type { Log } from '#core/runtime/log.ts'
import { LATENCY_BOUNDS, MAX_APPS, REFUSALS, type Counters } from './counters.ts'

const classNames = ['left', '1xx', '2xx', '3xx', '4xx', '5xx']

export function routerMetrics(counters: Counters): (Metric | Distribution)[] {
  const { apps, requests, refused, latency, latencyMs } = counters
  const rows = apps.map((name, row) => ({
    row,
    labels: { tenant: name?.tenant ?? 'others', app: name?.app ?? 'others' },
  }))
  const perApp = (kind: 'counter' | 'gauge', name: string, help: string, values: Float64Array): Metric => ({
    name: `berth_router_${name}`,
    help,
    kind,
    values: rows.map(({ row, labels }) => ({ labels, value: values[row] ?? 0 })),
  })
  const perAppAnd = (
    label: string,
    kinds: readonly string[],
    name: string,
    help: string,
    values: Float64Array,
  ): Metric => ({
    name: `berth_router_${name}`,
    help,
    kind: 'counter',
    values: rows.flatMap(({ row, labels }) =>
      kinds.flatMap((each, index) => {
        const value = values[row * kinds.length + index] ?? 0
        return value > 0 ? [{ labels: { ...labels, [label]: each }, value }] : []
      }),
    ),
  })
  const buckets = LATENCY_BOUNDS.length + 1
  return [
    perAppAnd(
      'class',
      classNames,
      'requests_total',
      `Requests that were answered, by class of status. Of the first ${MAX_APPS} apps.`,
      requests,
    ),
    perAppAnd('code', REFUSALS, 'refusals_total', 'Requests that a quota refused.', refused),
    {
      name: 'berth_router_request_duration_seconds',
      help: 'From the head of a request to the end of its answer; a WebSocket takes long.',
      kind: 'histogram',
      values: rows.map(({ row, labels }) => ({
        labels,
        bounds: LATENCY_BOUNDS.map((ms) => ms / 1000),
        counts: Array.from(latency.subarray(row * buckets, (row + 1) * buckets)),
        sum: (latencyMs[row] ?? 0) / 1000,
      })),
    },
    perApp('gauge', 'requests_in_flight', 'Requests under way, and open WebSockets.', counters.inFlight),
    perApp('counter', 'receive_bytes_total', 'Bytes from clients, on the wire.', counters.bytesIn),
    perApp('counter', 'transmit_bytes_total', 'Bytes to clients, on the wire.', counters.bytesOut),
    {
      name: 'berth_router_log_lines_dropped_total',
      help: "Requests without a line in their app's log, because there were too many or the log was away.",
      kind: 'counter',
      values: [{ value: counters.logLinesDropped }],
    },
    {
      name: 'berth_router_connections',
      help: 'Client connections.',
      kind: 'gauge',
      values: [{ value: counters.connections }],
    },
  ]
}

export type MetricsPage = { port: number; close(): void }

const RETRY_MS = 1_000
/** Longer than a predecessor takes to end. */
const WARN_AFTER_MS = 60_000

/**
 * Serves the page as soon as the port is free, which a predecessor has until it ends. Requests are served meanwhile, and also
 * where another process keeps the port.
 * @param port null: none is wanted
 * @param signal ends it
 */
export async function keepMetrics(
  port: number | null,
  counters: Counters,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  if (port === null) return
  for (let waitedMs = 0; !signal.aborted; waitedMs += RETRY_MS) {
    try {
      const page = await serveMetrics(port, counters, log)
      if (signal.aborted) page.close()
      else signal.addEventListener('abort', () => page.close(), { once: true })
      return
    } catch (error) {
      if (waitedMs === WARN_AFTER_MS)
        log.warn('figures for Prometheus are not served, trying on', { port, cause: messageOf(error) })
      await sleep(RETRY_MS, signal)
    }
  }
}

/**
 * `GET /metrics` for Prometheus, on this host only, as the agent has it.
 * @param port 0: any that is free
 * @throws what listening throws, such as EADDRINUSE
 */
export function serveMetrics(port: number, counters: Counters, log: Log): Promise<MetricsPage> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') return void response.writeHead(404).end()
    expose(routerMetrics(counters)).then(
      ({ contentType, text }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      (error: unknown) => {
        log.error('page not made', { page: request.url, error })
        response.writeHead(500).end()
      },
    )
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        close() {
          server.close()
          server.closeAllConnections()
        },
      }),
    )
  })
}
