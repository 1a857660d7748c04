/**
 * An archive of source, as `berth deploy` and the templates send it: POSIX tar in its pax form (IEEE Std 1003.1-2017, pax,
 * "Extended Header"), so that any name fits. Owners and times are the same whoever packs and whenever: the same files are the
 * same archive.
 */

export type Entry = {
  /** Relative, with slashes. */
  path: string
  kind: 'file' | 'folder' | 'link'
  /** In bytes; 0 but for files. */
  size: number
  isExecutable: boolean
  /** Of links. */
  target: string
}

const BLOCK = 512
/** 1980-01-02: zip files, and so Python's wheels, can hold no earlier time. */
const TIME = 315_619_200
const MOST_SIZE = 8 ** 11 - 1
const TYPES = { file: '0', link: '2', folder: '5' }

export const padding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK

/** Two empty blocks. */
export const end = (): Uint8Array => new Uint8Array(2 * BLOCK)

/** All of an entry that comes before its content. */
export function header(entry: Entry): Uint8Array {
  const path = entry.kind === 'folder' ? `${entry.path}/` : entry.path
  const further = [
    ...(fits(path) ? [] : [record('path', path)]),
    ...(fits(entry.target) ? [] : [record('linkpath', entry.target)]),
    ...(entry.size <= MOST_SIZE ? [] : [record('size', String(entry.size))]),
  ]
  const own = block(entry, fits(path) ? path : 'long', fits(entry.target) ? entry.target : 'long', TYPES[entry.kind])
  if (further.length === 0) return own
  const records = bytes(further.join(''))
  const pax = block({ size: records.length, isExecutable: false, kind: 'file' }, 'pax', '', 'x')
  return concat([pax, records, new Uint8Array(padding(records.length)), own])
}

/** The archive's whole length, in bytes. */
export const archiveLength = (entries: Entry[]): number =>
  entries.reduce((sum, entry) => sum + header(entry).length + entry.size + padding(entry.size), end().length)

const fits = (name: string): boolean => name.length <= 100 && /^[\x20-\x7e]*$/.test(name)

function block(
  { size, isExecutable, kind }: Pick<Entry, 'size' | 'isExecutable' | 'kind'>,
  name: string,
  target: string,
  type: string,
): Uint8Array {
  const made = new Uint8Array(BLOCK)
  const put = (text: string, at: number) => made.set(bytes(text), at)
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`
  put(name, 0)
  put(octal(isExecutable || kind === 'folder' ? 0o755 : 0o644, 8), 100)
  put(octal(0, 8), 108)
  put(octal(0, 8), 116)
  put(octal(Math.min(size, MOST_SIZE), 12), 124)
  put(octal(TIME, 12), 136)
  put(' '.repeat(8), 148)
  put(type, 156)
  put(target, 157)
  put('ustar\x0000', 257)
  const sum = made.reduce((total, byte) => total + byte, 0)
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return made
}

/** `LENGTH KEY=VALUE LF`, whose length counts its own digits. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  const restLength = bytes(rest).length
  let length = restLength + 1
  while (String(length).length + restLength !== length) length = String(length).length + restLength
  return `${length}${rest}`
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
