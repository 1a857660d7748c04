/** What one tenant, or one app, takes of this router, against what it may. */
import type { AppQuota, TrafficQuota } from '#core/domain/quota.ts'
import type { TrafficAccount, TrafficReport, TrafficShare } from '#core/store/traffic.ts'
import { Count } from './count.ts'
import { Flow } from './flow.ts'

/** How many seconds' worth of bytes may pass at once, and no fewer than one large read of a socket. */
const BYTES_BURST_SECONDS = 0.25
const LEAST_BYTES_BURST = 65_536

export class Account {
  readonly key: TrafficAccount
  /** A small number of its own, for tables. */
  readonly index: number
  readonly requests = new Flow()
  readonly bytesIn = new Flow()
  readonly bytesOut = new Flow()
  readonly concurrent = new Count()
  readonly connections = new Count()
  readonly webSockets = new Count()
  readonly flows = [this.requests, this.bytesIn, this.bytesOut] as const
  readonly counts = [this.concurrent, this.connections, this.webSockets] as const
  /** Everything is refused until then; 0: it is not. */
  stoppedUntil = 0
  /** It is shared out with the other routers now. */
  active = false
  /** The other routers know it, by an answer of the store. */
  joined = false
  reportedAt = -Infinity
  /** It has called for a report before its time. */
  hurried = false
  usedAt = 0
  /** Another router has less than it wants. */
  othersShort = false

  constructor(key: TrafficAccount, index: number) {
    this.key = key
    this.index = index
  }

  /** Takes on what it may, as the route table says it. @param stoppedUntil of this router's clock, 0: not stopped */
  setLimits(quota: TrafficQuota | AppQuota, stoppedUntil: number, routers: number, now: number): void {
    this.stoppedUntil = stoppedUntil
    const { requests, inBytesPerSecond, outBytesPerSecond } = quota
    const limits: [Flow, number, number][] = [
      [this.requests, requests?.perSecond ?? -1, requests?.burst ?? 0],
      [this.bytesIn, inBytesPerSecond ?? -1, burstOf(inBytesPerSecond)],
      [this.bytesOut, outBytesPerSecond ?? -1, burstOf(outBytesPerSecond)],
    ]
    for (const [flow, rate, burst] of limits) if (!flow.limit(rate, burst, now)) flow.begin(1 / routers, now)
    if (!this.concurrent.setLimit(quota.concurrent ?? -1)) this.concurrent.begin(routers)
    if (!this.connections.setLimit(quota.connections ?? -1)) this.connections.begin(routers)
    if (!this.webSockets.setLimit(quota.webSockets ?? -1)) this.webSockets.begin(routers)
  }

  /** Starts to be shared out, with an even part until the store says more. */
  begin(routers: number, now: number): void {
    this.active = true
    this.joined = false
    this.reportedAt = -Infinity
    for (const flow of this.flows) flow.begin(1 / routers, now)
    for (const count of this.counts) count.begin(routers)
  }

  /** Is left to the others. What comes next is let in by an even part again, and begins anew. */
  rest(routers: number): void {
    this.active = false
    for (const count of this.counts) count.begin(routers)
  }

  isShort(): boolean {
    const { requests } = this
    return (
      this.flows.some(({ short }) => short) ||
      this.counts.some(({ short }) => short) ||
      (requests.rate >= 0 && requests.asked > 0 && requests.tokens < requests.cap / 2)
    )
  }

  /** Nothing of it is under way or was refused, and all that it may is there again. */
  isAtRest(now: number): boolean {
    return (
      !this.isShort() && this.counts.every(({ used }) => used === 0) && this.flows.every((flow) => flow.isFull(now))
    )
  }

  report(mode: TrafficReport['mode'], now: number): TrafficReport {
    const short = this.isShort() || this.counts.some(({ isTight }) => isTight)
    this.reportedAt = now
    this.hurried = false
    return {
      account: this.key,
      mode,
      short,
      flows: this.flows.map((flow) => flow.report(now)),
      counts: this.counts.map((count) => count.report()),
    }
  }

  take({ flows, counts, othersShort }: TrafficShare): void {
    this.joined = true
    this.othersShort = othersShort
    flows.forEach(({ share, cap, grant }, index) => this.flows[index]?.take(share, cap, grant))
    counts.forEach(({ allowance }, index) => this.counts[index]?.take(allowance))
  }

  endure(routers: number): void {
    for (const flow of this.flows) flow.endure(routers)
    for (const count of this.counts) count.endure()
  }
}

const burstOf = (rate: number | null): number =>
  rate === null ? 0 : Math.max(LEAST_BYTES_BURST, rate * BYTES_BURST_SECONDS)
