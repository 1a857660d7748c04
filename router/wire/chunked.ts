/** Bodies in chunks (RFC 9112 §7.1), strictly: CRLF only, sizes that can be counted, extensions and trailers bounded. */
import { COLON, CR, HTAB, isText, isToken, latin1, LF, SP } from './characters.ts'
import { lineOf } from './fields.ts'
import { CONTENT_LENGTH, endToEnd, KEPT, requestNames, TRANSFER_ENCODING, trimmed } from './names.ts'

/** Written before the `size` bytes of a chunk, which end with CRLF. Never for 0: that is the body's end. */
export const chunkHead = (size: number): string => `${size.toString(16)}\r\n`

/** The end of a body. @param trailers lines, each `Name: value\r\n` */
export const lastChunk = (trailers = ''): string => `0\r\n${trailers}\r\n`

const MALFORMED = -1

const MAX_SIZE_DIGITS = 16
/** Of one chunk's extensions. */
const MAX_EXTENSION_BYTES = 1024
/** Of all extensions of a body beyond what is cheap for the data that they come with. */
const MAX_EXCESS_BYTES = 16 * 1024
const MAX_TRAILER_BYTES = 8 * 1024

/** Where in the grammar the next byte is. */
const SIZE = 0
const SIZE_LF = 1
const DATA = 2
const DATA_CR = 3
const DATA_LF = 4
const EXTENSION_NAME = 5
const EXTENSION_VALUE = 6
const EXTENSION_QUOTED = 7
const EXTENSION_ESCAPED = 8
const EXTENSION_UNQUOTED = 9
const TRAILER = 10
const TRAILER_NAME = 11
const TRAILER_VALUE = 12
const TRAILER_LF = 13
const END_LF = 14
const OVER = 15

/** Takes a body in chunks apart, as its bytes come. One per body. */
export class ChunkedReader {
  /** The body and its trailers are over. */
  done = false
  /** The trailer fields as lines, each `Name: value\r\n`, without those that may not be trailers (RFC 9110 §6.5.1). */
  trailers = ''
  dataFrom = 0
  dataTo = 0

  #state = SIZE
  /** Of the current chunk: its size so far, then how much of its data is still to come. */
  #left = 0
  #digits = 0
  /** The part of an extension so far: a name or a value may not be empty. */
  #part = 0
  #extension = 0
  #excess = 0
  #trailerText = ''

  /**
   * Reads on. Stops after a piece of data, so that a caller asks again until everything is read, the body is done, or it is
   * malformed.
   * @returns the index of the first byte that was not read, or MALFORMED (-1); the data is then `bytes[dataFrom, dataTo)`, empty
   * when there is none
   */
  read(bytes: Buffer, from: number, to: number): number {
    this.dataFrom = this.dataTo = from
    let i = from
    while (i < to && !this.done) {
      if (this.#state === DATA) return this.#takeData(i, to)
      if (this.#state >= TRAILER) {
        i = this.#readTrailers(bytes, i, to)
        if (i === MALFORMED) return MALFORMED
      } else if (this.#step(bytes[i] as number)) i += 1
      else return MALFORMED
    }
    return i
  }

  #takeData(from: number, to: number): number {
    const size = Math.min(this.#left, to - from)
    this.dataFrom = from
    this.dataTo = from + size
    this.#left -= size
    if (this.#left === 0) this.#state = DATA_CR
    return this.dataTo
  }

  /** One byte of the framing. @returns whether it may stand there */
  #step(byte: number): boolean {
    switch (this.#state) {
      case SIZE:
        return this.#readSize(byte)
      case SIZE_LF:
        return byte === LF && this.#beginData()
      case DATA_CR:
        this.#state = DATA_LF
        return byte === CR
      case DATA_LF:
        this.#beginSize()
        return byte === LF
      default:
        this.#extension += 1
        return this.#extension <= MAX_EXTENSION_BYTES && this.#readExtension(byte)
    }
  }

  #beginSize(): void {
    this.#state = SIZE
    this.#left = 0
    this.#digits = 0
    this.#extension = 0
  }

  #readSize(byte: number): boolean {
    const value = hexValue(byte)
    if (value >= 0) {
      this.#left = this.#left * 16 + value
      this.#digits += 1
      return this.#digits <= MAX_SIZE_DIGITS && this.#left <= Number.MAX_SAFE_INTEGER
    }
    if (this.#digits === 0) return false
    return this.#endPart(byte)
  }

  /** After a size, an extension's name or its value: the line's end, or one more extension. */
  #endPart(byte: number): boolean {
    this.#part = 0
    this.#state = byte === CR ? SIZE_LF : EXTENSION_NAME
    return byte === CR || byte === SEMICOLON
  }

  /** `;name`, `;name=token` or `;name="quoted"` (RFC 9112 §7.1.1), without the white space that only errors put there. */
  #readExtension(byte: number): boolean {
    switch (this.#state) {
      case EXTENSION_NAME:
        if (isToken[byte] === 1) return (this.#part += 1) > 0
        if (this.#part === 0 || byte !== EQUALS) return this.#part > 0 && this.#endPart(byte)
        this.#part = 0
        this.#state = EXTENSION_VALUE
        return true
      case EXTENSION_VALUE:
        if (isToken[byte] === 1) return (this.#part += 1) > 0
        if (this.#part > 0) return this.#endPart(byte)
        this.#state = EXTENSION_QUOTED
        return byte === QUOTE
      case EXTENSION_QUOTED:
        if (byte === QUOTE) this.#state = EXTENSION_UNQUOTED
        else if (byte === BACKSLASH) this.#state = EXTENSION_ESCAPED
        return isQuotable(byte)
      case EXTENSION_ESCAPED:
        this.#state = EXTENSION_QUOTED
        return isQuotable(byte)
      default:
        return this.#endPart(byte)
    }
  }

  /**
   * A little for every chunk and every byte of data is free, so that honest extensions pass however long the body is, and a
   * body that is nearly all extensions does not (CVE-2023-39326).
   */
  #beginData(): boolean {
    this.#excess = Math.max(0, this.#excess + this.#extension - FREE_PER_CHUNK - 2 * this.#left)
    this.#state = this.#left === 0 ? TRAILER : DATA
    return this.#excess <= MAX_EXCESS_BYTES
  }

  #readTrailers(bytes: Buffer, from: number, to: number): number {
    let i = from
    for (; i < to && this.#state !== OVER; i += 1) if (!this.#stepTrailer(bytes[i] as number)) return MALFORMED
    this.#trailerText += latin1(bytes, from, i)
    if (this.#trailerText.length > MAX_TRAILER_BYTES) return MALFORMED
    return this.#state === OVER && !this.#finish() ? MALFORMED : i
  }

  #stepTrailer(byte: number): boolean {
    switch (this.#state) {
      case TRAILER:
        this.#state = byte === CR ? END_LF : TRAILER_NAME
        return byte === CR || isToken[byte] === 1
      case TRAILER_NAME:
        if (byte === COLON) this.#state = TRAILER_VALUE
        return byte === COLON || isToken[byte] === 1
      case TRAILER_VALUE:
        if (byte === CR) this.#state = TRAILER_LF
        return byte === CR || isText[byte] === 1
      case TRAILER_LF:
        this.#state = TRAILER
        return byte === LF
      default:
        this.#state = OVER
        return byte === LF
    }
  }

  /** @returns whether the trailers are such that every reader finds the same end of the message */
  #finish(): boolean {
    this.done = true
    for (const line of this.#trailerText.split('\r\n')) {
      const name = line.slice(0, Math.max(0, line.indexOf(':')))
      const kind = requestNames.kindOf(name.toLowerCase())
      if (kind === CONTENT_LENGTH || kind === TRANSFER_ENCODING) return false
      if (name !== '' && mayBeTrailer(name.toLowerCase()))
        this.trailers += lineOf(name, trimmed(line.slice(name.length + 1)))
    }
    return true
  }
}

/** Nothing that decides about the message, its way or its reading may come after it. */
const mayBeTrailer = (name: string): boolean =>
  !endToEnd.has(name) && requestNames.kindOf(name) === KEPT && !name.includes('_')

const FREE_PER_CHUNK = 16
const SEMICOLON = 0x3b
const EQUALS = 0x3d
const QUOTE = 0x22
const BACKSLASH = 0x5c

const isQuotable = (byte: number): boolean => byte === HTAB || (byte >= SP && byte <= 0x7e)

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
