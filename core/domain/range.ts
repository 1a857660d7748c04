/** Ranges of client addresses, IPv4 and IPv6, in CIDR notation (RFC 4632, RFC 4291 §2.3). */

/** Eight words of 16 bits; an IPv4 address is the one that IPv6 maps it to (RFC 4291 §2.5.5.2). */
export type Words = readonly number[]
export type Range = { words: Words; length: number }

/** @returns null for what is no range, or has bits set beyond its prefix */
export function parseRange(text: string): Range | null {
  const [address = '', prefix, ...more] = text.split('/')
  const words = parseAddress(address)
  if (words === null || more.length > 0) return null
  const bits = address.includes(':') ? 128 : 32
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return null
  const given = prefix === undefined ? bits : Number(prefix)
  if (given > bits) return null
  const length = given + 128 - bits
  return hasBitsBeyond(words, length) ? null : { words, length }
}

export const isInRange = ({ words, length }: Range, address: Words): boolean =>
  words.every((word, at) => ((word ^ (address[at] ?? 0)) & maskOf(length, at)) === 0)

/** The bits of the word at this place that a prefix covers. */
const maskOf = (length: number, at: number): number => {
  const bits = Math.max(0, Math.min(16, length - at * 16))
  return (0xffff << (16 - bits)) & 0xffff
}

const hasBitsBeyond = (words: Words, length: number): boolean =>
  words.some((word, at) => (word & ~maskOf(length, at) & 0xffff) !== 0)

/** @param text as a socket names its peer @returns null for what is no address, and for one with a zone (`%eth0`) */
export const parseAddress = (text: string): Words | null => (text.includes(':') ? parseV6(text) : mapped(parseV4(text)))

const mapped = (last: Words | null): Words | null => last && [0, 0, 0, 0, 0, 0xffff, ...last]

/** @returns two words */
function parseV4(text: string): Words | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  const [a = 0, b = 0, c = 0, d = 0] = (match ?? []).slice(1).map(Number)
  if (!match || Math.max(a, b, c, d) > 255) return null
  return [a * 256 + b, c * 256 + d]
}

/** RFC 4291 §2.2: groups, one `::`, and an IPv4 address at the end. */
function parseV6(text: string): Words | null {
  const [head = '', tail, ...more] = text.split('::')
  if (more.length > 0) return null
  const before = parseGroups(head, tail === undefined)
  const after = tail === undefined ? [] : parseGroups(tail, true)
  if (before === null || after === null) return null
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return null
  return [...before, ...Array.from({ length: missing }, () => 0), ...after]
}

/** @param last whether the text ends with these, where an IPv4 address may stand */
function parseGroups(text: string, last: boolean): number[] | null {
  if (text === '') return []
  const words: number[] = []
  const groups = text.split(':')
  for (const [at, group] of groups.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(group)) words.push(parseInt(group, 16))
    else {
      const pair = last && at === groups.length - 1 ? parseV4(group) : null
      if (pair === null) return null
      words.push(...pair)
    }
  }
  return words.length > 8 ? null : words
}
