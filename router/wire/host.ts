/** The Host field (RFC 9110 §7.2, RFC 3986 §3.2.2). */
import { COLON, isHostName } from './characters.ts'

const MAX_NAME = 253

/**
 * Is it a host name, an IPv4 address or an IPv6 address in brackets, with a port or without? Narrower than the standard's
 * names, which allow percent-encoding and punctuation that no host name has.
 */
export function isHost(text: string): boolean {
  // As UTF-8, in which no character beyond ASCII has bytes of one within.
  const bytes = Buffer.from(text, 'utf8')
  return isHostIn(bytes, 0, bytes.length)
}

/** The same of `bytes[from, to)`: V8 reads bytes much faster than the characters of a new string. */
export function isHostIn(bytes: Buffer, from: number, to: number): boolean {
  if (from === to) return false
  const end = bytes[from] === 0x5b ? endOfBrackets(bytes, from, to) : endOfName(bytes, from, to)
  return end === to || (end > from && isPort(bytes, end, to))
}

/** @returns where the name ends, or -1 when none begins here */
function endOfName(bytes: Buffer, from: number, to: number): number {
  if (!isAlphanumeric(bytes[from] as number)) return -1
  let i = from + 1
  while (i < to && isHostName[bytes[i] as number] === 1) i += 1
  return i - from <= MAX_NAME ? i : -1
}

// What is between them is not taken apart: no app has an address for a name, so it is only ever not found.
function endOfBrackets(bytes: Buffer, from: number, to: number): number {
  let i = from + 1
  while (i < to && isOfAddress(bytes[i] as number)) i += 1
  const length = i - from - 1
  return i < to && bytes[i] === 0x5d && length >= 2 && length <= 45 ? i + 1 : -1
}

function isPort(bytes: Buffer, from: number, to: number): boolean {
  if (bytes[from] !== COLON || to - from < 2 || to - from > 6) return false
  let port = 0
  for (let i = from + 1; i < to; i += 1) {
    const digit = (bytes[i] as number) - 0x30
    if (digit < 0 || digit > 9) return false
    port = port * 10 + digit
  }
  return port >= 1 && port <= 65_535
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39
const isLetterUpTo = (byte: number, last: number): boolean => (byte | 0x20) >= 0x61 && (byte | 0x20) <= last
const isAlphanumeric = (byte: number): boolean => isDigit(byte) || isLetterUpTo(byte, 0x7a)
const isOfAddress = (byte: number): boolean =>
  isDigit(byte) || isLetterUpTo(byte, 0x66) || byte === COLON || byte === 0x2e
