/** The Host field (RFC 9110 §7.2, RFC 3986 §3.2.2). */
import { COLON, isHostName } from './characters.ts'

const MAX_NAME = 253

/**
 * Is `text[from, to)` a host name, an IPv4 address or an IPv6 address in brackets, with a port or without? Narrower than the
 * standard's names, which allow percent-encoding and punctuation that no host name has.
 */
export function isHost(text: string, from = 0, to = text.length): boolean {
  const end = text.charCodeAt(from) === 0x5b ? endOfBrackets(text, from, to) : endOfName(text, from, to)
  return end > from && end <= to && (end === to || isPort(text, end, to))
}

/** @returns where the name ends, or -1 when none begins here */
function endOfName(text: string, from: number, to: number): number {
  if (from === to || !isAlphanumeric(text.charCodeAt(from))) return -1
  let i = from + 1
  while (i < to && isHostName[text.charCodeAt(i)] === 1) i += 1
  return i - from <= MAX_NAME ? i : -1
}

// What is between them is not taken apart: no app has an address for a name, so it is only ever not found.
function endOfBrackets(text: string, from: number, to: number): number {
  let i = from + 1
  while (i < to && isOfAddress(text.charCodeAt(i))) i += 1
  const length = i - from - 1
  return i < to && text.charCodeAt(i) === 0x5d && length >= 2 && length <= 45 ? i + 1 : -1
}

function isPort(text: string, from: number, to: number): boolean {
  if (text.charCodeAt(from) !== COLON || to - from < 2 || to - from > 6) return false
  let port = 0
  for (let i = from + 1; i < to; i += 1) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return false
    port = port * 10 + digit
  }
  return port >= 1 && port <= 65_535
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39
const isLetterUpTo = (code: number, last: number): boolean => (code | 0x20) >= 0x61 && (code | 0x20) <= last
const isAlphanumeric = (code: number): boolean => isDigit(code) || isLetterUpTo(code, 0x7a)
const isOfAddress = (code: number): boolean =>
  isDigit(code) || isLetterUpTo(code, 0x66) || code === COLON || code === 0x2e
