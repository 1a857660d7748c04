/** The one thing that a connection waits for now, and until when. Looked at by the sweep, so that nothing needs a timer. */
import type { Clock } from '../clock.ts'

export class Deadline {
  readonly #clock: Clock
  #at = Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  in(ms: number): void {
    this.#at = this.#clock.now + ms
  }

  never(): void {
    this.#at = Infinity
  }

  /** @param now ms of the router's clock */
  isPast(now: number): boolean {
    return now > this.#at
  }
}
