/**
 * A map for very many entries that never stands still. A Map of 100,000 entries copies them all when it grows, and a router
 * carries no request meanwhile (some 10 ms); here each of 64 small ones grows on its own.
 */
const PARTS = 64
/** Names of one platform have long ends in common; what tells them apart comes first. */
const LOOKED_AT = 12

export class SplitMap<Key extends string, Value> {
  #parts = Array.from({ length: PARTS }, () => new Map<Key, Value>())
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: Key): Value | undefined {
    return this.#partOf(key).get(key)
  }

  has(key: Key): boolean {
    return this.#partOf(key).has(key)
  }

  set(key: Key, value: Value): void {
    const part = this.#partOf(key)
    const before = part.size
    part.set(key, value)
    this.#size += part.size - before
  }

  delete(key: Key): void {
    if (this.#partOf(key).delete(key)) this.#size -= 1
  }

  #partOf(key: Key): Map<Key, Value> {
    let mixed = key.length
    for (let at = Math.min(LOOKED_AT, key.length) - 1; at >= 0; at--) mixed = (mixed * 31 + key.charCodeAt(at)) | 0
    return this.#parts[(mixed ^ (mixed >>> 16)) & (PARTS - 1)] as Map<Key, Value>
  }
}
