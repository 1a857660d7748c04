/**
 * Fields as HTTP/2 has them (RFC 9113 §8.2): pairs instead of lines, names in lower case, and none that is for one connection.
 * Pairs are names and values alternating; all text is Latin-1.
 */
import { MAX_HEAD_BYTES, MAX_RESPONSE_FIELDS } from '../limits.ts'
import { isText, isToken } from './characters.ts'
import { eachField, lineOf } from './fields.ts'
import { CHUNKED, NO_BODY, readLength, type Framing } from './framing.ts'
import { CONTENT_LENGTH, endToEnd, KEPT, requestNames, responseNames, type Names } from './names.ts'
import type { ResponseHead } from './response-head.ts'

/** RFC 9113 §8.2.2: a message with one of them is malformed. `te` may be there, if it says no more than `trailers`. */
const ofOneConnection: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** Whether a field may stand in a message at all (RFC 9113 §8.2.1, RFC 9110 §5.5). */
export function isWellFormed(name: string, value: string): boolean {
  return isLowerToken(name) && isValue(value) && !ofOneConnection.has(name) && (name !== 'te' || value === 'trailers')
}

function isLowerToken(name: string): boolean {
  for (let i = 0; i < name.length; i += 1) {
    const code = name.charCodeAt(i)
    if (isToken[code] !== 1 || (code >= 0x41 && code <= 0x5a)) return false
  }
  return name !== ''
}

function isValue(value: string): boolean {
  for (let i = 0; i < value.length; i += 1) if (isText[value.charCodeAt(i)] !== 1) return false
  return !isSpace(value.charCodeAt(0)) && !isSpace(value.charCodeAt(value.length - 1))
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09

/** What a list of fields weighs, as the lines that it would be in HTTP/1. */
export function weightOf(pairs: readonly string[]): number {
  let bytes = 0
  for (const text of pairs) bytes += text.length + 2
  return bytes
}

/** Lines, each `Name: value\r\n`, as HTTP/2 wants them. */
export function pairsFrom(lines: string): string[] {
  const pairs: string[] = []
  eachField(lines, (name, value) => pairs.push(name.toLowerCase(), value))
  return pairs
}

export const requestTrailers = (pairs: readonly string[]): string => trailerLines(pairs, requestNames)
export const responseTrailers = (pairs: readonly string[]): string => trailerLines(pairs, responseNames)

/**
 * The trailers that are passed on, as lines: whoever merges them into the head must not find there what others decided by
 * without them (RFC 9110 §6.5.1).
 */
function trailerLines(pairs: readonly string[], names: Names): string {
  if (weightOf(pairs) > MAX_HEAD_BYTES) return ''
  let lines = ''
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = pairs[i] as string
    const value = pairs[i + 1] as string
    if (isWellFormed(name, value) && names.kindOf(name) === KEPT && !endToEnd.has(name)) lines += lineOf(name, value)
  }
  return lines
}

/** Trailers as Node takes them. */
export function trailersFrom(lines: string): Record<string, string[]> {
  const trailers = Object.create(null) as Record<string, string[]>
  eachField(lines, (name, value) => (trailers[name.toLowerCase()] ??= []).push(value))
  return trailers
}

/**
 * An app's response head, by the rules that hold over HTTP/1 too.
 * @param ended nothing follows it
 * @param toHead the response is to a HEAD request
 * @returns null when it is none to pass on
 */
export function responseHeadFrom(pairs: readonly string[], ended: boolean, toHead: boolean): ResponseHead | null {
  if (pairs.length / 2 > MAX_RESPONSE_FIELDS + 1 || weightOf(pairs) > MAX_HEAD_BYTES) return null
  const status = pairs[0] === ':status' && /^[1-5]\d\d$/.test(pairs[1] ?? '') ? Number(pairs[1]) : 0
  // RFC 9113 §8.6: there is nothing to switch to.
  if (status === 0 || status === 101) return null
  let fields = ''
  let length = -1
  for (let i = 2; i + 1 < pairs.length; i += 2) {
    const name = pairs[i] as string
    const value = pairs[i + 1] as string
    if (!isWellFormed(name, value)) return null
    const kind = responseNames.kindOf(name)
    if (kind === CONTENT_LENGTH) {
      if (length >= 0 || (length = readLength(value)) < 0) return null
    } else if (kind === KEPT) fields += lineOf(name, value)
  }
  const hasBody = !toHead && status !== 304 && status !== 204 && status >= 200
  // There it says how long the body would be, which is for the client to know (RFC 9110 §8.6).
  if (length >= 0 && (status === 304 || (toHead && status >= 200 && status !== 204)))
    fields += lineOf('content-length', String(length))
  return { status, fields, body: hasBody ? framingOf(length, ended) : NO_BODY, persistent: true, upgrade: null }
}

function framingOf(length: number, ended: boolean): Framing {
  if (length >= 0) return length
  return ended ? 0 : CHUNKED
}
