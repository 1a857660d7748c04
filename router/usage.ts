/** What each app's requests used, for the metering ledger. */
import type { AppId, TenantId } from '#core/domain/ids.ts'
import type { Call } from './call.ts'

type Owner = { appId: AppId; tenantId: TenantId }
export type Used = Owner & { counters: Counters }

export type Counters = { requests: number; requestInBytes: number; requestOutBytes: number }
/** Records apps' counters as they are now. */
export type RecordCounters = (changed: Used[]) => Promise<void>

/**
 * Counters only grow while the process lives, so that a report that was lost, or sent twice, makes no difference: the
 * next one carries everything.
 */
export class Usage {
  #known = new Map<AppId, Used>()
  #changed = new Set<AppId>()

  countRequest(owner: Owner): void {
    this.#of(owner).requests += 1
  }

  /** Books the bytes that a call took on its client's connection since it was last asked: to the call's app, if it has one. */
  settle(call: Call): void {
    const { route } = call
    const inBytes = call.bytesIn - call.bookedIn
    const outBytes = call.bytesOut - call.bookedOut
    if (route === null || (inBytes === 0 && outBytes === 0)) return
    call.bookedIn = call.bytesIn
    call.bookedOut = call.bytesOut
    const counters = this.#of(route)
    counters.requestInBytes += inBytes
    // Counters only grow: what was booked and then never left the machine, because a client was gone, stays booked.
    counters.requestOutBytes += Math.max(0, outBytes)
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

  #of({ appId, tenantId }: Owner): Counters {
    this.#changed.add(appId)
    const existing = this.#known.get(appId)
    if (existing) return existing.counters
    const counters = { requests: 0, requestInBytes: 0, requestOutBytes: 0 }
    this.#known.set(appId, { appId, tenantId, counters })
    return counters
  }
}
