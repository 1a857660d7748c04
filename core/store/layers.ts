/** What is known of layers besides their bytes: which are on which host, which are about to be used, which may go. */
import type { AppId, HostId, LayerDigest } from '../domain/ids.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

/** Written by the host's agent only. @param layers digest → bytes on its disk */
export async function reportLayers(store: Store, host: HostId, layers: Record<LayerDigest, number>): Promise<void> {
  await store.set(keys.hostLayers(host), pack(layers))
}

/** digest → bytes */
export async function loadHostLayers(store: Store, host: HostId): Promise<Partial<Record<LayerDigest, number>>> {
  return unpack<Record<LayerDigest, number>>(await store.get(keys.hostLayers(host))) ?? {}
}

/** @returns false while it is being deleted: ask again */
export const wantLayer = async (store: Store, digest: LayerDigest, now: number): Promise<boolean> =>
  (await store.wantLayer(keys.condemnedLayers, keys.wantedLayers, digest, now)) === 1

/** What was asked for since then; older wishes are forgotten. */
export async function loadWanted(store: Store, since: number): Promise<Set<LayerDigest>> {
  const found = Object.entries(await store.hgetall(keys.wantedLayers))
  const lapsed = found.filter(([, at]) => Number(at) < since).map(([digest]) => digest)
  if (lapsed.length > 0) await store.hdel(keys.wantedLayers, ...lapsed)
  return new Set(found.filter(([, at]) => Number(at) >= since).map(([digest]) => digest as LayerDigest))
}

/** Layers that nothing needs. */
export async function loadCondemned(store: Store): Promise<Set<LayerDigest>> {
  return new Set((await store.hkeys(keys.condemnedLayers)) as LayerDigest[])
}

/** A layer that was condemned before keeps its time. */
export async function condemn(store: Store, digest: LayerDigest, now: number): Promise<void> {
  await store.hsetnx(keys.condemnedLayers, digest, String(now))
}

/** For one that is needed again, or has been deleted. */
export async function forgetCondemned(store: Store, digest: LayerDigest): Promise<void> {
  await store.hdel(keys.condemnedLayers, digest)
}

/**
 * @param before it must have been condemned by then
 * @param wantedBefore nobody may have wanted it since
 * @returns whether the caller has it, to delete it and then to forget it
 */
export const takeLayer = async (
  store: Store,
  digest: LayerDigest,
  { before, wantedBefore }: { before: number; wantedBefore: number },
): Promise<boolean> =>
  (await store.takeLayer(keys.condemnedLayers, keys.wantedLayers, digest, before, wantedBefore)) === 1

/** The releases of an app whose code is gone, or about to go. */
export async function loadCollected(store: Store, app: AppId): Promise<Set<number>> {
  return new Set((await store.smembers(keys.collectedReleases(app))).map(Number))
}

export async function saveCollected(store: Store, app: AppId, versions: Iterable<number>): Promise<void> {
  const key = keys.collectedReleases(app)
  const now = [...versions]
  const change = store.multi().del(key)
  if (now.length > 0) change.sadd(key, ...now)
  await change.exec()
}
