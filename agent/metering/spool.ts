/**
 * Samples that wait for the store to come back, on disk, so that they survive a reboot as well: one line each, the oldest
 * first. A bound on its size bounds how finely time is told, never what is counted.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { fromLedger, toLedger } from '#core/domain/usage.ts'
import type { Log } from '#core/runtime/log.ts'
import { KEEP_METER_MS, type UsageSample } from '#core/store/usage.ts'
import { thin } from './samples.ts'

export type Spool = {
  append(samples: UsageSample[]): void
  isEmpty(): boolean
  bytes(): number
  /** Delivers what is kept, the oldest first, and lets go of what was taken. @throws what `deliver` throws */
  drain(deliver: (samples: UsageSample[]) => Promise<void>, now: number): Promise<void>
}

/** About 50,000 samples: 300 instances for two and a half hours by the minute. */
const MAX_BYTES = 8 * 1024 * 1024
const HOUR = 3600_000
const BATCH = 500
/** Well before the ledger forgets which part of a life it has counted. */
const KEEP_MS = KEEP_METER_MS - 5 * 24 * HOUR

export function openSpool(folder: string, log: Log, maxBytes = MAX_BYTES): Spool {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const waiting = join(folder, 'waiting')
  /** What is being delivered, so that what is added meanwhile is not lost with it. */
  const leaving = join(folder, 'leaving')

  function read(file: string): UsageSample[] {
    const lines = (readIfThere(file) ?? '').split('\n')
    const samples = lines.map(parseLine).filter((sample) => sample !== null)
    // A power cut can tear the last line, which then was never said to be kept.
    const torn = lines.filter((line) => line !== '').length - samples.length
    if (torn > 0) log.warn('samples in the spool cannot be read', { file, lines: torn })
    return samples
  }

  function shrink(): void {
    for (const ms of [HOUR, 24 * HOUR, KEEP_METER_MS]) {
      write(`${waiting}.new`, 'w', thin(read(waiting), ms))
      renameSync(`${waiting}.new`, waiting)
      if (sizeOf(waiting) <= maxBytes / 2) return
    }
  }

  return {
    append(samples) {
      if (samples.length === 0) return
      write(waiting, 'a', samples)
      if (sizeOf(waiting) > maxBytes) shrink()
    },
    isEmpty: () => sizeOf(waiting) + sizeOf(leaving) === 0,
    bytes: () => sizeOf(waiting) + sizeOf(leaving),
    async drain(deliver, now) {
      for (;;) {
        if (sizeOf(leaving) === 0) {
          if (sizeOf(waiting) === 0) return
          renameSync(waiting, leaving)
        }
        const samples = read(leaving).filter(({ at }) => now - at < KEEP_MS)
        for (let first = 0; first < samples.length; first += BATCH) await deliver(samples.slice(first, first + BATCH))
        rmSync(leaving, { force: true })
      }
    },
  }
}

/** Flushed to the disk: it happens once a minute and life at most, and only while the store is away. */
function write(file: string, flags: 'a' | 'w', samples: UsageSample[]): void {
  const descriptor = openSync(file, flags, 0o600)
  try {
    // A new line first: the last one may have been torn.
    writeSync(descriptor, `\n${samples.map(formatLine).join('')}`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

type Line = [
  subject: string,
  tenant: UsageSample['tenantId'],
  app: UsageSample['appId'],
  at: number,
  ended: 0 | 1,
  usage: string,
]

function formatLine({ subject, tenantId, appId, at, usage, ended }: UsageSample): string {
  const line: Line = [subject, tenantId, appId, at, ended ? 1 : 0, toLedger(usage)]
  return `${JSON.stringify(line)}\n`
}

function parseLine(text: string): UsageSample | null {
  try {
    const [subject, tenantId, appId, at, ended, usage] = JSON.parse(text) as Line
    return { subject, tenantId, appId, at, ended: ended === 1, usage: fromLedger(usage) }
  } catch {
    return null
  }
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

function readIfThere(file: string): string | null {
  return statSync(file, { throwIfNoEntry: false }) ? readFileSync(file, 'utf8') : null
}
