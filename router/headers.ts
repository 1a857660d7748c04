/** Header fields across the router: what is dropped, what is kept, and what the router itself says. */
import { MAX_RESPONSE_FIELDS } from './limits.ts'

/** What an app is told about where a request came from. */
export type Origin = {
  clientAddress: string
  proto: 'http' | 'https'
  /** The Host field as the client sent it. */
  host: string
  /** The port that the client's connection came in at. */
  port: number
  requestId: string
  /** When the request's head was there, ms since 1970. */
  startedAt: number
}

/**
 * The fields for the app, names and values alternating, without framing: the caller adds what it parsed.
 * @param raw as received, names and values alternating
 */
export function requestHeaders(raw: readonly string[], origin: Origin): string[] {
  const nominated = nominatedFields(raw)
  const kept = ['Host', origin.host]
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string
    const lower = name.toLowerCase()
    if (isDroppedFromRequest(lower) || nominated?.has(lower)) continue
    kept.push(name, raw[i + 1] as string)
  }
  kept.push(
    'X-Forwarded-For',
    origin.clientAddress,
    'X-Forwarded-Proto',
    origin.proto,
    'X-Forwarded-Host',
    origin.host,
    'X-Forwarded-Port',
    String(origin.port),
    'X-Request-Start',
    String(origin.startedAt),
    'X-Request-Id',
    origin.requestId,
  )
  return kept
}

/**
 * The fields for the client, with the app's Content-Length if it has one.
 * @returns null when the app's head is not one that we can pass on without guessing at its body's end
 */
export function responseHeaders(status: number, raw: readonly string[]): string[] | null {
  if (raw.length / 2 > MAX_RESPONSE_FIELDS) return null
  const nominated = nominatedFields(raw)
  const kept: string[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string
    const value = raw[i + 1] as string
    const lower = name.toLowerCase()
    // A coding under the chunks would reach the client undeclared, since the field is ours to drop (RFC 9112 §6.1).
    if (lower === 'transfer-encoding' && value.toLowerCase() !== 'chunked') return null
    if (lower === 'content-length') {
      if (!/^\d{1,15}$/.test(value)) return null
      // RFC 9110 §8.6: no Content-Length in a 1xx or 204.
      if (status >= 200 && status !== 204) kept.push(name, String(Number(value)))
      continue
    }
    // Only the router says Berth-Error.
    if (hopByHop.has(lower) || lower === 'berth-error' || nominated?.has(lower)) continue
    kept.push(name, value)
  }
  return kept
}

/** RFC 9110 §7.6.1, and the older names in use. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

/** Said by the router alone: framing, what the client waits for, and where the request came from. */
const ours = new Set([
  'host',
  'content-length',
  'expect',
  'forwarded',
  'x-real-ip',
  'x-request-start',
  'x-request-id',
  'berth-error',
])

function isDroppedFromRequest(lower: string): boolean {
  // An app that reads fields through CGI's rules takes `X_Forwarded_For` for `X-Forwarded-For`.
  return hopByHop.has(lower) || ours.has(lower) || lower.startsWith('x-forwarded-') || lower.includes('_')
}

/** Lower-case names that Connection nominates for removal, or null when there are none beyond the usual. */
function nominatedFields(raw: readonly string[]): Set<string> | null {
  let nominated: Set<string> | null = null
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    for (const part of (raw[i + 1] as string).toLowerCase().split(',')) {
      const token = part.trim()
      if (token === '' || token === 'keep-alive' || token === 'close' || endToEnd.has(token)) continue
      nominated ??= new Set()
      nominated.add(token)
    }
  }
  return nominated
}

/**
 * Fields that belong to the message, not to the connection. Nominating one to have it removed is an attack on whoever
 * relies on it (RFC 9110 §7.6.1: a sender MUST NOT list fields that are for all recipients).
 */
const endToEnd = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'age',
  'authorization',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-security-policy',
  'content-type',
  'cookie',
  'date',
  'etag',
  'expires',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'origin',
  'pragma',
  'range',
  'referer',
  'retry-after',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'server',
  'set-cookie',
  'strict-transport-security',
  'user-agent',
  'vary',
  'www-authenticate',
  'x-csrf-token',
])
