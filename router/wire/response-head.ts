/** The grammar of response heads. The app is as hostile as the client: what is not in it is a 502. */
import { MAX_HEAD_BYTES, MAX_RESPONSE_FIELDS } from '../limits.ts'
import { isText, isToken, latin1, SP } from './characters.ts'
import { BROKEN, endOfLine, keptLines, lines, scanFieldLines, valueOf, type Grammar } from './field-lines.ts'
import { withoutFields } from './fields.ts'
import { CHUNKED, INCOMPLETE, NO_BODY, readLength, UNTIL_CLOSE, type Framing } from './framing.ts'
import {
  addNominated,
  CONNECTION,
  CONTENT_LENGTH,
  KEPT,
  responseNames,
  tokensOf,
  TRANSFER_ENCODING,
  UPGRADE,
} from './names.ts'

/** A response as every lane passes it on. All text is Latin-1. */
export type ResponseHead = {
  /** 100 to 599; the reason phrase is dropped. */
  status: number
  /** The fields for the client as lines, each `Name: value\r\n`, in their order: without framing and what is for one hop only. */
  fields: string
  body: Framing
  /** The app keeps the connection open after it. */
  persistent: boolean
  /** What the app agreed to switch to, lower case; only in a 101. */
  upgrade: string | null
}

export const emptyResponseHead = (): ResponseHead => ({
  status: 0,
  fields: '',
  body: NO_BODY,
  persistent: true,
  upgrade: null,
})

export const MALFORMED = -1

/**
 * Reads the head that begins at `from`.
 * @param toHead the response is to a HEAD request, so has no body whatever it says (RFC 9112 §6.3)
 * @returns where the head ends, INCOMPLETE (0) or MALFORMED
 */
export function scanResponseHead(bytes: Buffer, from: number, to: number, toHead: boolean, head: ResponseHead): number {
  const limit = Math.min(to, from + MAX_HEAD_BYTES)
  const firstLine = scanStatusLine(bytes, from, limit, head)
  const end = firstLine > 0 ? scanFieldLines(bytes, firstLine, limit, grammar) : firstLine
  if (end === INCOMPLETE) return to - from < MAX_HEAD_BYTES ? INCOMPLETE : MALFORMED
  return end > 0 && describe(bytes, firstLine, end, toHead, head) ? end : MALFORMED
}

const grammar: Grammar = { name: isToken, value: isText, names: responseNames, most: MAX_RESPONSE_FIELDS }

/** The space before an empty reason may be missing, as with many servers. */
function scanStatusLine(bytes: Buffer, from: number, limit: number, head: ResponseHead): number {
  for (let i = 0; i < PATTERN.length; i += 1) {
    if (from + i === limit) return INCOMPLETE
    const above = (bytes[from + i] as number) - (lowest[i] as number)
    if (above < 0 || above > (spread[i] as number)) return BROKEN
  }
  const code = from + PATTERN.indexOf('d')
  head.status = 100 * digitAt(bytes, code) + 10 * digitAt(bytes, code + 1) + digitAt(bytes, code + 2)
  if (head.status < 100 || head.status > 599) return BROKEN
  head.persistent = digitAt(bytes, from + PATTERN.indexOf('m')) === 1

  let i = from + PATTERN.length
  if (i < limit && bytes[i] === SP) while (i < limit && isText[bytes[i] as number] === 1) i += 1
  return endOfLine(bytes, i, limit)
}

/** A status line without its reason: `m` is 0 or 1, `d` a digit. */
const PATTERN = 'HTTP/1.m ddd'
const ZERO = 0x30
/** What may stand at each place: the lowest byte, and how many above it. Two looks per byte instead of four questions. */
const lowest = Uint8Array.from(Buffer.from(PATTERN.replace(/[md]/g, '0')))
const spread = Uint8Array.from([...PATTERN], (each) => (each === 'm' ? 1 : each === 'd' ? 9 : 0))
const digitAt = (bytes: Buffer, at: number): number => (bytes[at] as number) - ZERO

/** What the fields that are not simply kept say. */
type Said = { length: number; isChunked: boolean; upgrade: string | null; nominated: Set<string> | null }

/** Says in `head` what the scan found. @returns whether it is in the grammar */
function describe(bytes: Buffer, from: number, end: number, toHead: boolean, head: ResponseHead): boolean {
  const text = latin1(bytes, from, end)
  const isOld = !head.persistent
  const said: Said = { length: -1, isChunked: false, upgrade: null, nominated: null }
  for (let n = 0; n < lines.count; n += 1)
    if (lines.kind[n] !== KEPT && !hear(lines.kind[n] as number, valueOf(text, from, n), said, head)) return false
  // Two answers to where the body ends, or a coding in a version without any (RFC 9112 §6.1, §6.3).
  if (said.isChunked && (said.length >= 0 || isOld)) return false

  head.fields = keptLines(text, from)
  if (said.nominated !== null) head.fields = withoutFields(head.fields, said.nominated)
  // There it says how long the body would be, which is for the client to know (RFC 9110 §8.6).
  if (said.length >= 0 && (head.status === 304 || (toHead && mayHaveLength(head.status))))
    head.fields += `Content-Length: ${said.length}\r\n`
  head.body = framingOf(head.status, toHead, said)
  if (head.body === UNTIL_CLOSE) head.persistent = false
  head.upgrade = head.status === 101 && said.nominated?.has('upgrade') ? said.upgrade : null
  return true
}

/** @returns whether the field, and that it comes after those before it, is in the grammar */
function hear(kind: number, value: string, said: Said, head: ResponseHead): boolean {
  switch (kind) {
    case CONTENT_LENGTH: {
      const isFirst = said.length < 0
      said.length = readLength(value)
      return isFirst && said.length >= 0
    }
    case TRANSFER_ENCODING: {
      // A coding under the chunks would reach the client undeclared, since the field is ours to drop.
      const isFirst = !said.isChunked
      said.isChunked = value.toLowerCase() === 'chunked'
      return isFirst && said.isChunked
    }
    case CONNECTION:
      if (value === 'keep-alive') return true
      if (tokensOf(value).includes('close')) head.persistent = false
      addNominated(value, (said.nominated ??= new Set()))
      return true
    case UPGRADE:
      said.upgrade = said.upgrade === null ? value.toLowerCase() : `${said.upgrade}, ${value.toLowerCase()}`
      return true
    default:
      return true
  }
}

function framingOf(status: number, toHead: boolean, { length, isChunked }: Said): Framing {
  if (toHead || status === 304 || !mayHaveLength(status)) return NO_BODY
  if (isChunked) return CHUNKED
  return length >= 0 ? length : UNTIL_CLOSE
}

/** RFC 9110 §8.6: no length in a 1xx or 204, and never a body. */
const mayHaveLength = (status: number): boolean => status >= 200 && status !== 204
