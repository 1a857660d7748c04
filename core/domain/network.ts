/** Networks of either IP version, as lists of them are asked for each connection: `10.0.0.0/8`, `2001:db8::/32`, `::1`. */

/** An address as a number; IPv4 and IPv6 (RFC 4291 §2.2) are two worlds, but for ::ffff:0:0/96, which is IPv4 (§2.5.5.2). */
export type Address = { version: 4 | 6; value: bigint }
export type Network = Address & { length: number }

/** @returns null when the text is no address: no zone, no leading zeros in IPv4 (some read those as octal) */
export function readAddress(text: string): Address | null {
  const four = readFour(text)
  if (four !== null) return { version: 4, value: BigInt(four) }
  const six = readSix(text)
  if (six === null) return null
  return six >> 32n === 0xffffn ? { version: 4, value: six & 0xffff_ffffn } : { version: 6, value: six }
}

/** @returns null when the text is no network, or has bits set beyond its prefix */
export function readNetwork(text: string): Network | null {
  const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const parsed = readAddress(address)
  if (!parsed || (parsed.version === 4 && address.includes(':'))) return null
  const bits = parsed.version === 4 ? 32 : 128
  const length = prefix === undefined ? bits : Number(prefix)
  if (length > bits || parsed.value % (1n << BigInt(bits - length)) !== 0n) return null
  return { ...parsed, length }
}

export const isInside = ({ version, value }: Address, networks: readonly Network[]): boolean =>
  networks.some((network) => {
    const beyond = BigInt((version === 4 ? 32 : 128) - network.length)
    return network.version === version && value >> beyond === network.value >> beyond
  })

/** As RFC 5952 wants it: lower case, no leading zeros, the first longest run of two or more zero groups left out. */
export function writeAddress({ version, value }: Address): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  const groups = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => ((value >> shift) & 0xffffn).toString(16))
  const { at, count } = longestZeros(groups)
  if (count < 2) return groups.join(':')
  return `${groups.slice(0, at).join(':')}::${groups.slice(at + count).join(':')}`
}

function readFour(text: string): number | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return null
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0)
}

function readSix(text: string): bigint | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const [head, tail] = halves.map((half, index) => readGroups(half, index === halves.length - 1))
  if (!head || tail === null) return null
  const missing = 8 - head.length - (tail?.length ?? 0)
  // A `::` stands for at least one group of zeros.
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null
  return [...head, ...Array<number>(missing).fill(0), ...(tail ?? [])].reduce(
    (sum, group) => (sum << 16n) | BigInt(group),
    0n,
  )
}

/** @returns the 16-bit groups of one side of a `::`; at the very end, an IPv4 address is two of them */
function readGroups(text: string, isEnd: boolean): number[] | null {
  if (text === '') return []
  const parts = text.split(':')
  const groups: number[] = []
  for (const [index, part] of parts.entries()) {
    const four = isEnd && index === parts.length - 1 && part.includes('.') ? readFour(part) : null
    if (four !== null) groups.push(Math.floor(four / 65_536), four % 65_536)
    else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups.push(parseInt(part, 16))
    else return null
  }
  return groups
}

function longestZeros(groups: readonly string[]): { at: number; count: number } {
  let best = { at: 0, count: 0 }
  for (let at = 0; at < groups.length; at++) {
    let count = 0
    while (groups[at + count] === '0') count += 1
    if (count > best.count) best = { at, count }
  }
  return best
}
