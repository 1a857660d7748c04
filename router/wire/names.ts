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
/** The proxies that a request came through, to which the router adds itself (RFC 9110 §7.6.3). */
export const VIA = 10

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
  readonly #kinds: ReadonlyMap<string, Kind>
  readonly #prefixes: readonly Entry[]
  /** By shape and by first letter; -1 where there is none. */
  readonly #byShape = new Int8Array(SHAPES).fill(-1)
  readonly #byLetter = new Int8Array(32).fill(-1)
  readonly #entries: readonly Entry[]

  /** @param kinds lower-case names; one that ends with `*` stands for all that begin so */
  constructor(kinds: Readonly<Record<string, Kind>>) {
    const entries = Object.entries(kinds)
    this.#kinds = new Map(entries.filter(([name]) => !name.endsWith('*')))
    this.#entries = [...this.#kinds].map(([name, kind]) => entryOf(name, kind))
    this.#prefixes = entries.flatMap(([name, kind]) => (name.endsWith('*') ? entryOf(name.slice(0, -1), kind) : []))
    this.#entries.forEach(({ name }, i) =>
      claim(this.#byShape, shapeOf(name.length, name.charCodeAt(0), name.charCodeAt(name.length - 1)), i),
    )
    this.#prefixes.forEach(({ name }, i) => claim(this.#byLetter, name.charCodeAt(0) & 31, i))
  }

  /** @param name lower case */
  kindOf(name: string): Kind {
    return this.#kinds.get(name) ?? this.#prefixes.find((prefix) => name.startsWith(prefix.name))?.kind ?? KEPT
  }

  /** The kind of the name that `bytes[from, to)` spell; they are a token. */
  kindIn(bytes: Buffer, from: number, to: number): Kind {
    const first = bytes[from] as number
    const byShape = this.#byShape[shapeOf(to - from, first, bytes[to - 1] as number)] as number
    if (byShape >= 0) {
      const { codes, kind } = this.#entries[byShape] as Entry
      if (codes.length === to - from && spells(bytes, from, codes)) return kind
    }
    const byLetter = this.#byLetter[first & 31] as number
    if (byLetter >= 0) {
      const { codes, kind } = this.#prefixes[byLetter] as Entry
      if (codes.length <= to - from && spells(bytes, from, codes)) return kind
    }
    return KEPT
  }
}

/** The name as bytes as well: reading those is faster than the characters of a string. */
type Entry = { name: string; codes: Uint8Array; kind: Kind }

const entryOf = (name: string, kind: Kind): Entry => ({ name, codes: Uint8Array.from(Buffer.from(name)), kind })

/** Length, first and last letter tell the names of our lists apart, without regard to case. */
const shapeOf = (length: number, first: number, last: number): number =>
  ((length & 31) << 10) | ((first & 31) << 5) | (last & 31)
const SHAPES = 32 * 32 * 32

function claim(table: Int8Array, at: number, entry: number): void {
  if (table[at] !== -1) throw new Error('two names have the same shape; a table cannot tell them apart')
  table[at] = entry
}

/**
 * Of a token, only a letter becomes another character of a name when its sixth bit is set: what else would is none of a token's
 * (`-` of 0x0d, a digit of a control character). So nothing has to be asked about each byte.
 */
function spells(bytes: Buffer, from: number, codes: Uint8Array): boolean {
  for (let i = 0; i < codes.length; i += 1) if (((bytes[from + i] as number) | 0x20) !== codes[i]) return false
  return true
}

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
  via: VIA,
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
  'via',
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
