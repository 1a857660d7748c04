/** How often a client may do what costs it nothing and us work: so often at once, and then so often a second. */
export class Patience {
  readonly #most: number
  readonly #perSecond: number
  #left: number
  #at = -Infinity

  constructor(most: number, perSecond: number) {
    this.#most = most
    this.#perSecond = perSecond
    this.#left = most
  }

  /** @param now ms of the router's clock. @returns false when it was once too often */
  spend(now: number): boolean {
    const gained = ((now - this.#at) * this.#perSecond) / 1000
    this.#at = now
    this.#left = Math.min(this.#most, this.#left + gained) - 1
    return this.#left >= 0
  }
}
