/**
 * The gate: decides from a parsed request head whether the request may enter at all, and what it is.
 *
 * Node's strict parser has refused most malformed input before this runs. What it lets through, and two HTTP
 * implementations could read differently, is refused here, so that an app always sees the request that we counted.
 */
import { MAX_REQUEST_FIELDS } from './limits.ts'

/** A request head as the parser gives it; `headers` alternates names and values, as they were sent. */
export type RawHead = { method: string; target: string; version: string; headers: readonly string[] }

/** How the end of a request's body is found (RFC 9112 §6.3). */
export type Framing = { kind: 'none' } | { kind: 'length'; bytes: number } | { kind: 'chunked' }

export type Head = {
  /** The Host field's value, checked, not yet normalised. */
  host: string
  framing: Framing
  /** The client waits for `100 Continue` before it sends its body. */
  expectsContinue: boolean
  /** `other` is an upgrade that we do not offer: the request is served as if it had not asked. */
  upgrade: 'websocket' | 'other' | null
}

export type Refusal = { status: 400 | 405 | 413 | 414 | 417 | 431 | 501 | 505; why: string }
export type Verdict = { ok: true; head: Head } | { ok: false; refusal: Refusal }

/** Reads a request head, or says with which status and sentence to refuse it. Every refusal also ends the connection. */
export function readHead(raw: RawHead): Verdict {
  const fields = collect(raw.headers)
  const refusal =
    checkVersion(raw) ??
    checkMethod(raw.method) ??
    checkTarget(raw.target) ??
    checkFieldCount(raw.headers) ??
    checkHost(fields.host) ??
    checkFraming(raw, fields) ??
    checkExpect(raw, fields.expect)
  if (refusal) return { ok: false, refusal }
  const framing = framingOf(fields)
  return {
    ok: true,
    head: {
      host: fields.host[0] ?? '',
      framing,
      expectsContinue: raw.version === '1.1' && fields.expect.length > 0 && framing.kind !== 'none',
      upgrade: upgradeOf(raw, fields, framing),
    },
  }
}

/** The fields that decide about a request, each with all of its values. */
type Fields = {
  host: string[]
  contentLength: string[]
  transferEncoding: string[]
  expect: string[]
  upgrade: string[]
  connection: string[]
  webSocketKey: string[]
}

function collect(headers: readonly string[]): Fields {
  const fields: Fields = {
    host: [],
    contentLength: [],
    transferEncoding: [],
    expect: [],
    upgrade: [],
    connection: [],
    webSocketKey: [],
  }
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const key = watched[(headers[i] as string).toLowerCase()]
    if (key !== undefined) fields[key].push(headers[i + 1] as string)
  }
  return fields
}

// Without a prototype, so that a field named `constructor` is nothing special.
const watched: Partial<Record<string, keyof Fields>> = Object.assign(
  Object.create(null) as object,
  {
    host: 'host',
    'content-length': 'contentLength',
    'transfer-encoding': 'transferEncoding',
    expect: 'expect',
    upgrade: 'upgrade',
    connection: 'connection',
    'sec-websocket-key': 'webSocketKey',
  } as const,
)

function checkVersion({ version }: RawHead): Refusal | null {
  if (version === '1.1' || version === '1.0') return null
  return { status: 505, why: `HTTP/${version} is not spoken here; use HTTP/1.1.` }
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

function checkMethod(method: string): Refusal | null {
  if (methods.has(method)) return null
  // TRACE would echo fields that a browser keeps from scripts; CONNECT would make a tunnel of us (RFC 9110 §9.3.6, 9.3.8).
  if (method === 'TRACE' || method === 'TRACK' || method === 'CONNECT')
    return { status: 405, why: `The method ${method} is not allowed.` }
  return { status: 501, why: 'The method is not known here.' }
}

const MAX_TARGET = 8192

/** Only the origin form (RFC 9112 §3.2.1): in every other form the target, not the Host field, names the host. */
function checkTarget(target: string): Refusal | null {
  if (target.length > MAX_TARGET) return { status: 414, why: `The address is longer than ${MAX_TARGET} bytes.` }
  // '#' and '\' are no part of a path, and some servers turn '\' into '/'.
  if (!/^\/[\x21-\x7e]*$/.test(target) || /[#\\]/.test(target))
    return { status: 400, why: 'The request target must be a path of printable ASCII without "#" and "\\".' }
  return null
}

function checkFieldCount(headers: readonly string[]): Refusal | null {
  if (headers.length / 2 <= MAX_REQUEST_FIELDS) return null
  return { status: 431, why: `The request has more than ${MAX_REQUEST_FIELDS} header fields.` }
}

// A registered name, an IPv4 address or an IPv6 address in brackets, and a port (RFC 9110 §7.2, RFC 3986 §3.2.2).
// Narrower than the standard's names, which allow percent-encoding and punctuation that no host name has.
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5}))?$/

function checkHost(values: string[]): Refusal | null {
  if (values.length === 0) return { status: 400, why: 'The request has no Host header field.' }
  if (values.length > 1) return { status: 400, why: 'The request has more than one Host header field.' }
  const match = HOST.exec(values[0] as string)
  const port = match?.[1]
  if (!match || (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)))
    return { status: 400, why: 'The Host header field is not a host name or address with an optional port.' }
  return null
}

function checkFraming({ version }: RawHead, { contentLength, transferEncoding }: Fields): Refusal | null {
  if (transferEncoding.length > 0) return checkCoding(version, contentLength, transferEncoding)
  if (contentLength.length === 0) return null
  const value = contentLength[0] as string
  if (contentLength.length > 1 || !/^(0|[1-9]\d*)$/.test(value))
    return { status: 400, why: 'Content-Length must be one plain decimal number.' }
  // Beyond this a number loses its last digits, and with them the end of the body (RFC 9110 §8.6).
  if (!Number.isSafeInteger(Number(value))) return { status: 413, why: 'Content-Length is larger than can be counted.' }
  return null
}

function checkCoding(version: string, contentLength: string[], transferEncoding: string[]): Refusal | null {
  if (version !== '1.1') return { status: 400, why: 'Transfer-Encoding does not exist in HTTP/1.0.' }
  if (contentLength.length > 0)
    return { status: 400, why: 'Content-Length and Transfer-Encoding contradict each other; send one of them.' }
  const value = (transferEncoding[0] as string).toLowerCase()
  if (transferEncoding.length === 1 && value === 'chunked') return null
  if (transferEncoding.length === 1 && /^[a-z]+(\s*,\s*[a-z]+)*\s*,\s*chunked$/.test(value))
    return { status: 501, why: 'The only transfer coding that is understood here is chunked.' }
  return { status: 400, why: 'Transfer-Encoding must be "chunked", once.' }
}

function checkExpect({ version }: RawHead, values: string[]): Refusal | null {
  // RFC 9110 §10.1.1: an expectation of an HTTP/1.0 client is ignored.
  if (values.length === 0 || version === '1.0') return null
  if (values.length === 1 && values[0]?.toLowerCase() === '100-continue') return null
  return { status: 417, why: 'The only expectation that can be met here is "100-continue".' }
}

function framingOf({ contentLength, transferEncoding }: Fields): Framing {
  if (transferEncoding.length > 0) return { kind: 'chunked' }
  if (contentLength.length > 0) return { kind: 'length', bytes: Number(contentLength[0]) }
  return { kind: 'none' }
}

/** RFC 6455 §4.1: GET, HTTP/1.1, `Connection` names `Upgrade`, and a key. A body would be read as frames, so none. */
function upgradeOf(raw: RawHead, fields: Fields, framing: Framing): Head['upgrade'] {
  if (fields.upgrade.length === 0 || raw.version === '1.0') return null
  const isWebSocket =
    raw.method === 'GET' &&
    framing.kind === 'none' &&
    fields.upgrade.length === 1 &&
    fields.upgrade[0]?.toLowerCase() === 'websocket' &&
    fields.webSocketKey.length === 1 &&
    fields.connection.some((value) => tokens(value).includes('upgrade'))
  return isWebSocket ? 'websocket' : 'other'
}

const tokens = (value: string): string[] => value.split(',').map((token) => token.trim().toLowerCase())
