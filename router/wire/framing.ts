/** How a message's end is found (RFC 9112 §6.3), as one number: a body of exactly so many bytes, or one of these. */

/** No body, and no field that speaks of one. A request's `Content-Length: 0` is 0 instead, so that it is sent on as it came. */
export const NO_BODY = -1
/** In chunks, the last of which is empty. */
export const CHUNKED = -2
/** Only responses: everything until the connection's end. */
export const UNTIL_CLOSE = -3

/** ≥ 0, NO_BODY, CHUNKED or UNTIL_CLOSE. */
export type Framing = number

/** Of a scan: as far as the bytes go they are fine, but more are needed. */
export const INCOMPLETE = 0

/**
 * The number of bytes that `text[from, to)` says, in decimal digits.
 * @returns -1 when it is not such a number, or one that cannot be counted: beyond 2^53 - 1 a number loses its last digits,
 * and with them the end of the body (RFC 9110 §8.6)
 */
export function readLength(text: string, from = 0, to = text.length): number {
  if (from === to || to - from > 16) return -1
  let length = 0
  for (let i = from; i < to; i += 1) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return Number.isSafeInteger(length) ? length : -1
}
