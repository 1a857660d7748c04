/** What was answered to calls that must not be done twice: sealed, for a day, and no more than so many of one caller. */
import type { Store } from './connection.ts'
import { keys } from './keys.ts'

/** The draft leaves it to the server; a day outlives any retry that is still meant. */
const KEEP_MS = 24 * 3600_000
const MOST_OF_CALLER = 1000

/**
 * @param caller and
 * @param slot hex digests
 * @returns what is there already; null: nothing was, and what is given is there now
 */
export async function beginOnce(
  store: Store,
  caller: string,
  slot: string,
  record: string,
  now: number,
): Promise<string | null> {
  const before = await store.set(keys.once(slot), record, 'PX', KEEP_MS, 'NX', 'GET')
  if (before !== null) return before
  await store.zadd(keys.onceOf(caller), now, slot)
  await store.pexpire(keys.onceOf(caller), KEEP_MS)
  await forgetOldest(store, caller, now)
  return null
}

/** Takes the place of what `beginOnce` has put there, if it still is. */
export async function changeOnce(store: Store, slot: string, record: string): Promise<void> {
  await store.set(keys.once(slot), record, 'KEEPTTL', 'XX')
}

export async function forgetOnce(store: Store, caller: string, slot: string): Promise<void> {
  await store.del(keys.once(slot))
  await store.zrem(keys.onceOf(caller), slot)
}

async function forgetOldest(store: Store, caller: string, now: number): Promise<void> {
  await store.zremrangebyscore(keys.onceOf(caller), '-inf', now - KEEP_MS)
  const surplus = (await store.zcard(keys.onceOf(caller))) - MOST_OF_CALLER
  if (surplus <= 0) return
  const popped = await store.zpopmin(keys.onceOf(caller), surplus)
  for (let index = 0; index < popped.length; index += 2) await store.del(keys.once(popped[index] ?? ''))
}
