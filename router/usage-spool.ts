/**
 * What was used while Redis was away, in a file: a router that is killed then is no loss, since the next one on this machine
 * delivers it. Counters are cumulative, so it does not matter if both do.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import { fromLedger, toLedger } from '#core/domain/usage.ts'
import type { Log } from '#core/runtime/log.ts'
import type { UsageSample } from '#core/store/usage.ts'

export type UsageSpool = {
  /** In place of what was kept before. */
  keep(samples: UsageSample[]): void
  clear(): void
  /** Delivers what routers that are gone have left behind. @throws what `deliver` throws; it is kept then */
  adopt(deliver: (samples: UsageSample[]) => Promise<void>): Promise<void>
}

/** @param router its id, which no other router has or had */
export function openUsageSpool(folder: string, router: string, log: Log): UsageSpool {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // With the process that writes it, so that its neighbours on this machine leave it alone while it lives.
  const own = `${process.pid}-${router}.json`
  let kept = false
  let failed = false
  return {
    keep(samples) {
      const file = join(folder, own)
      try {
        writeFileSync(`${file}.new`, JSON.stringify(samples.map(toRow)), { mode: 0o600 })
        renameSync(`${file}.new`, file)
        kept = true
      } catch (error) {
        // Requests are served even where the disk is full.
        if (!failed) log.warn('usage cannot be kept on disk; a kill would lose it', { cause: messageOf(error) })
        failed = true
      }
    },
    clear() {
      if (kept) rmSync(join(folder, own), { force: true })
      kept = false
    },
    async adopt(deliver) {
      for (const name of readdirSync(folder)) {
        if (!name.endsWith('.json') || isAlive(parseInt(name))) continue
        const file = join(folder, name)
        const samples = read(file)
        if (samples) await deliver(samples)
        else log.warn('usage on disk cannot be read', { file })
        rmSync(file, { force: true })
      }
    },
  }
}

type Row = [subject: string, tenant: UsageSample['tenantId'], app: UsageSample['appId'], at: number, usage: string]

const toRow = ({ subject, tenantId, appId, at, usage }: UsageSample): Row => [
  subject,
  tenantId,
  appId,
  at,
  toLedger(usage),
]

function read(file: string): UsageSample[] | null {
  try {
    const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[]
    // Not the last one: the router may live, and its later samples must count.
    return rows.map(([subject, tenantId, appId, at, usage]) => ({
      subject,
      tenantId,
      appId,
      at,
      usage: fromLedger(usage),
      ended: false,
    }))
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
