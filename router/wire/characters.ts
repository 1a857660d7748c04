/** Which byte may stand where in a message. Each table says 1 for a byte that may, 0 for one that may not. */

export const HTAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SP = 0x20
export const COLON = 0x3a

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const digits = '0123456789'

/** tchar of RFC 9110 §5.6.2: methods, field names, the names of chunk extensions. */
export const isToken = tableOf(`!#$%&'*+-.^_\`|~${digits}${letters}`)

/** The names that every reader takes for the same: no CGI variable can stand for two of them. */
export const isPlainName = tableOf(`-${digits}${letters}`)

/** VCHAR, SP and HTAB: a field's value without obs-text. */
export const isPlainText = tableOf(`\t${charactersFrom(0x20, 0x7e)}`)

/** A field's value (RFC 9110 §5.5) or a reason phrase, with obs-text. */
export const isText = tableOf(`\t${charactersFrom(0x20, 0x7e)}${charactersFrom(0x80, 0xff)}`)

/** A request target in origin form: '#' and '\' are no part of a path, and some servers turn '\' into '/'. */
export const isTarget = tableOf(charactersFrom(0x21, 0x7e).replace(/[#\\]/g, ''))

/** Host names and IPv4 addresses, with the '_' that some internal names have. */
export const isHostName = tableOf(`-._${digits}${letters}`)

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256)
  for (let i = 0; i < characters.length; i += 1) table[characters.charCodeAt(i)] = 1
  return table
}

function charactersFrom(first: number, last: number): string {
  return String.fromCharCode(...Array.from({ length: last - first + 1 }, (_, i) => first + i))
}

/**
 * `bytes[from, to)` as Latin-1: one character, one byte. What `toString` does once it has looked at its arguments, which for
 * a short head takes as long again.
 */
export const latin1 = (bytes: Buffer, from: number, to: number): string =>
  (bytes as Buffer & { latin1Slice(from: number, to: number): string }).latin1Slice(from, to)
