/** The state as a whole: read from a Redis that nobody writes to, and written to one that nobody reads yet. */
import { Redis } from 'ioredis'
import { belongs } from '../domain/backup.ts'
import { redisOptions } from './connection.ts'
import { keys } from './keys.ts'

/** One key as Redis itself writes it (DUMP). @property ttl in ms; -1: it does not lapse */
export type DumpedKey = { key: string; ttl: number; dump: string }

/** @param url as in BERTH_REDIS_URL. @param db which of its databases, where the URL does not say */
export function connectCopy(url: string, db?: number): Redis {
  const redis = new Redis({
    ...redisOptions(url),
    ...(db === undefined ? {} : { db }),
    lazyConnect: true,
    maxRetriesPerRequest: 1,
    retryStrategy: (times) => (times > 20 ? null : 50 * times),
  })
  redis.on('error', () => {})
  return redis
}

export const databaseOf = (url: string): number => {
  const options = redisOptions(url)
  return 'db' in options ? (options.db ?? 0) : 0
}

const TOGETHER = 200

/** Every key that belongs into a backup. */
export async function* dumpAll(redis: Redis): AsyncGenerator<DumpedKey> {
  for await (const found of ours(redis)) {
    const wanted = found.filter(belongs)
    const pipeline = redis.pipeline()
    for (const key of wanted) pipeline.dumpBuffer(key).pttl(key)
    const answers = (await pipeline.exec()) ?? []
    for (const [index, key] of wanted.entries()) {
      const [dumpError, dump] = answers[2 * index] ?? []
      const [ttlError, ttl] = answers[2 * index + 1] ?? []
      const error = dumpError ?? ttlError
      if (error) throw error
      if (Buffer.isBuffer(dump)) yield { key, ttl: Number(ttl), dump: dump.toString('base64') }
    }
  }
}

/** May be done again: what is there is replaced. */
export async function restoreKeys(redis: Redis, dumped: DumpedKey[]): Promise<void> {
  const pipeline = redis.pipeline()
  for (const { key, ttl, dump } of dumped)
    pipeline.restore(key, Math.max(0, ttl), Buffer.from(dump, 'base64'), 'REPLACE')
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error
}

export async function holdsState(redis: Redis): Promise<boolean> {
  for await (const found of ours(redis)) if (found.some(belongs)) return true
  return false
}

/** All that is Berth's, also what is in no backup. */
export async function clearState(redis: Redis): Promise<void> {
  for await (const found of ours(redis)) if (found.length > 0) await redis.unlink(...found)
}

async function* ours(redis: Redis): AsyncGenerator<string[]> {
  for (const MATCH of ['berth:*', 'bull:*'])
    for await (const found of redis.scanStream({ match: MATCH, count: TOGETHER })) yield found as string[]
}

/** How long hosts let instances run on that the restored state does not know. */
const RESTORED_MS = 30 * 60_000

export async function markRestored(redis: Redis, backup: string): Promise<void> {
  await redis.set(keys.restored, backup, 'PX', RESTORED_MS)
}

/** Whether the state was put back a short while ago, so that it may not know what runs. */
export const isRestored = async (redis: Redis): Promise<boolean> => (await redis.exists(keys.restored)) === 1
