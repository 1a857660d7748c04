/** What each app's requests used, for the metering ledger. */
import type { AppId, TenantId } from '#core/domain/ids.ts'
import type { UsageField, UsageTotals } from '#core/domain/usage.ts'
import type { Call } from './call.ts'
import type { Counters } from './counters.ts'
import { FiguresBook, type Counted } from './figures.ts'
import type { QuotaCode } from './quota/quotas.ts'

type Owner = { appId: AppId; tenantId: TenantId }
export type Used = Owner & { counters: UsedByApp }

export type UsedByApp = Pick<
  UsageTotals,
  'requests' | 'requestInBytes' | 'requestOutBytes' | 'webSockets' | (typeof refusedFields)[QuotaCode]
>

/** Under which field of the ledger a refusal is counted. */
const refusedFields = {
  'quota-requests': 'refusedRate',
  'quota-concurrency': 'refusedConcurrent',
  'quota-connections': 'refusedConnections',
  'quota-websockets': 'refusedWebSockets',
  'quota-client': 'refusedClient',
  'quota-budget': 'refusedBudget',
} as const satisfies Record<QuotaCode, UsageField>

const noCounters: UsedByApp = {
  requests: 0,
  requestInBytes: 0,
  requestOutBytes: 0,
  webSockets: 0,
  refusedRate: 0,
  refusedConcurrent: 0,
  refusedConnections: 0,
  refusedWebSockets: 0,
  refusedClient: 0,
  refusedBudget: 0,
}

/** An app's counters, and whether they changed since they were recorded. */
export type Entry = Used & Counted & { changed: boolean }
/** Records apps' counters as they are now. */
export type RecordCounters = (changed: Used[]) => Promise<void>

/**
 * Counters only grow while the process lives, so that a report that was lost, or sent twice, makes no difference: the
 * next one carries everything.
 */
export class Usage {
  #known = new Map<AppId, Entry>()
  #changed: Entry[] = []
  #figures: Counters
  /** What people are shown. */
  readonly book = new FiguresBook()

  /** @param figures what Prometheus is told */
  constructor(figures: Counters) {
    this.#figures = figures
  }

  /** @returns where the rest of the request is booked */
  countRequest(owner: Owner): Entry {
    const entry = this.#of(owner)
    entry.counters.requests += 1
    this.#touch(entry)
    return entry
  }

  countWebSocket(owner: Owner): void {
    const entry = this.#of(owner)
    entry.counters.webSockets += 1
    this.#touch(entry)
  }

  countRefusal(owner: Owner, code: QuotaCode): void {
    const entry = this.#of(owner)
    entry.counters[refusedFields[code]] += 1
    this.#touch(entry)
  }

  /** Books the bytes that a call took on its client's connection since it was last asked: to the call's app, if it has one. */
  settle(call: Call): void {
    const { route } = call
    const inBytes = call.bytesIn - call.bookedIn
    const outBytes = call.bytesOut - call.bookedOut
    if (route === null || (inBytes === 0 && outBytes === 0)) return
    call.bookedIn = call.bytesIn
    call.bookedOut = call.bytesOut
    const entry = (call.counters ??= this.#of(route))
    entry.counters.requestInBytes += inBytes
    // Counters only grow: what was booked and then never left the machine, because a client was gone, stays booked.
    entry.counters.requestOutBytes += Math.max(0, outBytes)
    this.#figures.addBytes(call.row, inBytes, Math.max(0, outBytes))
    this.book.countBytes(entry, inBytes, Math.max(0, outBytes))
    this.#touch(entry)
  }

  /** Records every app whose counters changed since the last good record. @throws what `record` throws */
  async flush(record: RecordCounters): Promise<void> {
    const changed = this.#changed
    if (changed.length === 0) return
    this.#changed = []
    for (const entry of changed) entry.changed = false
    try {
      await record(changed.map(({ appId, tenantId, counters }) => ({ appId, tenantId, counters: { ...counters } })))
    } catch (error) {
      for (const entry of changed) this.#touch(entry)
      throw error
    }
  }

  #touch(entry: Entry): void {
    if (entry.changed) return
    entry.changed = true
    this.#changed.push(entry)
  }

  #of({ appId, tenantId }: Owner): Entry {
    const existing = this.#known.get(appId)
    if (existing) return existing
    const entry: Entry = { appId, tenantId, changed: false, counters: { ...noCounters }, figures: null }
    this.#known.set(appId, entry)
    return entry
  }
}
