/** Drains, and how far each has come. */
import { newDrainState, type Drain, type DrainId, type DrainState } from '../domain/drain.ts'
import type { AppId } from '../domain/ids.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

export async function addDrain(store: Store, drain: Drain): Promise<void> {
  await store.hset(keys.drains, drain.id, pack(drain))
}

/** The oldest first. */
export async function loadDrains(store: Store): Promise<Drain[]> {
  const found = Object.values(await store.hgetall(keys.drains)).map((text) => unpack<Drain>(text))
  return found.filter((drain) => drain !== null).sort((a, b) => a.createdAt - b.createdAt)
}

/** @returns whether it was there */
export async function removeDrain(store: Store, id: DrainId): Promise<boolean> {
  const removed = await store.hdel(keys.drains, id)
  await store.del(keys.drainState(id), keys.drainPositions(id))
  return removed === 1
}

export async function loadDrainState(store: Store, id: DrainId): Promise<DrainState> {
  return { ...newDrainState, ...unpack<DrainState>(await store.get(keys.drainState(id))) }
}

/** The line of each app that was sent last. */
export async function loadDrainPositions(store: Store, id: DrainId): Promise<Map<AppId, string>> {
  return new Map(Object.entries(await store.hgetall(keys.drainPositions(id)))) as Map<AppId, string>
}

/** What was sent and how it stands, at once; nothing for a drain that is gone. */
export async function saveDrainProgress(
  store: Store,
  id: DrainId,
  state: DrainState,
  positions: [AppId, string][],
): Promise<void> {
  if ((await store.hexists(keys.drains, id)) === 0) return
  const change = store.multi().set(keys.drainState(id), pack(state))
  for (const [app, position] of positions) change.hset(keys.drainPositions(id), app, position)
  await change.exec()
}

export async function forgetDrainPositions(store: Store, id: DrainId, apps: AppId[]): Promise<void> {
  if (apps.length > 0) await store.hdel(keys.drainPositions(id), ...apps)
}
