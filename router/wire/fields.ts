/** A message's fields as lines, each `Name: value\r\n`: looking into them, sorting them, making them of pairs. */
import { isHost } from './host.ts'
import { addNominated, CONNECTION, KEPT, RELAYED, requestNames, trimmed, VIA } from './names.ts'
import { joinedVia } from './via.ts'

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
 * A request's fields by what becomes of them: those for the app, what the client says of where the request came from, and
 * the proxies that it came through.
 * @param pairs names and values alternating, checked: tokens, and text without control characters
 */
export function sortRequestFields(pairs: readonly string[]): { fields: string; relayed: string; via: string } {
  const nominated = nominatedBy(pairs)
  let fields = ''
  let relayed = ''
  let via = ''
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = pairs[i] as string
    const lower = name.toLowerCase()
    const kind = requestNames.kindOf(lower)
    if (kind === RELAYED) relayed += lineOf(name, pairs[i + 1] as string)
    else if (kind === VIA) via = joinedVia(via, pairs[i + 1] as string)
    // An app that reads fields through CGI's rules takes `X_Forwarded_For` for `X-Forwarded-For`.
    if (kind !== KEPT || lower.includes('_') || nominated.has(lower)) continue
    fields += lineOf(name, pairs[i + 1] as string)
  }
  return { fields, relayed, via }
}

function nominatedBy(pairs: readonly string[]): Set<string> {
  const nominated = new Set<string>()
  for (let i = 0; i + 1 < pairs.length; i += 2)
    if (requestNames.kindOf((pairs[i] as string).toLowerCase()) === CONNECTION)
      addNominated(pairs[i + 1] as string, nominated)
  return nominated
}

/** What a load balancer says of a request; null where it says nothing, or nothing that can be understood. */
export type Relayed = {
  /** Lists as they came, those of several fields joined (RFC 9110 §5.3): which entry counts is a matter of trust. */
  forwardedFor: string | null
  forwardedProto: string | null
  host: string | null
  port: number | null
  requestId: string | null
  /** When the request reached the load balancer, ms since 1970. */
  startedAt: number | null
}

/**
 * Reads the `relayed` lines of a request's head. Only for a peer that is trusted (H57): everyone can say these things. Of lists the
 * last entry is taken, the one that the peer itself added.
 */
export function readRelayed(relayed: string): Relayed {
  const said = new Map<string, string>()
  eachField(relayed, (name, value) => {
    const before = said.get(name.toLowerCase())
    said.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`)
  })
  const last = (name: string): string => trimmed(said.get(name)?.split(',').at(-1) ?? '')
  const host = last('x-forwarded-host')
  const port = last('x-forwarded-port')
  const requestId = last('x-request-id')
  return {
    forwardedFor: said.get('x-forwarded-for') ?? null,
    forwardedProto: said.get('x-forwarded-proto') ?? null,
    host: isHost(host) ? host : null,
    port: /^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535 ? Number(port) : null,
    requestId: /^[\w.:=+/-]{1,128}$/.test(requestId) ? requestId : null,
    startedAt: readStart(last('x-request-start')),
  }
}

/** In use are seconds with a fraction, ms and µs since 1970, with `t=` before them or without. */
function readStart(value: string): number | null {
  const [, whole, fraction = ''] = /^(?:t=)?(\d{10}|\d{13}|\d{16})(\.\d{1,9})?$/.exec(value) ?? []
  if (whole === undefined) return null
  const msPerUnit = { 10: 1000, 13: 1, 16: 0.001 }[whole.length] as number
  return Math.round(Number(whole + fraction) * msPerUnit)
}
