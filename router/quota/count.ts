/** One router's part of a number of things that may be there at a time: its allowance, and how many there are. */
import type { CountReport } from '#core/store/traffic.ts'

export class Count {
  /** Of all routers together; below zero: no limit. */
  limit = -1
  allowance = 0
  used = 0
  /** Tries that found no room since the last report. */
  refused = 0
  /** The most that were there at once since the last report. */
  #peak = 0
  /** What the others were told to be wanted here. */
  #told = 0

  hasRoom(): boolean {
    return this.limit < 0 || this.used < this.allowance
  }

  add(): void {
    this.used += 1
    if (this.used > this.#peak) this.#peak = this.used
  }

  remove(): void {
    this.used -= 1
  }

  /** Begins with a share that nobody granted yet. */
  begin(routers: number): void {
    this.allowance = this.limit <= 0 ? this.limit : Math.max(1, Math.floor(this.limit / routers))
    this.refused = 0
    this.#told = 0
  }

  /** @returns false when there was no limit before, so that it has to begin */
  setLimit(limit: number): boolean {
    const known = this.limit >= 0 || limit < 0
    this.limit = limit
    if (this.allowance > limit) this.allowance = limit
    return known
  }

  /** The others have to leave more: what next comes may find no room, or what came last did not. */
  get short(): boolean {
    const { used, allowance, limit } = this
    return this.refused > 0 || (allowance < limit && used > allowance * FULL)
  }

  /** More will be needed soon, and the others do not know of it: they would give more if they did. */
  get isTight(): boolean {
    const { used, allowance, limit } = this
    return allowance < limit && used * 2 > allowance && used > this.#told * TOLD_ROOM
  }

  report(): CountReport {
    const { limit, allowance, used } = this
    if (limit < 0) return noCount
    const wanted = Math.max(this.#peak, used) + this.refused
    this.#peak = used
    this.refused = 0
    this.#told = wanted
    return { limit, allowance, used, wanted }
  }

  take(allowance: number): void {
    if (this.limit >= 0) this.allowance = allowance
  }

  endure(): void {
    if (this.limit > 0) this.allowance = Math.max(1, this.allowance)
  }
}

/** Where so much is taken, more is asked for before anything has to be refused. */
const FULL = 0.875

/** So much more than was told is worth another report. */
const TOLD_ROOM = 1.125

const noCount: CountReport = { limit: -1, allowance: 0, used: 0, wanted: 0 }
