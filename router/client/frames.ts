/** Follows the frames of one direction of a WebSocket (RFC 6455 §5.2), to know where one ends: only there may we say something. */
export class Frames {
  /** Of the payload, and a mask before it, to come. */
  #left = 0
  #size = 0
  #masked = false
  /** Bytes of the longer forms of a length to come. */
  #extended = 0
  #step: 'first' | 'length' | 'extended' = 'first'

  get isBetween(): boolean {
    return this.#step === 'first' && this.#left === 0
  }

  /** @param stop at the first end of a frame, instead of reading everything. @returns where it stopped */
  follow(bytes: Uint8Array, from: number, to: number, stop: boolean): number {
    let at = from
    while (at < to && !(stop && this.isBetween)) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, to - at)
        this.#left -= taken
        at += taken
      } else {
        this.#readHead(bytes[at] as number)
        at += 1
      }
    }
    return at
  }

  #readHead(byte: number): void {
    if (this.#step === 'first') {
      this.#step = 'length'
      return
    }
    if (this.#step === 'length') {
      this.#masked = byte >= 0x80
      this.#size = byte & 0x7f
      this.#extended = this.#size === 127 ? 8 : this.#size === 126 ? 2 : 0
      if (this.#extended === 0) return this.#beginPayload()
      this.#size = 0
      this.#step = 'extended'
      return
    }
    this.#size = this.#size * 256 + byte
    this.#extended -= 1
    if (this.#extended === 0) this.#beginPayload()
  }

  #beginPayload(): void {
    this.#step = 'first'
    this.#left = this.#size + (this.#masked ? 4 : 0)
  }
}

/** A close frame of a server that goes away (RFC 6455 §7.4.1: 1001), as Latin-1 text. */
export const GOING_AWAY = '\x88\x02\x03\xe9'
