/**
 * Which clients take the most of a tenant's requests. Cells that leak at the pace that one client may keep; a client and a
 * tenant share a cell by a hash, so its size is fixed, and now and then a client is taken for a heavier one than it is.
 */
const CELLS = 65_536

export class HeavyUse {
  #levels = new Float64Array(CELLS)
  #at = new Float64Array(CELLS)
  #seed: number

  /** @param seed a number that nobody outside can guess, so that nobody can choose whose cell to fill */
  constructor(seed: number) {
    this.#seed = seed | 0
  }

  /** Where a client's use of an account is counted. */
  cellOf(client: number, account: number): number {
    let hash = (Math.imul(client, 0x9e3779b1) ^ Math.imul(account, 0x85ebca6b) ^ this.#seed) | 0
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39)
    return (hash ^ (hash >>> 15)) & (CELLS - 1)
  }

  /** @param leakPerMs what is forgotten each ms @returns the level now */
  level(cell: number, leakPerMs: number, now: number): number {
    const elapsed = Math.max(0, now - (this.#at[cell] ?? 0))
    const level = Math.max(0, (this.#levels[cell] ?? 0) - elapsed * leakPerMs)
    this.#at[cell] = now
    this.#levels[cell] = level
    return level
  }

  /** @param most no level is higher, so that who stops is soon forgiven */
  add(cell: number, most: number): void {
    this.#levels[cell] = Math.min(most, (this.#levels[cell] ?? 0) + 1)
  }
}
