/**
 * Keeps the store small: the oldest entries of the audit log move to files, each with a stretch of the chain. They are written
 * and synced before the store lets go of them; a controller that is killed in between writes the same file again.
 */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { AuditEntry } from '#core/domain/audit.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import { auditLength, loadAuditHead, readAudit, trimAudit } from '#core/store/audit.ts'
import type { Store } from '#core/store/connection.ts'
import { syncFolder } from '../files.ts'

export type ArchiveContext = { store: Store; log: Log; home: string; now: () => number }

/** An entry takes some 600 bytes, so the store holds about 60 MB of them at most. */
export const usualBounds = { keep: 100_000, together: 10_000, keepFilesMs: 400 * 86_400_000 }
const EVERY_MS = 60_000
/** Whoever keeps the platform's log elsewhere has there what the chain is measured by. */
const SAY_HEAD_EVERY = 60

/** Until the signal; the reconciler's leader does it, so one controller at a time. */
export function keepArchiving(context: ArchiveContext, signal: AbortSignal): Promise<void> {
  let rounds = 0
  return repeat(
    EVERY_MS,
    async () => {
      await archive(context, usualBounds)
      if (rounds++ % SAY_HEAD_EVERY === 0)
        context.log.info('audit log stands', { ...(await loadAuditHead(context.store)) })
    },
    signal,
    (error) => context.log.warn('audit log not archived', { error }),
  )
}

/** One round. @returns how many entries moved */
export async function archive({ store, log, home, now }: ArchiveContext, bounds: typeof usualBounds): Promise<number> {
  const folder = join(home, 'audit')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  let moved = 0
  while ((await auditLength(store)) > bounds.keep) {
    const lines = await readAudit(store, 1, bounds.together)
    const [first, last] = [lines.at(0), lines.at(-1)].map((line) => (JSON.parse(line ?? '{"seq":0}') as AuditEntry).seq)
    if (!first || !last) break
    await write(folder, `${place(first)}-${place(last)}.jsonl`, lines)
    await trimAudit(store, lines)
    moved += lines.length
  }
  if (moved > 0) log.info('audit log archived', { entries: moved, folder })
  await removeOld(folder, now() - bounds.keepFilesMs)
  return moved
}

/** So that names sort like the chain. */
const place = (seq: number): string => String(seq).padStart(12, '0')

async function write(folder: string, name: string, lines: string[]): Promise<void> {
  const partial = join(folder, `${name}.part`)
  await rm(partial, { force: true })
  const text = Readable.from(lines.map((line) => `${line}\n`))
  await pipeline(text, createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true }))
  await rename(partial, join(folder, name))
  await syncFolder(folder)
}

async function removeOld(folder: string, before: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^\d{12}-\d{12}\.jsonl$/.test(name)) continue
    if ((await stat(join(folder, name))).mtimeMs < before) await rm(join(folder, name))
  }
}
