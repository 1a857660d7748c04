/**
 * What the requests of one HTTP/2 connection took on it. Bodies are counted as they pass. Heads are compressed by what came
 * before them, and some frames belong to no stream; so the rest is what the connection's own counters say beyond the bodies,
 * and goes to whichever request ends next: the sum is exact, and only how requests share it is not.
 */
export type Wire = { readonly bytesRead?: number; readonly bytesWritten?: number }

/** RFC 9113 §4.1 and §4.2: a frame's own head, and the size of a frame that every peer takes. */
const FRAME_HEAD_BYTES = 9
const FRAME_BYTES = 16_384

export class Tally {
  readonly #wire: Wire
  #in = 0
  #out = 0
  #spoke = false

  constructor(wire: Wire) {
    this.#wire = wire
  }

  countIn(bytes: number): number {
    this.#in += bytes
    return bytes
  }

  countOut(bytes: number): number {
    const framed = bytes + FRAME_HEAD_BYTES * Math.ceil(bytes / FRAME_BYTES)
    this.#out += framed
    return framed
  }

  /**
   * What a head that is about to be sent takes, about, and never more: the first on a connection is most of what its fields
   * are after Huffman's coding, and in the later ones a field that was said before is a byte or two (RFC 7541).
   */
  countHead(pairs: readonly string[]): number {
    let bytes = FRAME_HEAD_BYTES + pairs.length / 2
    if (!this.#spoke) for (let i = 1; i < pairs.length; i += 2) bytes += Math.floor((pairs[i] as string).length * 0.6)
    this.#spoke = true
    this.#out += bytes
    return bytes
  }

  /** What came in and was counted for nobody. */
  restIn(): number {
    const rest = Math.max(0, (this.#wire.bytesRead ?? 0) - this.#in)
    this.#in += rest
    return rest
  }

  restOut(): number {
    const rest = Math.max(0, (this.#wire.bytesWritten ?? 0) - this.#out)
    this.#out += rest
    return rest
  }
}
