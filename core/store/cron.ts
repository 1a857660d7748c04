/** The clocks of apps' jobs: how far each is, and which are paused. */
import type { CronPause, CronStanding } from '../domain/cron.ts'
import type { AppId } from '../domain/ids.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

export type Clocks = {
  /** By the jobs' names. */
  standings: ReadonlyMap<string, CronStanding>
  pauses: ReadonlyMap<string, CronPause>
}

const clockOf = (job: string): string => `job:${job}`
const pauseOf = (job: string): string => `pause:${job}`

export async function loadClocks(store: Store, app: AppId): Promise<Clocks> {
  const fields = Object.entries(await store.hgetall(keys.cron(app)))
  const those = <T>(prefix: string) =>
    new Map(
      fields.flatMap(([field, text]) => {
        const value = field.startsWith(prefix) ? unpack<T>(text) : null
        return value === null ? [] : [[field.slice(prefix.length), value] as const]
      }),
    )
  return { standings: those<CronStanding>(clockOf('')), pauses: those<CronPause>(pauseOf('')) }
}

/** @param read what the change was decided on. @returns false when the app is gone or another controller was faster */
export async function advanceClock(
  store: Store,
  app: AppId,
  job: string,
  read: CronStanding | null,
  next: CronStanding,
): Promise<boolean> {
  const before = read ? pack(read) : ''
  return (await store.advanceCron(keys.app(app), keys.cron(app), clockOf(job), before, pack(next))) === 1
}

/** Of jobs that are no more. Should one of that name come again, its clock begins anew. */
export async function forgetClocks(store: Store, app: AppId, jobs: string[]): Promise<void> {
  if (jobs.length > 0) await store.hdel(keys.cron(app), ...jobs.map(clockOf))
}

/** @param pause null: it runs again */
export async function setCronPause(store: Store, app: AppId, job: string, pause: CronPause | null): Promise<void> {
  if (pause === null) await store.hdel(keys.cron(app), pauseOf(job))
  else await store.hset(keys.cron(app), pauseOf(job), pack(pause))
}
