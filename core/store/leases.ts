import type { Store } from './connection.ts'
import { keys } from './keys.ts'

/** Takes or renews a lease. @returns true while `owner` has it */
export async function holdLease(store: Store, name: string, owner: string, ttlMs: number): Promise<boolean> {
  return (await store.holdLease(keys.lease(name), owner, ttlMs)) === 1
}

export async function releaseLease(store: Store, name: string, owner: string): Promise<void> {
  if ((await store.get(keys.lease(name))) === owner) await store.del(keys.lease(name))
}

/** Whether anybody has it. */
export const isHeld = async (store: Store, name: string): Promise<boolean> =>
  (await store.exists(keys.lease(name))) === 1
