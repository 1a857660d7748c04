/** Follows what sandboxes print and hands it on in batches, a bounded amount a second. */
import { watch, type FSWatcher } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { MAX_LINE_BYTES } from '#core/store/logs.ts'
import { sleep } from '#core/runtime/clock.ts'

export type OutputLine = { at: string; line: string }
export type Follower = { stop(): Promise<void>; last(): string[] }

const BYTES_PER_SECOND = 256 * 1024
const LOOK_EVERY_MS = 1000
const MIN_GAP_MS = 100
const KEEP_LAST = 5
const NEWLINE = 0x0a

/**
 * Follows one log file of conmon's (`TIME STREAM F|P text` a line; P: the line goes on) from `offset` on.
 * What comes faster than 256 KiB a second is dropped, and the number of bytes dropped is said in its place.
 * @param onLines is awaited, so a slow store slows the reading, never the app
 */
export function followOutput(
  file: string,
  offset: number,
  onLines: (lines: OutputLine[], offset: number) => Promise<void>,
): Follower {
  const stopping = new AbortController()
  const last: string[] = []
  const assemble = lineAssembler()
  let position = offset
  /** Read already, but the end of its row was not there yet. */
  let rest: Buffer = Buffer.alloc(0)
  let inode: number | null = null

  async function readNew(): Promise<void> {
    const handle = await open(file, 'r').catch(() => null)
    if (!handle) return
    try {
      const { size, ino } = await handle.stat()
      // conmon starts a new file when the old one has reached its limit.
      if ((inode !== null && ino !== inode) || size < position) {
        position = 0
        rest = Buffer.alloc(0)
      }
      inode = ino
      await readUpTo(handle, size)
    } finally {
      await handle.close()
    }
  }

  async function readUpTo(handle: FileHandle, size: number): Promise<void> {
    const dropped = Math.max(0, size - position - BYTES_PER_SECOND)
    if (dropped > 0) {
      position += dropped
      rest = Buffer.alloc(0)
      await deliver([
        {
          at: new Date().toISOString(),
          line: `[berth] ${dropped} bytes of output dropped: more than ${BYTES_PER_SECOND} a second`,
        },
      ])
    }
    while (position < size) {
      const { bytesRead, buffer } = await handle.read(
        Buffer.alloc(Math.min(65_536, size - position)),
        0,
        null,
        position,
      )
      if (bytesRead === 0) return
      position += bytesRead
      const read = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
      const end = read.lastIndexOf(NEWLINE) + 1
      rest = read.subarray(end)
      await deliver(assemble(read.subarray(0, end).toString('utf8')))
    }
  }

  async function deliver(lines: OutputLine[]): Promise<void> {
    if (lines.length === 0) return
    last.push(...lines.map(({ line }) => line))
    last.splice(0, Math.max(0, last.length - KEEP_LAST))
    await onLines(lines, position - rest.length)
  }

  async function follow(): Promise<void> {
    let watcher: FSWatcher | null = null
    while (!stopping.signal.aborted) {
      await readNew().catch(() => undefined)
      const changed = new AbortController()
      const wake = () => changed.abort()
      stopping.signal.addEventListener('abort', wake, { once: true })
      watcher ??= watchFolder(dirname(file))
      const onChange = (_event: string, name: string | null) => {
        if (name === basename(file)) wake()
      }
      watcher?.on('change', onChange)
      await sleep(LOOK_EVERY_MS, changed.signal)
      watcher?.off('change', onChange)
      stopping.signal.removeEventListener('abort', wake)
      // A chatty app writes many times a second; a batch of lines costs the store as much as one line.
      await sleep(MIN_GAP_MS, stopping.signal)
    }
    watcher?.close()
    await readNew().catch(() => undefined)
  }

  const following = follow()
  return {
    async stop() {
      stopping.abort()
      await following
    },
    last: () => [...last],
  }
}

function watchFolder(folder: string): FSWatcher | null {
  try {
    const watcher = watch(folder)
    watcher.on('error', () => {})
    return watcher
  } catch {
    return null
  }
}

/** Turns chunks of conmon's file into whole lines of the app; what exceeds MAX_LINE_BYTES of a line is cut. */
export function lineAssembler(): (chunk: string) => OutputLine[] {
  let rest = ''
  let partial = ''
  return (chunk) => {
    const rows = (rest + chunk).split('\n')
    rest = rows.pop() ?? ''
    const lines: OutputLine[] = []
    for (const row of rows) {
      const match = /^(\S+) (?:stdout|stderr) ([FP]) (.*)$/.exec(row)
      if (!match) continue
      const [, at = '', kind, text = ''] = match
      if (partial.length < MAX_LINE_BYTES) partial += text
      if (kind === 'P') continue
      lines.push({ at, line: partial.length > MAX_LINE_BYTES ? `${partial.slice(0, MAX_LINE_BYTES)}…` : partial })
      partial = ''
    }
    return lines
  }
}
