/**
 * What was counted while Redis was away, in a file: a router that is killed then is no loss, since the next one on this machine
 * delivers it. Counters are cumulative, so it does not matter if both do.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import type { InstanceId } from '#core/domain/ids.ts'
import { fromLedger, toLedger } from '#core/domain/usage.ts'
import type { Log } from '#core/runtime/log.ts'
import type { RequestCount } from '#core/store/answered.ts'
import type { UsageSample } from '#core/store/usage.ts'

export type Spool<Sample> = {
  /** In place of what was kept before. */
  keep(samples: Sample[]): void
  clear(): void
  /** Delivers what routers that are gone have left behind. @throws what `deliver` throws; it is kept then */
  adopt(deliver: (samples: Sample[]) => Promise<void>): Promise<void>
}

/** How samples of a kind lie in a file, whose name ends with the suffix. */
export type Rows<Sample, Row> = { suffix: string; toRow: (sample: Sample) => Row; fromRow: (row: Row) => Sample }

/** @param router its id, which no other router has or had */
export function openSpool<Sample, Row>(
  folder: string,
  router: string,
  { suffix, toRow, fromRow }: Rows<Sample, Row>,
  log: Log,
): Spool<Sample> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // With the process that writes it, so that its neighbours on this machine leave it alone while it lives.
  const own = `${process.pid}-${router}${suffix}`
  let kept = false
  let failed = false

  function read(file: string): Sample[] | null {
    try {
      return (JSON.parse(readFileSync(file, 'utf8')) as Row[]).map(fromRow)
    } catch {
      return null
    }
  }

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
        if (!name.endsWith(suffix) || isAlive(parseInt(name))) continue
        const file = join(folder, name)
        const samples = read(file)
        if (samples) await deliver(samples)
        else log.warn('usage on disk cannot be read', { file })
        rmSync(file, { force: true })
      }
    },
  }
}

type UsageRow = [subject: string, tenant: UsageSample['tenantId'], app: UsageSample['appId'], at: number, usage: string]

export const usageRows: Rows<UsageSample, UsageRow> = {
  suffix: '.json',
  toRow: ({ subject, tenantId, appId, at, usage }) => [subject, tenantId, appId, at, toLedger(usage)],
  // Not the last one: the router may live, and its later samples must count.
  fromRow: ([subject, tenantId, appId, at, usage]) => ({
    subject,
    tenantId,
    appId,
    at,
    usage: fromLedger(usage),
    ended: false,
  }),
}

export const requestRows: Rows<RequestCount, [router: string, instance: InstanceId, count: number]> = {
  suffix: '.requests',
  toRow: ({ router, instance, count }) => [router, instance, count],
  fromRow: ([router, instance, count]) => ({ router, instance, count }),
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
