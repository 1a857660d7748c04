/** What becomes of a field because of its name: one list for every lane, so that none lets through what another drops. */

/** Not in the list: for the other end, whatever it says. */
export const KEPT = 0
export const HOST = 1
export const CONTENT_LENGTH = 2
export const TRANSFER_ENCODING = 3
export const CONNECTION = 4
export const EXPECT = 5
export const UPGRADE = 6
/** For one hop only (RFC 9110 §7.6.1, and the older names in use), or dangerous beyond it: dropped. */
export const HOP = 7
/** Where a request came from, as a load balancer before the router may say it; from anyone else it is a lie. */
export const RELAYED = 8
/** Said by the router alone: dropped. */
export const OURS = 9

type Kind = number

const hopByHop = {
  'http2-settings': HOP,
  'keep-alive': HOP,
  'proxy-authenticate': HOP,
  'proxy-authentication-info': HOP,
  'proxy-authorization': HOP,
  'proxy-connection': HOP,
  te: HOP,
  trailer: HOP,
}

const onBothWays = {
  'berth-error': OURS,
  connection: CONNECTION,
  'content-length': CONTENT_LENGTH,
  'transfer-encoding': TRANSFER_ENCODING,
  upgrade: UPGRADE,
}

/** Finds a name in a list without regard to case, in bytes as well as in text, and allocates nothing. */
export class Names {
  readonly #byShape: (readonly [name: string, kind: Kind])[][] = []
  readonly #byName: ReadonlyMap<string, Kind>
  readonly #prefixes: readonly (readonly [prefix: string, kind: Kind])[]

  /** @param kinds lower-case names; one that ends with `*` stands for all that begin so */
  constructor(kinds: Readonly<Record<string, Kind>>) {
    const entries = Object.entries(kinds)
    this.#prefixes = entries.filter(([name]) => name.endsWith('*')).map(([name, kind]) => [name.slice(0, -1), kind])
    this.#byName = new Map(entries.filter(([name]) => !name.endsWith('*')))
    // Filled throughout, because an array with holes is slower to look into.
    for (let shape = 0; shape < 1024; shape += 1) this.#byShape.push([])
    for (const entry of this.#byName) this.#byShape[shapeOf(entry[0].length, entry[0].charCodeAt(0))]?.push(entry)
  }

  /** @param name lower case */
  kindOf(name: string): Kind {
    return this.#byName.get(name) ?? this.#prefixes.find(([prefix]) => name.startsWith(prefix))?.[1] ?? KEPT
  }

  /** The kind of the name that `bytes[from, to)` spell; they are a token. */
  kindIn(bytes: Buffer, from: number, to: number): Kind {
    const candidates = this.#byShape[shapeOf(to - from, bytes[from] as number)] as (readonly [string, Kind])[]
    for (let i = 0; i < candidates.length; i += 1) {
      const [name, kind] = candidates[i] as readonly [string, Kind]
      if (name.length === to - from && spells(bytes, from, name)) return kind
    }
    for (let i = 0; i < this.#prefixes.length; i += 1) {
      const [prefix, kind] = this.#prefixes[i] as readonly [string, Kind]
      if (prefix.length <= to - from && spells(bytes, from, prefix)) return kind
    }
    return KEPT
  }
}

/** Length and first letter tell nearly all names apart. */
const shapeOf = (length: number, first: number): number => ((length & 31) << 5) | (first & 31)

function spells(bytes: Buffer, from: number, name: string): boolean {
  for (let i = 0; i < name.length; i += 1) if (lowered(bytes[from + i] as number) !== name.charCodeAt(i)) return false
  return true
}

const lowered = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)

export const requestNames = new Names({
  ...hopByHop,
  ...onBothWays,
  // CGI programs find it as HTTP_PROXY, and take it for the proxy that they are to use ("httpoxy").
  proxy: HOP,
  'proxy-*': HOP,
  host: HOST,
  expect: EXPECT,
  forwarded: RELAYED,
  'x-forwarded-*': RELAYED,
  'x-real-ip': RELAYED,
  'x-request-id': RELAYED,
  'x-request-start': RELAYED,
})

export const responseNames = new Names({ ...hopByHop, ...onBothWays })

/**
 * Fields that belong to the message, not to the connection. Nominating one to have it removed is an attack on whoever
 * relies on it (RFC 9110 §7.6.1: a sender MUST NOT list fields that are for all recipients); and none of them may be a
 * trailer (§6.5.1).
 */
export const endToEnd: ReadonlySet<string> = new Set([
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
  'max-forwards',
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

/** Adds the lower-case names that a Connection field's value nominates, but for the usual and the end-to-end ones. */
export function addNominated(value: string, nominated: Set<string>): void {
  for (const token of tokensOf(value))
    if (token !== '' && token !== 'keep-alive' && token !== 'close' && !endToEnd.has(token)) nominated.add(token)
}

/** The elements of a list of tokens (RFC 9110 §5.6.1), lower case. */
export const tokensOf = (value: string): string[] => value.split(',').map((token) => trimmed(token).toLowerCase())

/** Without the SP and HTAB around it; `trim` would take obs-text that Unicode calls a space as well (H10). */
export function trimmed(value: string): string {
  let from = 0
  let to = value.length
  while (from < to && isSpace(value.charCodeAt(from))) from += 1
  while (to > from && isSpace(value.charCodeAt(to - 1))) to -= 1
  return value.slice(from, to)
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09
