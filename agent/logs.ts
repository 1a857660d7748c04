/** Follows what sandboxes print and hands it on in batches, a bounded amount a second. */
import { watch } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { fullBucket, takeUpTo } from '#core/domain/bucket.ts'
import { sleep } from '#core/runtime/clock.ts'
import { lineAssembler, type OutputLine } from './output.ts'

export type Follower = {
  /** Reads what is left, and ends. */
  stop(): Promise<void>
  /** The last lines of the app's. */
  last(): string[]
  /**
   * Bytes printed since this follower began, with the time before each line, kept and dropped. Of a flood that fills
   * several files between two looks, those that were there at the looks.
   */
  bytes(): number
}

/** A file seldom grows without a notice; but one that did must not wait for ever. */
const LOOK_AT_LEAST_EVERY_MS = 30_000
/** A chatty app writes many times a second; a batch of lines costs the store as much as one line. */
const MIN_GAP_MS = 100
/** After a flood: the next look, and the next word about it. */
const FLOOD_GAP_MS = 1000
const BURST_SECONDS = 2
const KEEP_LAST = 5
const NEWLINE = 0x0a
const CHUNK = 65_536

/**
 * Follows one log file of conmon's from `offset` on. More than `kbPerSecond`, after a burst of two seconds' worth, is
 * dropped, and the number of bytes is said in its place. A file that does not change costs nothing but its notice.
 * @param onLines is awaited, so a slow store slows the reading, never the app
 */
export function followOutput(
  file: string,
  { offset, kbPerSecond }: { offset: number; kbPerSecond: number },
  onLines: (lines: OutputLine[], offset: number) => Promise<void>,
): Follower {
  const stopping = new AbortController()
  const rate = { perSecond: kbPerSecond * 1024, burst: kbPerSecond * 1024 * BURST_SECONDS }
  const last: string[] = []
  let bucket = fullBucket(rate, performance.now())
  let assemble = lineAssembler()
  let handle: FileHandle | null = null
  let position = offset
  let seen = 0
  /** Read already, but the end of its row was not there yet. */
  let rest: Buffer = Buffer.alloc(0)

  /** Reads what is new, to the end of the file that conmon left and on into its next one. @returns bytes dropped */
  async function readNew(): Promise<number> {
    handle ??= await open(file, 'r').catch(() => null)
    if (!handle) return 0
    // An offset from before a change of files means nothing in the new one.
    if ((await handle.stat()).size < position) begin()
    let dropped = await readOn(handle)
    if (!(await isReplaced(handle))) return dropped
    dropped += await readOn(handle)
    await handle.close()
    begin()
    handle = await open(file, 'r').catch(() => null)
    return handle ? dropped + (await readOn(handle)) : dropped
  }

  function begin(): void {
    position = 0
    rest = Buffer.alloc(0)
    assemble = lineAssembler()
  }

  /** conmon starts a new file, under the same name, when the old one has reached its limit. */
  async function isReplaced(old: FileHandle): Promise<boolean> {
    const now = await stat(file).catch(() => null)
    return now !== null && now.ino !== (await old.stat()).ino
  }

  async function readOn(from: FileHandle): Promise<number> {
    const { size } = await from.stat()
    const behind = Math.max(0, size - position)
    seen += behind
    const { taken, bucket: left } = takeUpTo(bucket, rate, performance.now(), behind)
    bucket = left
    const dropped = behind - Math.floor(taken)
    if (dropped > 0) {
      position += dropped
      rest = Buffer.alloc(0)
      assemble = lineAssembler()
      const line = `${dropped} bytes of output dropped: it printed more than ${kbPerSecond} KiB a second.`
      await deliver([{ at: new Date().toISOString(), source: 'platform', line }])
    }
    while (position < size) {
      const { bytesRead, buffer } = await from.read(
        Buffer.allocUnsafe(Math.min(CHUNK, size - position)),
        0,
        null,
        position,
      )
      if (bytesRead === 0) break
      position += bytesRead
      const read = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
      const end = read.lastIndexOf(NEWLINE) + 1
      rest = read.subarray(end)
      await deliver(assemble(read.subarray(0, end).toString('utf8')))
    }
    return dropped
  }

  async function deliver(lines: OutputLine[]): Promise<void> {
    if (lines.length === 0) return
    last.push(...lines.filter(({ source }) => source === 'app').map(({ line }) => line))
    last.splice(0, Math.max(0, last.length - KEEP_LAST))
    await onLines(lines, position - rest.length)
  }

  async function hasGrown(): Promise<boolean> {
    const now = await stat(file).catch(() => null)
    return now !== null && now.size !== position
  }

  async function follow(): Promise<void> {
    while (!stopping.signal.aborted) {
      const dropped = await inTurn(readNew).catch(() => 0)
      await sleep(dropped > 0 ? FLOOD_GAP_MS : MIN_GAP_MS, stopping.signal)
      await changed(file, hasGrown, stopping.signal)
    }
    await inTurn(readNew).catch(() => 0)
    await handle?.close()
  }

  const following = follow()
  return {
    async stop() {
      stopping.abort()
      await following
    },
    last: () => [...last],
    bytes: () => seen,
  }
}

/**
 * Waits until a file changes. The watch ends with the first notice, so that a flood costs no more than the looks at it.
 * @param already asked once the watch is there, for what changed before
 */
async function changed(file: string, already: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const wakeUp = new AbortController()
  const wake = () => wakeUp.abort()
  signal.addEventListener('abort', wake, { once: true })
  try {
    watch(dirname(file), { signal: wakeUp.signal }, (_event, name) => {
      if (name === basename(file)) wake()
    }).on('error', wake)
    if (!signal.aborted && !(await already())) await sleep(LOOK_AT_LEAST_EVERY_MS, wakeUp.signal)
  } catch {
    // Without a watch (the host is out of inotify watches, or the folder is gone) it looks now and then.
    await sleep(FLOOD_GAP_MS, signal)
  } finally {
    signal.removeEventListener('abort', wake)
    wake()
  }
}

/** So many files are read at a time, whatever number changes at once: after a restart, all do. */
const READERS = 8
let reading = 0
const waiting: (() => void)[] = []

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (reading >= READERS) await new Promise<void>((resolve) => waiting.push(resolve))
  else reading++
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else reading--
  }
}
