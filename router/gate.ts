/**
 * The gate: decides about a request head that the fast lane's grammar does not know whether it may enter at all, and what
 * it is.
 *
 * Whatever two HTTP implementations could read differently is refused here, so that an app always sees the request that we
 * counted. It reads from left to right and speaks as soon as the bytes leave no choice, also of a head that never ends.
 */
import { MAX_HEAD_BYTES, MAX_REQUEST_FIELDS, MAX_TARGET_BYTES } from './limits.ts'
import { CR, isTarget, isText, isToken, latin1, SP } from './wire/characters.ts'
import { BROKEN, endOfLine, lines, scanFieldLines, TOO_MANY, valueOf, type Grammar } from './wire/field-lines.ts'
import { sortRequestFields } from './wire/fields.ts'
import { CHUNKED, INCOMPLETE, NO_BODY, readLength, type Framing } from './wire/framing.ts'
import { isHost } from './wire/host.ts'
import {
  CONNECTION,
  CONTENT_LENGTH,
  EXPECT,
  HOST,
  requestNames,
  tokensOf,
  TRANSFER_ENCODING,
  UPGRADE,
} from './wire/names.ts'
import { emptyRequestHead, type RequestHead } from './wire/request-head.ts'

/** A request head taken apart; `headers` alternates names and values, as they were sent. */
export type RawHead = { method: string; target: string; version: string; headers: readonly string[] }

export type Refusal = { status: 400 | 405 | 413 | 414 | 417 | 431 | 501 | 505; why: string }

/**
 * Judges the head that begins at `from`. Nothing beyond it is looked at.
 * @param head filled when the request may enter; its content is undefined otherwise
 * @returns where the head ends, INCOMPLETE, or why the request is refused; every refusal also ends the connection
 */
export function judgeHead(bytes: Buffer, from: number, to: number, head: RequestHead): number | Refusal {
  const limit = Math.min(to, from + MAX_HEAD_BYTES)
  const raw: RawHead & { headers: string[] } = { method: '', target: '', version: '', headers: [] }
  const end = readRawHead(bytes, from, limit, raw)
  if (end === INCOMPLETE) return to - from < MAX_HEAD_BYTES ? INCOMPLETE : headTooLarge
  return typeof end === 'number' ? (judge(raw, head) ?? end) : end
}

/**
 * Judges a request head that another parser took apart, HTTP/2's for one.
 * @param head filled when the request may enter
 * @returns why it is refused, or null
 */
export function judge(raw: RawHead, head: RequestHead): Refusal | null {
  const said = collect(raw.headers)
  const refusal =
    checkRequestLine(raw) ??
    checkFieldCount(raw.headers) ??
    checkHost(said.host) ??
    checkFraming(raw, said) ??
    checkExpect(raw, said.expect)
  if (refusal) return refusal
  describe(raw, said, head)
  return null
}

function describe(raw: RawHead, said: Said, head: RequestHead): void {
  const { fields, relayed, via } = sortRequestFields(raw.headers)
  head.method = raw.method
  head.target = raw.target
  head.host = said.host[0] ?? ''
  head.fields = fields
  head.relayed = relayed
  head.via = via
  head.body = framingOf(said)
  const isOld = raw.version === '1.0'
  head.version = isOld ? '1.0' : '1.1'
  // RFC 9112 §9.3: no proxy keeps a connection of an HTTP/1.0 client, whatever it asks for.
  head.persistent = !isOld && !said.connection.includes('close')
  head.expectsContinue = !isOld && said.expect.length > 0 && head.body !== NO_BODY && head.body !== 0
  head.upgrade = upgradeOf(raw, said, head)
}

const headTooLarge: Refusal = { status: 431, why: `The request's head is larger than ${MAX_HEAD_BYTES} bytes.` }

/** @returns where the head ends, INCOMPLETE, or why its bytes are no request head */
function readRawHead(
  bytes: Buffer,
  from: number,
  limit: number,
  raw: RawHead & { headers: string[] },
): number | Refusal {
  // RFC 9112 §2.2: one empty line before a request is forgiven.
  const emptyLine = from < limit && bytes[from] === CR ? endOfLine(bytes, from, limit) : null
  if (emptyLine === INCOMPLETE) return INCOMPLETE
  if (emptyLine === BROKEN) return malformed
  const firstLine = readRequestLine(bytes, emptyLine ?? from, limit, raw)
  return typeof firstLine === 'number' && firstLine > 0 ? readFields(bytes, firstLine, limit, raw.headers) : firstLine
}

const malformed: Refusal = { status: 400, why: 'It does not begin as an HTTP/1.1 request does.' }

function readRequestLine(bytes: Buffer, from: number, limit: number, raw: RawHead): number | Refusal {
  let i = from
  while (i < limit && isToken[bytes[i] as number] === 1) i += 1
  if (i - from > LONGEST_METHOD) return unknownMethod
  if (i === limit) return INCOMPLETE
  if (i === from || bytes[i] !== SP) return malformed
  raw.method = latin1(bytes, from, i)
  const refusal = checkMethod(raw.method)
  if (refusal) return refusal

  const target = i + 1
  i = target
  while (i < limit && isTarget[bytes[i] as number] === 1) i += 1
  if (i > target && bytes[target] !== SLASH) return badTarget
  if (i - target > MAX_TARGET_BYTES) return targetTooLong
  if (i === limit) return INCOMPLETE
  if (i === target || bytes[i] !== SP) return badTarget
  raw.target = latin1(bytes, target, i)
  return readVersion(bytes, i + 1, limit, raw)
}

function readVersion(bytes: Buffer, from: number, limit: number, raw: RawHead): number | Refusal {
  for (let i = 0; i < VERSION.length; i += 1) {
    if (from + i === limit) return INCOMPLETE
    const byte = bytes[from + i] as number
    if (VERSION[i] === 'd' ? byte < 0x30 || byte > 0x39 : byte !== VERSION.charCodeAt(i)) return malformed
  }
  const end = endOfLine(bytes, from + VERSION.length, limit)
  if (end === BROKEN) return malformed
  raw.version = latin1(bytes, from + VERSION.indexOf('d'), from + VERSION.length)
  return end === INCOMPLETE ? INCOMPLETE : (checkVersion(raw.version) ?? end)
}

/** `d` stands for a digit. */
const VERSION = 'HTTP/d.d'
const LONGEST_METHOD = 32
const SLASH = 0x2f

function readFields(bytes: Buffer, from: number, limit: number, headers: string[]): number | Refusal {
  const end = scanFieldLines(bytes, from, limit, grammar)
  if (end === BROKEN) return { status: 400, why: 'A header field is not written as HTTP/1.1 has it.' }
  if (end === TOO_MANY) return tooManyFields
  if (end === INCOMPLETE) return INCOMPLETE
  const text = latin1(bytes, from, end)
  for (let n = 0; n < lines.count; n += 1)
    headers.push(
      text.slice((lines.from[n] as number) - from, (lines.nameTo[n] as number) - from),
      valueOf(text, from, n),
    )
  return end
}

const grammar: Grammar = { name: isToken, value: isText, names: requestNames, most: MAX_REQUEST_FIELDS }

/** The fields that decide about a request, each with all of its values. */
type Said = {
  host: string[]
  contentLength: string[]
  transferEncoding: string[]
  expect: string[]
  upgrade: string[]
  /** The elements of all Connection fields, lower case. */
  connection: string[]
}

function collect(headers: readonly string[]): Said {
  const said: Said = { host: [], contentLength: [], transferEncoding: [], expect: [], upgrade: [], connection: [] }
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const value = headers[i + 1] as string
    switch (requestNames.kindOf((headers[i] as string).toLowerCase())) {
      case HOST:
        said.host.push(value)
        break
      case CONTENT_LENGTH:
        said.contentLength.push(value)
        break
      case TRANSFER_ENCODING:
        said.transferEncoding.push(value)
        break
      case EXPECT:
        said.expect.push(value)
        break
      case UPGRADE:
        said.upgrade.push(value)
        break
      case CONNECTION:
        said.connection.push(...tokensOf(value))
        break
    }
  }
  return said
}

const checkRequestLine = ({ method, target, version }: RawHead): Refusal | null =>
  checkMethod(method) ?? checkTarget(target) ?? checkVersion(version)

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

function checkMethod(method: string): Refusal | null {
  if (methods.has(method)) return null
  // TRACE would echo fields that a browser keeps from scripts; CONNECT would make a tunnel of us (RFC 9110 §9.3.6, 9.3.8).
  if (method === 'TRACE' || method === 'TRACK' || method === 'CONNECT')
    return { status: 405, why: `The method ${method} is not allowed.` }
  // With it begins every HTTP/2 connection (RFC 9113 §3.4).
  return method === 'PRI' ? wrongVersion('2.0') : unknownMethod
}

const unknownMethod: Refusal = { status: 501, why: 'The method is not known here.' }

/** Only the origin form (RFC 9112 §3.2.1): in every other form the target, not the Host field, names the host. */
function checkTarget(target: string): Refusal | null {
  if (target.length > MAX_TARGET_BYTES) return targetTooLong
  if (target.charCodeAt(0) !== SLASH) return badTarget
  for (let i = 0; i < target.length; i += 1) if (isTarget[target.charCodeAt(i)] !== 1) return badTarget
  return null
}

const targetTooLong: Refusal = { status: 414, why: `The address is longer than ${MAX_TARGET_BYTES} bytes.` }
const badTarget: Refusal = {
  status: 400,
  why: 'The request target must be a path of printable ASCII without "#" and "\\".',
}

const checkVersion = (version: string): Refusal | null =>
  version === '1.1' || version === '1.0' ? null : wrongVersion(version)

const wrongVersion = (version: string): Refusal => ({
  status: 505,
  why: `HTTP/${version} is not spoken here; use HTTP/1.1.`,
})

const checkFieldCount = (headers: readonly string[]): Refusal | null =>
  headers.length / 2 <= MAX_REQUEST_FIELDS ? null : tooManyFields

const tooManyFields: Refusal = { status: 431, why: `The request has more than ${MAX_REQUEST_FIELDS} header fields.` }

function checkHost(values: string[]): Refusal | null {
  if (values.length === 0) return { status: 400, why: 'The request has no Host header field.' }
  if (values.length > 1) return { status: 400, why: 'The request has more than one Host header field.' }
  if (isHost(values[0] as string)) return null
  return { status: 400, why: 'The Host header field is not a host name or address with an optional port.' }
}

function checkFraming({ version }: RawHead, { contentLength, transferEncoding }: Said): Refusal | null {
  if (transferEncoding.length > 0) return checkCoding(version, contentLength, transferEncoding)
  if (contentLength.length === 0) return null
  const value = contentLength[0] as string
  if (contentLength.length > 1 || !/^(0|[1-9]\d*)$/.test(value))
    return { status: 400, why: 'Content-Length must be one plain decimal number.' }
  if (readLength(value) < 0) return { status: 413, why: 'Content-Length is larger than can be counted.' }
  return null
}

function checkCoding(version: string, contentLength: string[], transferEncoding: string[]): Refusal | null {
  if (version !== '1.1') return { status: 400, why: 'Transfer-Encoding does not exist in HTTP/1.0.' }
  if (contentLength.length > 0)
    return { status: 400, why: 'Content-Length and Transfer-Encoding contradict each other; send one of them.' }
  const value = (transferEncoding[0] as string).toLowerCase()
  if (transferEncoding.length === 1 && value === 'chunked') return null
  if (transferEncoding.length === 1 && /^[a-z]+([ \t]*,[ \t]*[a-z]+)*[ \t]*,[ \t]*chunked$/.test(value))
    return { status: 501, why: 'The only transfer coding that is understood here is chunked.' }
  return { status: 400, why: 'Transfer-Encoding must be "chunked", once.' }
}

function checkExpect({ version }: RawHead, values: string[]): Refusal | null {
  // RFC 9110 §10.1.1: an expectation of an HTTP/1.0 client is ignored.
  if (values.length === 0 || version === '1.0') return null
  if (values.length === 1 && values[0]?.toLowerCase() === '100-continue') return null
  return { status: 417, why: 'The only expectation that can be met here is "100-continue".' }
}

function framingOf({ contentLength, transferEncoding }: Said): Framing {
  if (transferEncoding.length > 0) return CHUNKED
  return contentLength.length > 0 ? readLength(contentLength[0] as string) : NO_BODY
}

/** RFC 6455 §4.1: GET, HTTP/1.1, `Connection` names `Upgrade`, and a key. A body would be read as frames, so none. */
function upgradeOf({ method, version, headers }: RawHead, said: Said, { body }: RequestHead): RequestHead['upgrade'] {
  if (said.upgrade.length === 0 || version === '1.0') return null
  const isWebSocket =
    method === 'GET' &&
    body === NO_BODY &&
    said.upgrade.length === 1 &&
    said.upgrade[0]?.toLowerCase() === 'websocket' &&
    said.connection.includes('upgrade') &&
    headers.filter((text, i) => i % 2 === 0 && text.toLowerCase() === 'sec-websocket-key').length === 1
  return isWebSocket ? 'websocket' : 'other'
}

/** For `server.ts`, until the connections are its own: what `judge` says, as it was said before. */
export type Head = {
  host: string
  framing: { kind: 'none' } | { kind: 'length'; bytes: number } | { kind: 'chunked' }
  expectsContinue: boolean
  upgrade: 'websocket' | 'other' | null
}
export type Verdict = { ok: true; head: Head } | { ok: false; refusal: Refusal }

export function readHead(raw: RawHead): Verdict {
  const head = emptyRequestHead()
  const refusal = judge(raw, head)
  if (refusal) return { ok: false, refusal }
  const { host, body, expectsContinue, upgrade } = head
  const framing: Head['framing'] =
    body === CHUNKED ? { kind: 'chunked' } : body === NO_BODY ? { kind: 'none' } : { kind: 'length', bytes: body }
  return { ok: true, head: { host, framing, expectsContinue, upgrade } }
}
