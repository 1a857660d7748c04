/** The router's clock: read once per request, and by the sweep; whoever only needs to know about when looks at `now`. */
export class Clock {
  /** ms of a clock that does not go back, as it was read last: at most `checkMs` ago. */
  now = performance.now()
  /** What to add to get ms since 1970; renewed with each sweep, because the wall's clock may be set. */
  #toWall = Date.now() - performance.now()

  /** Reads the clock. */
  tick(): number {
    return (this.now = performance.now())
  }

  /** @param ms a time of this clock. @returns ms since 1970 */
  wall(ms: number): number {
    return Math.floor(this.#toWall + ms)
  }

  sweep(): number {
    this.#toWall = Date.now() - this.tick()
    return this.now
  }
}
