/** As much of DER (X.690) as a certificate request and a self-signed certificate need. */

/** One element: its tag, its length, its content. */
export function element(tag: number, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  return Buffer.concat([Buffer.from([tag, ...lengthOf(body.length)]), body])
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length]
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return [0x80 | bytes.length, ...bytes]
}

export const sequence = (...content: Uint8Array[]) => element(0x30, ...content)
export const set = (...content: Uint8Array[]) => element(0x31, ...content)
export const octets = (content: Uint8Array) => element(0x04, content)
export const utf8 = (text: string) => element(0x0c, Buffer.from(text))
export const yes = () => element(0x01, Buffer.from([0xff]))
/** `[number]`, constructed. */
export const tagged = (number: number, ...content: Uint8Array[]) => element(0xa0 | number, ...content)
/** `[number]` around bare bytes. */
export const implicit = (number: number, content: Uint8Array) => element(0x80 | number, content)
/** Whole bytes, so that no bit is unused. */
export const bits = (content: Uint8Array) => element(0x03, Buffer.from([0]), content)

/** @param bytes of a positive number, the highest first */
export function integer(bytes: Uint8Array): Buffer {
  const firstUsed = bytes.findIndex((byte) => byte !== 0)
  const used = firstUsed === -1 ? Buffer.from([0]) : bytes.subarray(firstUsed)
  // A leading one would mean a negative number.
  return element(0x02, (used[0] ?? 0) >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0), used)
}

/** @param dotted e.g. `2.5.29.17` */
export function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f]
  for (let rest = value >> 7; rest > 0; rest >>= 7) bytes.unshift((rest & 0x7f) | 0x80)
  return bytes
}

/** GeneralizedTime to the second; RFC 5280 §4.1.2.5 wants UTCTime until 2049. */
export function time(at: number): Buffer {
  const text = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '')
  return Number(text.slice(0, 4)) < 2050 ? element(0x17, Buffer.from(text.slice(2))) : element(0x18, Buffer.from(text))
}

export const toPem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${(
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\n')}\n-----END ${label}-----\n`
