/** Follows what sandboxes print and hands it on in batches, a bounded amount a second. */
import { watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { fullBucket, takeUpTo } from '#core/domain/bucket.ts'
import { describeDropped } from '#core/domain/log.ts'
import { sleep } from '#core/runtime/clock.ts'
import { openOutputFile, type OutputFile, type PlacedLine } from './output-file.ts'

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

/** How far output was read and stored: the file's name (see output-file.ts), and the offset in it. */
export type ReadSoFar = { file: string | null; offset: number }

export type Batch = {
  /** Of this file; with the end of each line, that is where the line was, for ever. */
  file: string
  lines: PlacedLine[]
  /** Lines that were dropped, of which one of these tells. */
  dropped: number
  /** This follower has been told to stop, and asks once more only. */
  isLast: boolean
}
/** Takes a batch in, or cannot now: then it is given the same again. @throws never */
export type TakeBatch = (batch: Batch) => Promise<'taken' | 'away'>

/** A file seldom grows without a notice; but one that did must not wait for ever. */
const LOOK_AT_LEAST_EVERY_MS = 30_000
/** How it went, and how long to the next look. */
type Look = 'quiet' | 'dropped' | 'away'
const FLOOD_GAP_MS = 1000
const GAP_MS: Record<Look, number> = {
  // A chatty app writes many times a second; a batch of lines costs the store as much as one line.
  quiet: 100,
  // After a flood: the next look, and the next word about it.
  dropped: FLOOD_GAP_MS,
  // Nobody takes batches now.
  away: 1000,
}
const BURST_SECONDS = 2
const KEEP_LAST = 5

/**
 * Follows one log file of conmon's from where an earlier follower left off. More than `kbPerSecond`, after a burst of two
 * seconds' worth, is dropped, and the number of lines is said in its place. A file that does not change costs nothing but
 * its notice. Who does not take a batch stops the reading, never the app: conmon goes on to its next file.
 */
export function followOutput(
  path: string,
  { from, kbPerSecond }: { from: ReadSoFar; kbPerSecond: number },
  take: TakeBatch,
): Follower {
  const stopping = new AbortController()
  const rate = { perSecond: kbPerSecond * 1024, burst: kbPerSecond * 1024 * BURST_SECONDS }
  const last: string[] = []
  let bucket = fullBucket(rate, performance.now())
  let file: OutputFile | null = null
  let before: ReadSoFar = from
  let seen = 0
  /** What could not be handed on yet. */
  let pending: Omit<Batch, 'isLast'> | null = null
  /** Files that conmon began meanwhile: number → bytes. */
  const begun = new Map<number, number>()

  /** Reads what is new, to the end of the file that conmon left and on into its next one. */
  async function readNew(): Promise<Look> {
    if (!(await handOn())) return noteFile()
    file ??= await openNext()
    if (!file) return 'quiet'
    const look = await readOn(file)
    if (look === 'away' || !(await file.isReplaced())) return look
    const end = await readOn(file)
    if (end === 'away') return end
    before = { file: file.name, offset: file.position }
    await file.close()
    file = await openNext()
    const next = file === null ? 'quiet' : await readOn(file)
    return [look, end].includes('dropped') && next === 'quiet' ? 'dropped' : next
  }

  /** An offset means something only in the file that it was noted for. */
  async function openNext(): Promise<OutputFile | null> {
    const opened = await openOutputFile(path)
    if (opened === null) return null
    if (opened.name === before.file) opened.seen = opened.position = before.offset
    begun.delete(opened.number)
    const lost = [...begun.values()].reduce((sum, bytes) => sum + bytes, 0)
    begun.clear()
    if (lost > 0)
      await say(opened, `More than ${lost} bytes of output dropped: they were printed while the log was away.`)
    return opened
  }

  /** The log is away: files that come and go before it is back are lost, and are told of. */
  async function noteFile(): Promise<Look> {
    const now = await stat(path).catch(() => null)
    if (now && now.ino !== file?.number) begun.set(now.ino, now.size)
    return 'away'
  }

  async function readOn(from: OutputFile): Promise<Look> {
    const behind = await from.behind()
    seen += Math.max(0, from.position + behind - from.seen)
    from.seen = Math.max(from.seen, from.position + behind)
    const { taken, bucket: left } = takeUpTo(bucket, rate, performance.now(), behind)
    bucket = left
    const tooMuch = behind - Math.floor(taken)
    if (tooMuch > 0 && !(await tellDropped(from, tooMuch))) return 'away'
    const end = from.position + Math.floor(taken)
    while (from.position < end) {
      const read = await from.read(end - from.position)
      if (!read) break
      last.push(...read.lines.map(({ line }) => line))
      last.splice(0, Math.max(0, last.length - KEEP_LAST))
      pending = { file: from.name, lines: read.lines, dropped: 0 }
      if (!(await handOn())) return 'away'
    }
    return tooMuch > 0 ? 'dropped' : 'quiet'
  }

  function tellDropped(from: OutputFile, tooMuch: number): Promise<boolean> {
    return from.skip(tooMuch).then(({ bytes, rows, isExact }) => {
      const why = `it printed more than ${kbPerSecond} KiB a second (${bytes} bytes).`
      return say(from, `${isExact ? '' : 'About '}${describeDropped(rows, why)}`, rows)
    })
  }

  function say({ name, position }: OutputFile, line: string, dropped = 0): Promise<boolean> {
    const notice = { at: new Date().toISOString(), source: 'platform' as const, line, end: position }
    pending = { file: name, lines: [notice], dropped }
    return handOn()
  }

  /** @returns false when it has to be tried again */
  async function handOn(): Promise<boolean> {
    if (pending && pending.lines.length > 0) {
      const isLast = stopping.signal.aborted
      if ((await take({ ...pending, isLast })) === 'away') return false
    }
    pending = null
    return true
  }

  async function hasGrown(): Promise<boolean> {
    const now = await stat(path).catch(() => null)
    return now !== null && now.size !== file?.position
  }

  async function follow(): Promise<void> {
    while (!stopping.signal.aborted) {
      const look = await inTurn(readNew).catch(() => 'quiet' as const)
      await sleep(GAP_MS[look], stopping.signal)
      if (look !== 'away') await changed(path, hasGrown, stopping.signal)
    }
    await inTurn(readNew).catch(() => 'quiet')
    await file?.close()
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
