/** A map within a bound: what has not been asked for longest makes room. */
export class LeastRecent<Value> {
  readonly #entries = new Map<string, { value: Value; weight: number }>()
  readonly #maxWeight: number
  readonly #onGone: (value: Value) => void
  #weight = 0

  /** @param onGone told of each value that is held no longer, whatever the reason */
  constructor(maxWeight: number, onGone: (value: Value) => void = () => {}) {
    this.#maxWeight = maxWeight
    this.#onGone = onGone
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    // A Map keeps the order in which its keys came in.
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  set(key: string, value: Value, weight = 1): void {
    this.delete(key)
    this.#entries.set(key, { value, weight })
    this.#weight += weight
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= this.#maxWeight) break
      this.delete(oldest)
    }
  }

  /** Would something of this weight fit without another making room? */
  hasRoomFor(weight: number): boolean {
    return this.#weight + weight <= this.#maxWeight
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#weight -= entry.weight
    this.#onGone(entry.value)
  }

  clear(): void {
    for (const key of this.#entries.keys()) this.delete(key)
  }
}
