/**
 * The fast lane's grammar of request heads: small and strict enough that no two readers can differ about what it accepts.
 * What is not in it goes to the gate.
 */
import { MAX_HEAD_BYTES, MAX_REQUEST_FIELDS, MAX_TARGET_BYTES } from '../limits.ts'
import { isPlainName, isPlainText, isTarget, latin1, SP } from './characters.ts'
import { keptLines, lineOf, lines, scanFieldLines, valueOf, type Grammar } from './field-lines.ts'
import { CHUNKED, INCOMPLETE, NO_BODY, readLength, type Framing } from './framing.ts'
import { isHostIn } from './host.ts'
import { type HttpVersion, joinedVia } from './via.ts'
import { CONNECTION, CONTENT_LENGTH, HOST, KEPT, OURS, RELAYED, requestNames, TRANSFER_ENCODING, VIA } from './names.ts'

export { INCOMPLETE }

/** A request as every lane describes it. All text is Latin-1: one character, one byte. */
export type RequestHead = {
  method: string
  /** In origin form, as it was sent (RFC 9112 §3.2.1). */
  target: string
  /** The Host field's value: checked, not yet normalised. */
  host: string
  /**
   * The fields for the app as lines, each `Name: value\r\n`, in their order: without Host, framing, what is for one hop only,
   * and what the router itself says of a request (`forwarding` writes those).
   */
  fields: string
  /** What the client says of where the request came from, as lines like `fields`: a lie, unless it is a load balancer that we trust. */
  relayed: string
  /** The values of Via, joined; empty when there is none. */
  via: string
  body: Framing
  /** 1.1, without `Connection: close`: more may follow on the connection. */
  persistent: boolean
  /** To 1.0 the answer may not be chunked (RFC 9112 §6.1). */
  version: HttpVersion
  /** The client waits for `100 Continue` before it sends its body. */
  expectsContinue: boolean
  /** `other` is an upgrade that we do not offer: the request is served as if it had not asked. */
  upgrade: 'websocket' | 'other' | null
}

export const emptyRequestHead = (): RequestHead => ({
  method: '',
  target: '',
  host: '',
  fields: '',
  relayed: '',
  via: '',
  body: NO_BODY,
  persistent: true,
  version: '1.1',
  expectsContinue: false,
  upgrade: null,
})

/** Not in the grammar, or larger than allowed: the gate decides. */
export const OUTSIDE = -1

/**
 * Reads the head that begins at `from`. Nothing beyond it is looked at.
 * @param head filled when the head is whole; its content is undefined otherwise, but for the host: none, or the last that was good.
 * An empty one, or that of the connection's last request
 * @returns where the head ends (the index of the first byte after it), INCOMPLETE or OUTSIDE
 */
export function scanRequestHead(bytes: Buffer, from: number, to: number, head: RequestHead): number {
  const limit = Math.min(to, from + MAX_HEAD_BYTES)
  const firstLine = scanRequestLine(bytes, from, limit)
  const end = firstLine > 0 ? scanFieldLines(bytes, firstLine, limit, grammar) : firstLine
  if (end === INCOMPLETE) return to - from < MAX_HEAD_BYTES ? INCOMPLETE : OUTSIDE
  return end > 0 && lines.tidy && describe(bytes, from, end, head) ? end : OUTSIDE
}

const grammar: Grammar = { name: isPlainName, value: isPlainText, names: requestNames, most: MAX_REQUEST_FIELDS }

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))

/** As bytes: V8 reads those faster than the characters of a string. */
const words = {
  get: bytesOf('GET'),
  put: bytesOf('PUT'),
  post: bytesOf('POST'),
  head: bytesOf('HEAD'),
  patch: bytesOf('PATCH'),
  delete: bytesOf('DELETE'),
  options: bytesOf('OPTIONS'),
  version: bytesOf(' HTTP/1.1\r\n'),
  chunked: bytesOf('chunked'),
  keepAlive: bytesOf('keep-alive'),
  KeepAlive: bytesOf('Keep-Alive'),
  close: bytesOf('close'),
  Close: bytesOf('Close'),
}

/** What the scan of a request line found; kept between heads, so that scanning allocates nothing. */
const found = { method: '', targetFrom: 0, targetTo: 0, hosts: 0 }

/** @returns where the first field line begins, INCOMPLETE or OUTSIDE */
function scanRequestLine(bytes: Buffer, from: number, limit: number): number {
  let i = from
  while (i < limit && isUpperCase(bytes[i] as number)) i += 1
  if (i === limit) return i - from > LONGEST_METHOD ? OUTSIDE : INCOMPLETE
  const method = bytes[i] === SP ? methodIn(bytes, from, i) : null
  if (method === null) return OUTSIDE
  found.method = method

  i += 1
  found.targetFrom = i
  if (i === limit) return INCOMPLETE
  if (bytes[i] !== SLASH) return OUTSIDE
  while (i < limit && isTarget[bytes[i] as number] === 1) i += 1
  found.targetTo = i
  if (i - found.targetFrom > MAX_TARGET_BYTES) return OUTSIDE
  return scanWord(bytes, i, limit, words.version)
}

/** Says in `head` what the scan found. @returns whether it is in the grammar */
function describe(bytes: Buffer, from: number, end: number, head: RequestHead): boolean {
  const text = latin1(bytes, from, end)
  head.method = found.method
  head.target = text.substring(found.targetFrom - from, found.targetTo - from)
  found.hosts = 0
  head.fields = keptLines(text, from)
  head.relayed = ''
  head.via = ''
  head.body = NO_BODY
  head.persistent = true
  head.version = '1.1'
  head.expectsContinue = false
  head.upgrade = null
  let connections = 0
  for (let n = 0; n < lines.count; n += 1) {
    const kind = lines.kind[n] as number
    if (kind === KEPT) continue
    if (kind === CONNECTION) connections += 1
    if (connections > 1 || !describeField(kind, n, bytes, text, from, head)) return false
  }
  return found.hosts === 1
}

/** @returns whether the field, and that it comes after those before it, is in the grammar */
function describeField(kind: number, n: number, bytes: Buffer, text: string, base: number, head: RequestHead): boolean {
  switch (kind) {
    case HOST:
      found.hosts += 1
      return found.hosts === 1 && describeHost(n, bytes, head)
    case CONTENT_LENGTH: {
      const isFirst = head.body === NO_BODY
      head.body = readPlainLength(valueOf(text, base, n))
      return isFirst && head.body >= 0
    }
    case TRANSFER_ENCODING: {
      const isFirst = head.body === NO_BODY
      head.body = CHUNKED
      return isFirst && isValue(bytes, n, words.chunked)
    }
    case CONNECTION:
      head.persistent = isValue(bytes, n, words.keepAlive) || isValue(bytes, n, words.KeepAlive)
      return head.persistent || isValue(bytes, n, words.close) || isValue(bytes, n, words.Close)
    case RELAYED:
      head.relayed += lineOf(text, base, n)
      return true
    case VIA:
      head.via = joinedVia(head.via, valueOf(text, base, n))
      return true
    default:
      return kind === OURS
  }
}

/**
 * A connection's requests nearly always name the same host, which was checked with the first of them. The string stays the same
 * one then, and whoever looks it up again finds its hash in it; and it is one of its own, not a piece of a whole head.
 */
function describeHost(n: number, bytes: Buffer, head: RequestHead): boolean {
  const from = lines.valueFrom[n] as number
  const to = lines.valueTo[n] as number
  if (isSame(bytes, from, to, head.host)) return true
  head.host = latin1(bytes, from, to)
  if (isHostIn(bytes, from, to)) return true
  head.host = ''
  return false
}

function isSame(bytes: Buffer, from: number, to: number, text: string): boolean {
  if (text.length !== to - from) return false
  for (let i = 0; i < text.length; i += 1) if (bytes[from + i] !== text.charCodeAt(i)) return false
  return text !== ''
}

/** Without a leading zero, in which some readers see an octal number. */
const readPlainLength = (value: string): number =>
  value.length > 1 && value.charCodeAt(0) === ZERO ? -1 : readLength(value)

const isValue = (bytes: Buffer, n: number, word: Uint8Array): boolean =>
  lines.valueTo[n] === (lines.valueFrom[n] as number) + word.length && spells(bytes, lines.valueFrom[n] as number, word)

/** @returns where the word ends, INCOMPLETE or OUTSIDE */
function scanWord(bytes: Buffer, from: number, limit: number, word: Uint8Array): number {
  for (let i = 0; i < word.length; i += 1) {
    if (from + i === limit) return INCOMPLETE
    if (bytes[from + i] !== word[i]) return OUTSIDE
  }
  return from + word.length
}

const LONGEST_METHOD = 'OPTIONS'.length

/** The text of it is ours, not one more string. */
function methodIn(bytes: Buffer, from: number, to: number): string | null {
  switch (to - from) {
    case 3:
      return spells(bytes, from, words.get) ? 'GET' : spells(bytes, from, words.put) ? 'PUT' : null
    case 4:
      return spells(bytes, from, words.post) ? 'POST' : spells(bytes, from, words.head) ? 'HEAD' : null
    case 5:
      return spells(bytes, from, words.patch) ? 'PATCH' : null
    case 6:
      return spells(bytes, from, words.delete) ? 'DELETE' : null
    case 7:
      return spells(bytes, from, words.options) ? 'OPTIONS' : null
    default:
      return null
  }
}

function spells(bytes: Buffer, from: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i += 1) if (bytes[from + i] !== word[i]) return false
  return true
}

const SLASH = 0x2f
const ZERO = 0x30
const isUpperCase = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a
