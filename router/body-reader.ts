/** Finds the end of a body, however it is framed; the same for requests and responses. One per connection, used again. */
import { ChunkedReader } from './wire/chunked.ts'
import { CHUNKED, NO_BODY, UNTIL_CLOSE, type Framing } from './wire/framing.ts'

export class BodyReader {
  done = true
  /** Where the piece of data that was read last lies. */
  dataFrom = 0
  dataTo = 0
  #left = 0
  #chunks: ChunkedReader | null = null

  get trailers(): string {
    return this.#chunks?.trailers ?? ''
  }

  begin(framing: Framing): void {
    this.done = framing === NO_BODY || framing === 0
    this.#left = framing === UNTIL_CLOSE ? Infinity : framing
    this.#chunks = framing === CHUNKED ? new ChunkedReader() : null
  }

  /** Reads on, as `ChunkedReader.read` does. @returns where the next byte lies, or MALFORMED (-1) */
  read(bytes: Buffer, from: number, to: number): number {
    if (this.#chunks) return this.#readChunks(this.#chunks, bytes, from, to)
    const end = to - from < this.#left ? to : from + this.#left
    this.#left -= end - from
    this.dataFrom = from
    this.dataTo = end
    this.done = this.#left === 0
    return end
  }

  #readChunks(chunks: ChunkedReader, bytes: Buffer, from: number, to: number): number {
    const next = chunks.read(bytes, from, to)
    this.dataFrom = chunks.dataFrom
    this.dataTo = chunks.dataTo
    this.done = chunks.done
    return next
  }
}
