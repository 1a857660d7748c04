/**
 * The PROXY protocol: what a load balancer says, before a connection's first byte, about the client that it speaks for. Version
 * 1 is a line of text, version 2 is binary (haproxy.org, proxy-protocol.txt, 2020-03-05; sections are those of that text).
 */
import { readAddress, writeAddress, type Address } from '#core/domain/network.ts'

export type ProxyHeader = {
  /** How many bytes it took; the client's own follow. */
  length: number
  /** Null: the load balancer speaks for itself (LOCAL), or for something that has no address; then the connection's own holds. */
  source: { address: string; port: number } | null
  /** Whether the client spoke TLS with the load balancer (PP2_TYPE_SSL). */
  tls: boolean
}

export type ProxyRead =
  | { kind: 'header'; header: ProxyHeader }
  /** What came can be the beginning of one. */
  | { kind: 'more' }
  /** The connection must be dropped. */
  | { kind: 'bad'; why: string }

/** §2.1: the longest line, with its CRLF. */
const MAX_LINE = 107
/** Extensions included. Certificates' names are the longest of those in use; the length field alone would allow 64 KiB. */
const MAX_BINARY = 4096

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
const PROXY = [...'PROXY '].map((character) => character.charCodeAt(0))

/** @param bytes all that the connection brought so far */
export function readProxyHeader(bytes: Uint8Array): ProxyRead {
  if (startsLike(bytes, SIGNATURE)) return bytes.length < 16 ? beginning(bytes) : readBinary(bytes)
  if (startsLike(bytes, PROXY)) return readLine(bytes)
  return bad('it does not begin with a PROXY protocol header')
}

const bad = (why: string): ProxyRead => ({ kind: 'bad', why })
const more: ProxyRead = { kind: 'more' }

/** Whether the bytes begin with all of `start`, or are the beginning of it. */
const startsLike = (bytes: Uint8Array, start: readonly number[]): boolean =>
  start.every((byte, index) => index >= bytes.length || bytes[index] === byte)

// ── Version 1 (§2.1)

function readLine(bytes: Uint8Array): ProxyRead {
  const end = bytes.indexOf(0x0d)
  if (end === -1 ? bytes.length >= MAX_LINE : end + 2 > MAX_LINE) return bad('its line is too long')
  const feed = bytes.subarray(0, MAX_LINE).indexOf(0x0a)
  if (feed !== -1 && feed !== end + 1) return bad('its line does not end with CRLF')
  if (end === -1 || end + 1 === bytes.length) return more
  if (feed === -1) return bad('its line does not end with CRLF')
  const line = String.fromCharCode(...bytes.subarray(0, end))
  const header = (source: ProxyHeader['source']): ProxyRead => ({
    kind: 'header',
    header: { length: end + 2, source, tls: false },
  })
  if (/^PROXY UNKNOWN( |$)/.test(line)) return header(null)
  const source = readText(line)
  return source ? header(source) : bad('its addresses are not what its line says they are')
}

function readText(line: string): ProxyHeader['source'] {
  const [, family, from = '', to = '', fromPort = '', toPort = ''] =
    /^PROXY TCP([46]) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+)$/.exec(line) ?? []
  const separator = family === '4' ? '.' : ':'
  const [source, destination] = [from, to].map((text) => (text.includes(separator) ? readAddress(text) : null))
  if (!source || !destination || (family === '4' && (from + to).includes(':'))) return null
  if (![fromPort, toPort].every(isPort)) return null
  return { address: writeAddress(source), port: Number(fromPort) }
}

const isPort = (text: string): boolean => /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535

// ── Version 2 (§2.2)

/** What is wrong in the first bytes is said before the rest is waited for. */
function beginning(bytes: Uint8Array): ProxyRead {
  const command = bytes[12]
  if (command !== undefined && command !== 0x20 && command !== 0x21) return bad('it has an unknown version or command')
  return more
}

function readBinary(bytes: Uint8Array): ProxyRead {
  const [command, family, length] = [bytes[12], bytes[13] ?? 0, 16 + uint16(bytes, 14)]
  if (command !== 0x20 && command !== 0x21) return bad('it has an unknown version or command')
  if (length > MAX_BINARY) return bad('it is too long')
  // §2.2: with LOCAL the block is discarded, whatever it holds.
  if (command === 0x20) return bytes.length < length ? more : local(length)
  if (family >> 4 > 3 || (family & 15) > 2) return bad('it has an unknown address family or transport')
  const addresses = addressBytes(family)
  if (length < 16 + addresses) return bad('it is too short for its addresses')
  if (bytes.length < length) return more
  const extensions = readExtensions(bytes.subarray(0, length), 16 + addresses)
  if (typeof extensions === 'string') return bad(extensions)
  return { kind: 'header', header: { length, source: sourceOf(bytes, family), tls: extensions.tls } }
}

const local = (length: number): ProxyRead => ({ kind: 'header', header: { length, source: null, tls: false } })

function addressBytes(family: number): number {
  if ((family & 15) === 0) return 0
  return [0, 12, 36, 216][family >> 4] ?? 0
}

/** Only what can be the peer of a TCP connection has an address for us; the rest falls back to "unspecified", as §2.2 allows. */
function sourceOf(bytes: Uint8Array, family: number): ProxyHeader['source'] {
  if (family === 0x11) return { address: writeAddress(address(bytes, 4)), port: uint16(bytes, 24) }
  if (family === 0x21) return { address: writeAddress(address(bytes, 16)), port: uint16(bytes, 48) }
  return null
}

function address(bytes: Uint8Array, length: 4 | 16): Address {
  const value = bytes.subarray(16, 16 + length).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  if (length === 4) return { version: 4, value }
  // An IPv4 client of a load balancer that listens on IPv6 (RFC 4291 §2.5.5.2).
  return value >> 32n === 0xffffn ? { version: 4, value: value & 0xffff_ffffn } : { version: 6, value }
}

const CHECKSUM = 0x03
const SSL = 0x20
/** In the first byte of SSL's value. */
const CLIENT_SSL = 0x01

/** @returns what is wrong with them, or what they say */
function readExtensions(header: Uint8Array, from: number): string | { tls: boolean } {
  let tls = false
  for (let at = from; at < header.length;) {
    if (at + 3 > header.length) return 'its extensions are cut off'
    const [type, length] = [header[at], uint16(header, at + 1)]
    const value = at + 3
    if (value + length > header.length) return 'its extensions are cut off'
    if (type === CHECKSUM && (length !== 4 || !isIntact(header, value))) return 'its checksum is wrong'
    if (type === SSL && length > 0) tls ||= ((header[value] ?? 0) & CLIENT_SSL) !== 0
    at = value + length
  }
  return { tls }
}

const uint16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)

/** §2.2.3: the sum is over the whole header with zeros in the sum's place. */
function isIntact(header: Uint8Array, at: number): boolean {
  const zeroed = Uint8Array.from(header)
  zeroed.fill(0, at, at + 4)
  return crc32c(zeroed) === uint16(header, at) * 65_536 + uint16(header, at + 2)
}

/** RFC 9260 Appendix A (Castagnoli's polynomial, reflected). Headers are short and rare, so no table. */
export function crc32c(bytes: Uint8Array): number {
  let sum = 0xffff_ffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f6_3b78 : 0)
  }
  return ~sum >>> 0
}
