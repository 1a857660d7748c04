/**
 * One file of a sandbox's output, as conmon writes it: read row by row, each line with its place, so that whoever stores
 * lines can tell which are stored already.
 */
import { open, stat, type FileHandle } from 'node:fs/promises'
import { rowReader, type OutputLine } from './output.ts'

/** A line, and the offset in its file behind its last byte. */
export type PlacedLine = OutputLine & { end: number }

export type OutputFile = {
  /** Its first row's time, to the nanosecond: no other file of one sandbox's begins with it. */
  name: string
  /** The kernel's (inode). */
  number: number
  position: number
  /** The furthest end that somebody saw. */
  seen: number
  /** Bytes that are there and not read yet. */
  behind(): Promise<number>
  /** Reads on, by a bounded amount. @returns null at the end of what is there */
  read(most: number): Promise<{ lines: PlacedLine[] } | null>
  /** Goes over so many bytes, on to the end of a row. @returns how many rows those were; of many, about how many */
  skip(bytes: number): Promise<Skipped>
  /** Whether conmon has begun the next one under its path. */
  isReplaced(): Promise<boolean>
  close(): Promise<void>
}
export type Skipped = { bytes: number; rows: number; isExact: boolean }

const NEWLINE = 0x0a
const CHUNK = 65_536
/** A row's time is 35 bytes long. */
const TIME_MAX = 64
/** What is skipped is counted up to here, and beyond it by how long these rows are: counting a flood must cost little. */
const COUNT_BYTES = 4 * CHUNK

/** @returns null while it is not there, or has no row */
export async function openOutputFile(path: string): Promise<OutputFile | null> {
  const handle = await open(path, 'r').catch(() => null)
  if (!handle) return null
  try {
    const name = await firstWord(handle)
    if (name !== null) return outputFile(path, handle, name, (await handle.stat()).ino)
  } catch {
    // It went while it was looked at.
  }
  await handle.close()
  return null
}

async function firstWord(handle: FileHandle): Promise<string | null> {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(TIME_MAX), 0, TIME_MAX, 0)
  return /^\S+(?= )/.exec(buffer.toString('latin1', 0, bytesRead))?.[0] ?? null
}

function outputFile(path: string, handle: FileHandle, name: string, number: number): OutputFile {
  let readRow = rowReader()
  /** Read already, but the end of its row was not there yet. */
  let rest: Buffer = Buffer.alloc(0)

  const readAt = async (position: number): Promise<Buffer> => {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, position)
    return buffer.subarray(0, bytesRead)
  }

  const file: OutputFile = {
    name,
    number,
    position: 0,
    seen: 0,
    async behind() {
      return Math.max(0, (await handle.stat()).size - file.position)
    },
    async read(most) {
      const chunk = (await readAt(file.position)).subarray(0, most)
      if (chunk.length === 0) return null
      const begin = file.position - rest.length
      const there = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      file.position += chunk.length
      const { lines, end } = linesIn(there, begin, readRow)
      rest = Buffer.from(there.subarray(end))
      return { lines }
    },
    async skip(bytes) {
      const from = file.position
      const counted = await countRows(readAt, from, bytes)
      readRow = rowReader()
      rest = Buffer.alloc(0)
      // The row in which the skipping ends goes as a whole: half of one is no row.
      const cut = await untilRow(readAt, from + bytes)
      file.position = from + bytes + cut
      const seen = Math.min(bytes, COUNT_BYTES)
      const rows = Math.round((counted * bytes) / Math.max(1, seen)) + (cut > 0 ? 1 : 0)
      return { bytes: bytes + cut, rows: Math.max(1, rows), isExact: seen === bytes }
    },
    async isReplaced() {
      const now = await stat(path).catch(() => null)
      return now !== null && now.ino !== number
    },
    close: () => handle.close(),
  }
  return file
}

function linesIn(
  rows: Buffer,
  begin: number,
  readRow: (row: string) => OutputLine | null,
): { lines: PlacedLine[]; end: number } {
  const lines: PlacedLine[] = []
  let at = 0
  for (let end = rows.indexOf(NEWLINE); end >= 0; end = rows.indexOf(NEWLINE, at)) {
    const line = readRow(rows.toString('utf8', at, end))
    at = end + 1
    if (line) lines.push({ ...line, end: begin + at })
  }
  return { lines, end: at }
}

type ReadAt = (position: number) => Promise<Buffer>

async function countRows(readAt: ReadAt, from: number, bytes: number): Promise<number> {
  const end = from + Math.min(bytes, COUNT_BYTES)
  let rows = 0
  for (let position = from; position < end;) {
    const chunk = await readAt(position)
    if (chunk.length === 0) break
    const part = chunk.subarray(0, end - position)
    for (let at = part.indexOf(NEWLINE); at >= 0; at = part.indexOf(NEWLINE, at + 1)) rows++
    position += chunk.length
  }
  return rows
}

/** @returns how many bytes further the next row begins */
async function untilRow(readAt: ReadAt, from: number): Promise<number> {
  const before = await readAt(from - 1)
  const end = before.indexOf(NEWLINE)
  // A row is never longer than conmon's buffer (8 KiB) and its head.
  return end < 0 ? Math.max(0, before.length - 1) : end
}
