/**
 * What Prometheus is told of requests, as whole numbers in arrays that are there from the start: counting a request is a
 * few additions. The first apps that are called have rows of their own; the rest share one, so that the number of time
 * series is bounded whatever people deploy.
 */
import type { AppId, TenantId } from '#core/domain/ids.ts'
import type { QuotaCode } from './quota/quotas.ts'

/** Upper bounds of the buckets, in ms; the last one has none. */
export const LATENCY_BOUNDS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000] as const
export const REFUSALS = [
  'quota-requests',
  'quota-concurrency',
  'quota-connections',
  'quota-websockets',
  'quota-client',
  'quota-budget',
] as const satisfies QuotaCode[]

/** Status classes 1xx to 5xx, by their index; 0 is for clients that left before they had an answer. */
export const CLASSES = 6
const BUCKETS = LATENCY_BOUNDS.length + 1
export const MAX_APPS = 500

/** Stands for all apps beyond the first, and for hosts that nobody has. */
export const OTHERS = 0

export type AppName = { tenant: TenantId; app: AppId }

export class Counters {
  /** By row; the first is that of all others. */
  readonly apps: (AppName | null)[] = [null]
  readonly requests = new Float64Array((MAX_APPS + 1) * CLASSES)
  readonly latency = new Float64Array((MAX_APPS + 1) * BUCKETS)
  readonly latencyMs = new Float64Array(MAX_APPS + 1)
  readonly inFlight = new Float64Array(MAX_APPS + 1)
  readonly bytesIn = new Float64Array(MAX_APPS + 1)
  readonly bytesOut = new Float64Array(MAX_APPS + 1)
  readonly refused = new Float64Array((MAX_APPS + 1) * REFUSALS.length)
  connections = 0
  logLinesDropped = 0
  #rows = new Map<AppId, number>()

  /** The row of an app. It never changes, so a call may keep it. */
  rowOf({ appId, tenantId }: { appId: AppId; tenantId: TenantId }): number {
    const known = this.#rows.get(appId)
    if (known !== undefined) return known
    if (this.apps.length > MAX_APPS) return OTHERS
    const row = this.apps.length
    this.apps.push({ tenant: tenantId, app: appId })
    this.#rows.set(appId, row)
    return row
  }

  begin(row: number): void {
    add(this.inFlight, row, 1)
  }

  /** @param status 0: the client left before it had an answer */
  end(row: number, status: number, ms: number): void {
    add(this.inFlight, row, -1)
    add(this.requests, row * CLASSES + Math.min(CLASSES - 1, Math.floor(status / 100)), 1)
    let bucket = 0
    while (bucket < LATENCY_BOUNDS.length && ms > (LATENCY_BOUNDS[bucket] ?? 0)) bucket += 1
    add(this.latency, row * BUCKETS + bucket, 1)
    add(this.latencyMs, row, ms)
  }

  addBytes(row: number, inBytes: number, outBytes: number): void {
    add(this.bytesIn, row, inBytes)
    add(this.bytesOut, row, outBytes)
  }

  refuse(row: number, code: QuotaCode): void {
    add(this.refused, row * REFUSALS.length + REFUSALS.indexOf(code), 1)
  }
}

function add(values: Float64Array, index: number, amount: number): void {
  values[index] = (values[index] ?? 0) + amount
}
