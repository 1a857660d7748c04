/**
 * What each instance answered (core/domain/answered.ts): since this router began, which the store adds up over all routers, and
 * in the stretch of time that is under way, for live figures.
 */
import type { Answered } from '#core/domain/answered.ts'
import type { InstanceId } from '#core/domain/ids.ts'

type Total = { count: number; changedAt: number }

/** An instance that left the table does not come back after so long, nor has any of its requests to be told again. */
const FORGET_MS = 3600_000

export class AnsweredBook {
  #totals = new Map<InstanceId, Total>()
  #changed = new Set<InstanceId>()
  #stretch = new Map<InstanceId, number>()
  #sweptAt = 0

  /**
   * @param answered since the last time
   * @param now ms of any clock that does not go back
   */
  add(answered: Answered, now: number): void {
    for (const [id, count] of answered) {
      this.#totals.set(id, { count: (this.#totals.get(id)?.count ?? 0) + count, changedAt: now })
      this.#changed.add(id)
      this.#stretch.set(id, (this.#stretch.get(id) ?? 0) + count)
    }
  }

  /** What came since the last stretch was taken. */
  takeStretch(): Answered {
    const taken = this.#stretch
    this.#stretch = new Map()
    return taken
  }

  /** Records every total that changed since the last good record: a record that fails, or is made twice, makes no difference. @throws what `record` throws */
  async flush(record: (changed: Answered) => Promise<void>): Promise<void> {
    if (this.#changed.size === 0) return
    const changed = this.#changed
    this.#changed = new Set()
    try {
      await record(new Map([...changed].map((id) => [id, this.#totals.get(id)?.count ?? 0])))
    } catch (error) {
      for (const id of changed) this.#changed.add(id)
      throw error
    }
  }

  /** Forgets instances that are gone. @param isRouted whether one is in the table */
  sweep(isRouted: (id: InstanceId) => boolean, now: number): void {
    if (now - this.#sweptAt < FORGET_MS) return
    this.#sweptAt = now
    for (const [id, { changedAt }] of this.#totals)
      if (now - changedAt >= FORGET_MS && !this.#changed.has(id) && !isRouted(id)) this.#totals.delete(id)
  }
}
