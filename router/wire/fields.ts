/** A message's fields as lines, each `Name: value\r\n`: looking into them, making them, and what the router adds. */
import { isHost } from './host.ts'
import { addNominated, CONNECTION, KEPT, RELAYED, requestNames, trimmed } from './names.ts'

/**
 * The value of the first field of that name, or null.
 * @param name lower case
 */
export function fieldOf(fields: string, name: string): string | null {
  for (let at = 0; at < fields.length; at = fields.indexOf('\r\n', at) + 2)
    if (fields.charCodeAt(at + name.length) === COLON && hasName(fields, at, name))
      return fields.slice(at + name.length + 2, fields.indexOf('\r\n', at))
  return null
}

/** The values of all fields of that name, joined as RFC 9110 §5.3 has it; null when there is none. @param name lower case */
export function joinedField(fields: string, name: string): string | null {
  let joined: string | null = null
  eachField(fields, (each, value) => {
    if (each.toLowerCase() === name) joined = joined === null ? value : `${joined}, ${value}`
  })
  return joined
}

function hasName(fields: string, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i += 1) {
    const code = fields.charCodeAt(at + i)
    const lower = code >= 0x41 && code <= 0x5a ? code | 0x20 : code
    if (lower !== name.charCodeAt(i)) return false
  }
  return true
}

const COLON = 0x3a

/** Calls back with each field's name, as it was sent, and value, in their order. */
export function eachField(fields: string, callback: (name: string, value: string) => void): void {
  for (let at = 0; at < fields.length;) {
    const colon = fields.indexOf(':', at)
    const end = fields.indexOf('\r\n', colon)
    callback(fields.slice(at, colon), fields.slice(colon + 2, end))
    at = end + 2
  }
}

/** The fields without those of these lower-case names. */
export function withoutFields(fields: string, names: ReadonlySet<string>): string {
  if (names.size === 0) return fields
  let kept = ''
  eachField(fields, (name, value) => {
    if (!names.has(name.toLowerCase())) kept += lineOf(name, value)
  })
  return kept
}

export const lineOf = (name: string, value: string): string => `${name}: ${value}\r\n`

/** Names and values alternating, as HTTP/2 libraries take them. */
export function pairsOf(fields: string): string[] {
  const pairs: string[] = []
  eachField(fields, (name, value) => pairs.push(name, value))
  return pairs
}

/**
 * A request's fields by what becomes of them: those for the app, and what the client says of where the request came from.
 * @param pairs names and values alternating, checked: tokens, and text without control characters
 */
export function sortRequestFields(pairs: readonly string[]): { fields: string; relayed: string } {
  const nominated = nominatedBy(pairs)
  let fields = ''
  let relayed = ''
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = pairs[i] as string
    const lower = name.toLowerCase()
    const kind = requestNames.kindOf(lower)
    if (kind === RELAYED) relayed += lineOf(name, pairs[i + 1] as string)
    // An app that reads fields through CGI's rules takes `X_Forwarded_For` for `X-Forwarded-For`.
    if (kind !== KEPT || lower.includes('_') || nominated.has(lower)) continue
    fields += lineOf(name, pairs[i + 1] as string)
  }
  return { fields, relayed }
}

function nominatedBy(pairs: readonly string[]): Set<string> {
  const nominated = new Set<string>()
  for (let i = 0; i + 1 < pairs.length; i += 2)
    if (requestNames.kindOf((pairs[i] as string).toLowerCase()) === CONNECTION)
      addNominated(pairs[i + 1] as string, nominated)
  return nominated
}

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

/** The lines that the router says of every request. What a client said under these names was dropped. */
export const forwarding = (origin: Origin): string =>
  `X-Forwarded-For: ${origin.clientAddress}\r\n` +
  `X-Forwarded-Proto: ${origin.proto}\r\n` +
  `X-Forwarded-Host: ${origin.host}\r\n` +
  `X-Forwarded-Port: ${origin.port}\r\n` +
  `X-Request-Start: ${origin.startedAt}\r\n` +
  `X-Request-Id: ${origin.requestId}\r\n`

/**
 * Where a request came from according to a load balancer that we trust; what it does not say, or not so that it can be
 * understood, stays as the connection has it.
 * @param relayed of the request's head
 * @param isTrusted does the address belong to a load balancer? The client is the last in the chain that does not: everything
 * further left is what a client may have made up
 */
export function relayedOrigin(origin: Origin, relayed: string, isTrusted: (address: string) => boolean): Origin {
  if (relayed === '' || !isTrusted(origin.clientAddress)) return origin
  const said = new Map<string, string>()
  // A list may be spread over several fields (RFC 9110 §5.3).
  eachField(relayed, (name, value) => {
    const before = said.get(name.toLowerCase())
    said.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`)
  })
  const last = (name: string): string => trimmed(said.get(name)?.split(',').at(-1) ?? '')
  const proto = last('x-forwarded-proto').toLowerCase()
  const host = last('x-forwarded-host')
  const port = last('x-forwarded-port')
  const requestId = last('x-request-id')
  return {
    clientAddress: clientOf(said.get('x-forwarded-for') ?? '', isTrusted) ?? origin.clientAddress,
    proto: proto === 'http' || proto === 'https' ? proto : origin.proto,
    host: isHost(host) ? host : origin.host,
    port: /^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535 ? Number(port) : origin.port,
    requestId: /^[\w.:=+/-]{1,128}$/.test(requestId) ? requestId : origin.requestId,
    startedAt: readStart(last('x-request-start')) ?? origin.startedAt,
  }
}

function clientOf(chain: string, isTrusted: (address: string) => boolean): string | null {
  const addresses = chain.split(',').map(trimmed)
  for (let i = addresses.length - 1; i >= 0; i -= 1) {
    const address = addresses[i] as string
    if (!/^[\da-fA-F:.]{2,45}$/.test(address)) return addresses[i + 1] ?? null
    if (!isTrusted(address)) return address
  }
  return addresses[0] ?? null
}

/** In use are seconds with a fraction, ms and µs since 1970, with `t=` before them or without. Returns ms. */
function readStart(value: string): number | null {
  const digits = /^(?:t=)?(\d{10}(?:\.\d{1,9})?|\d{13}|\d{16})$/.exec(value)?.[1]
  if (digits === undefined) return null
  if (digits.length === 13 && !digits.includes('.')) return Number(digits)
  return Math.round(digits.length === 16 && !digits.includes('.') ? Number(digits) / 1000 : Number(digits) * 1000)
}
