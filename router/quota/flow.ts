/**
 * One router's part of a token bucket that all routers share: it fills at this router's share of the rate, and what the
 * others leave is added as a grant. Numbers of a class that are written in place, because every request comes by here:
 * nothing is allocated. Time is an argument: ms of a clock that does not go back.
 */
import type { FlowReport } from '#core/store/traffic.ts'

/** What everyone keeps of everything, divided by the routers; as in commands/shareTraffic.lua. */
export const LEAST_PART = 0.1

/** How fast what is wanted is forgotten: in this many ms to a third. */
const FORGET_MS = 1_000

const LEAST_WINDOW_MS = 100

export class Flow {
  /** Per second; below zero: no limit. */
  rate = -1
  burst = 0
  /** The part of the rate that is this router's, 0 to 1. */
  share = 1
  /** The most tokens that it holds. Below one, no request would ever pass. */
  cap = 1
  tokens = 0
  /** Tokens that were made here since this router joined. */
  made = 0
  /** Tokens that were asked for since the last report. */
  asked = 0
  /** Tokens per second that were asked for lately. */
  wanted = 0
  /** Something was refused or held up since the last report. */
  short = false
  #at = 0
  #reportedAt = 0

  isFull(now: number): boolean {
    this.fill(now)
    return this.rate < 0 || this.tokens >= this.cap - 1e-6
  }

  fill(now: number): void {
    const elapsedMs = now - this.#at
    if (elapsedMs <= 0) return
    this.#at = now
    const room = this.cap - this.tokens
    if (room <= 0) return
    const more = Math.min(room, (elapsedMs * this.rate * this.share) / 1000)
    this.tokens += more
    this.made += more
  }

  /**
   * Begins with a share that nobody granted yet, and with what is enough until the others have answered: what it holds
   * then is owed to them, and who restarts often must not begin with a whole burst each time.
   */
  begin(share: number, now: number): void {
    this.share = share
    this.cap = Math.max(1, share * this.burst)
    this.tokens = this.made = this.rate < 0 ? 0 : Math.min(this.cap, Math.max(FIRST_TOKENS, FIRST_PART * this.cap))
    this.asked = this.wanted = 0
    this.short = false
    this.#at = this.#reportedAt = now
  }

  /** The limit of all routers together. @returns false when there was none before, so that it has to begin */
  limit(rate: number, burst: number, now: number): boolean {
    const known = this.rate >= 0 || rate < 0
    if (this.rate >= 0) this.fill(now)
    this.rate = rate
    this.burst = burst
    this.cap = Math.max(1, Math.min(this.cap, this.share * burst))
    // What a smaller bucket cannot hold goes back to the pool, as if it had not been made.
    const surplus = Math.max(0, this.tokens - this.cap)
    this.tokens -= surplus
    this.made -= surplus
    return known
  }

  /** Takes what has passed already, even beyond what is there. @returns ms until something may pass again, 0: now */
  charge(amount: number, now: number): number {
    if (this.rate < 0) return 0
    this.fill(now)
    this.tokens -= amount
    this.asked += amount
    if (this.tokens >= 0) return 0
    this.short = true
    return Math.min(MAX_PAUSE_MS, this.msUntil(0))
  }

  /** ms until there are so many tokens. Whoever has no share yet is soon given one. */
  msUntil(tokens: number): number {
    const lack = tokens - this.tokens
    return lack <= 0 ? 0 : (lack * 1000) / (this.rate * Math.max(this.share, LEAST_PART))
  }

  report(now: number): FlowReport {
    const { rate, burst, share } = this
    if (rate < 0) return noFlow
    this.fill(now)
    // A first report comes at once, and one request in a millisecond is not a thousand a second.
    const seconds = Math.max(LEAST_WINDOW_MS, now - this.#reportedAt) / 1000
    this.#reportedAt = now
    const recent = this.asked / seconds
    // Up at once, since it is lacking now; down slowly, so that a pause between two requests changes nothing.
    this.wanted =
      recent > this.wanted
        ? (this.wanted + recent) / 2
        : recent + (this.wanted - recent) * Math.exp((-seconds * 1000) / FORGET_MS)
    this.asked = 0
    this.short = false
    return { rate, burst, share, tokens: this.tokens, made: this.made, wanted: this.wanted }
  }

  take(share: number, cap: number, grant: number): void {
    if (this.rate < 0) return
    this.share = share
    this.cap = cap
    this.tokens += grant
  }

  /** Goes on without the others: with its last share, but not with nothing. */
  endure(routers: number): void {
    this.share = Math.max(this.share, LEAST_PART / routers)
    this.cap = Math.max(1, this.share * this.burst)
  }
}

const FIRST_TOKENS = 10
const FIRST_PART = 0.1

/** Whoever is held up asks again after this, because its share may have grown. */
const MAX_PAUSE_MS = 1_000

const noFlow: FlowReport = { rate: -1, burst: 0, share: 0, tokens: 0, made: 0, wanted: 0 }
