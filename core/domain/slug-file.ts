/**
 * A slug as a file: a tar archive (POSIX.1-1988 ustar) of `manifest.json` and then `layers/DIGEST.squashfs` (see image.ts), in the order of
 * the manifest. An exported app has `app.json`, and perhaps `config.sealed`, before those. Nothing else may be in it: this
 * reads no long names, no links, no folders, so that there is nothing to unpack wrongly.
 */
import { slugFileRefused } from './errors.ts'
import type { LayerDigest } from './ids.ts'

export const BLOCK_BYTES = 512
export const MANIFEST = 'manifest.json'
export const APP_FILE = 'app.json'
export const SEALED_CONFIG = 'config.sealed'

export const layerEntry = (digest: LayerDigest): string => `layers/${digest}.squashfs`

/** @returns null for the name of what is no layer */
export const digestOfEntry = (name: string): LayerDigest | null =>
  (/^layers\/([0-9a-f]{64})\.squashfs$/.exec(name)?.[1] as LayerDigest | undefined) ?? null

/** How many bytes follow a content, up to the end of its block. */
export const paddingOf = (bytes: number): number => (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES

/** What an entry takes in the file. */
export const entryBytes = (bytes: number): number => BLOCK_BYTES + bytes + paddingOf(bytes)

/** Two empty blocks end an archive. */
export const END_BYTES = 2 * BLOCK_BYTES

export type Entry = { name: string; bytes: number; time: number }

/** @param time in seconds since 1970 */
export function entryHeader({ name, bytes, time }: Entry): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES)
  const write = (text: string, at: number) => block.set(new TextEncoder().encode(text), at)
  const octal = (value: number, at: number, digits: number) => write(value.toString(8).padStart(digits, '0'), at)
  write(name, 0)
  octal(0o644, 100, 7)
  octal(0, 108, 7)
  octal(0, 116, 7)
  octal(bytes, 124, 11)
  octal(time, 136, 11)
  write('0', 156)
  write('ustar\x0000', 257)
  octal(checksum(block), 148, 6)
  block[155] = SPACE
  return block
}

const SPACE = 0x20

/** Of all bytes, with spaces in the place of the sum itself. */
function checksum(block: Uint8Array): number {
  let sum = 8 * SPACE
  for (let at = 0; at < BLOCK_BYTES; at++) if (at < 148 || at >= 156) sum += block[at] ?? 0
  return sum
}

/** What may be in an archive of a kind, and what is thrown for all else. */
export type Grammar = { knows: (name: string) => boolean; refuse: (why: string) => Error }

const slugGrammar: Grammar = {
  knows: (name) => [MANIFEST, APP_FILE, SEALED_CONFIG].includes(name) || digestOfEntry(name) !== null,
  refuse: slugFileRefused,
}

/** @returns null at the end of the archive. @throws what the grammar refuses with */
export function readHeader(block: Uint8Array, { knows, refuse }: Grammar = slugGrammar): Entry | null {
  if (block.every((byte) => byte === 0)) return null
  const text = (from: number, length: number) => {
    const field = block.subarray(from, from + length)
    const end = field.indexOf(0)
    return new TextDecoder('latin1').decode(end === -1 ? field : field.subarray(0, end))
  }
  const octal = (from: number, length: number) => {
    const digits = /^ *([0-7]+) *$/.exec(text(from, length))?.[1]
    return digits === undefined ? -1 : Number.parseInt(digits, 8)
  }
  if (text(257, 5) !== 'ustar' || octal(148, 8) !== checksum(block))
    throw refuse('it is not a tar archive, or it was damaged on its way')
  const name = text(0, 100)
  const shown = JSON.stringify(name.slice(0, 100))
  const kind = text(156, 1)
  if (kind !== '0' && kind !== '') throw refuse(`${shown} in it is not a plain file`)
  if (!knows(name) || text(345, 155) !== '') throw refuse(`${shown} does not belong into it`)
  const bytes = octal(124, 12)
  if (bytes < 0) throw refuse(`the size of ${shown} cannot be read`)
  return { name, bytes, time: Math.max(0, octal(136, 12)) }
}

export type Part = { kind: 'entry'; entry: Entry } | { kind: 'bytes'; bytes: Uint8Array } | { kind: 'end' }

/**
 * Takes a file in whatever pieces it comes. What follows its end is not looked at.
 * @returns a function that says what each piece holds. @throws what the grammar refuses with
 */
export function splitEntries(grammar: Grammar = slugGrammar): (chunk: Uint8Array) => Part[] {
  const header = new Uint8Array(BLOCK_BYTES)
  let filled = 0
  let content = 0
  let padding = 0
  let ended = false
  return (chunk) => {
    const parts: Part[] = []
    for (let at = 0; at < chunk.length && !ended;) {
      if (content > 0) {
        const bytes = chunk.subarray(at, at + content)
        parts.push({ kind: 'bytes', bytes })
        content -= bytes.length
        at += bytes.length
      } else if (padding > 0) {
        const skipped = Math.min(padding, chunk.length - at)
        padding -= skipped
        at += skipped
      } else {
        const piece = chunk.subarray(at, at + BLOCK_BYTES - filled)
        header.set(piece, filled)
        filled += piece.length
        at += piece.length
        if (filled < BLOCK_BYTES) break
        filled = 0
        const entry = readHeader(header, grammar)
        if (entry === null) {
          ended = true
          parts.push({ kind: 'end' })
        } else {
          content = entry.bytes
          padding = paddingOf(entry.bytes)
          parts.push({ kind: 'entry', entry })
        }
      }
    }
    return parts
  }
}
