/** What each app's requests used, for the metering ledger. */
import type { AppId, TenantId } from '#core/domain/ids.ts'
import type { UsageField, UsageTotals } from '#core/domain/usage.ts'
import type { Call } from './call.ts'
import type { Counters } from './counters.ts'
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

/** Records apps' counters as they are now. */
export type RecordCounters = (changed: Used[]) => Promise<void>

/**
 * Counters only grow while the process lives, so that a report that was lost, or sent twice, makes no difference: the
 * next one carries everything.
 */
export class Usage {
  #known = new Map<AppId, Used>()
  #changed = new Set<AppId>()
  #figures: Counters

  /** @param figures what Prometheus is told */
  constructor(figures: Counters) {
    this.#figures = figures
  }

  countRequest(owner: Owner): void {
    this.#of(owner).requests += 1
  }

  countWebSocket(owner: Owner): void {
    this.#of(owner).webSockets += 1
  }

  countRefusal(owner: Owner, code: QuotaCode): void {
    this.#of(owner)[refusedFields[code]] += 1
  }

  /** Books the bytes that a call's connection carried since it was last asked: to the call's app, if it has one. */
  settle(call: Call): void {
    const { connection, route } = call
    const { bytesRead, bytesWritten } = connection.socket
    const inBytes = bytesRead - connection.settledIn
    const outBytes = bytesWritten - connection.settledOut
    connection.settledIn = bytesRead
    connection.settledOut = bytesWritten
    call.bytesOut += outBytes
    this.#figures.addBytes(call.row, inBytes, outBytes)
    if (route === null || inBytes + outBytes === 0) return
    const counters = this.#of(route)
    counters.requestInBytes += inBytes
    counters.requestOutBytes += outBytes
  }

  /** Records every app whose counters changed since the last good record. @throws what `record` throws */
  async flush(record: RecordCounters): Promise<void> {
    const changed = [...this.#changed]
    if (changed.length === 0) return
    this.#changed.clear()
    try {
      await record(
        changed.flatMap((app) => {
          const known = this.#known.get(app)
          return known ? [{ ...known, counters: { ...known.counters } }] : []
        }),
      )
    } catch (error) {
      for (const app of changed) this.#changed.add(app)
      throw error
    }
  }

  #of({ appId, tenantId }: Owner): UsedByApp {
    this.#changed.add(appId)
    const existing = this.#known.get(appId)
    if (existing) return existing.counters
    const counters = { ...noCounters }
    this.#known.set(appId, { appId, tenantId, counters })
    return counters
  }
}
