import type { HostId, InstanceId } from '../domain/ids.ts'
import type { Desired, Instance, InstanceStats, Reported } from '../domain/instance.ts'
import { defaultShare } from '../domain/quota.ts'
import { defaultCeilings } from '../domain/resources.ts'
import { announce, batch, pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

/** @returns false when an instance of this id exists */
export async function assignInstance(store: Store, desired: Desired): Promise<boolean> {
  return (
    (await store.assignInstance(
      keys.instance(desired.id),
      keys.instances,
      keys.hostInstances(desired.hostId),
      desired.id,
      pack(desired),
    )) === 1
  )
}

/** @param read the desired state that the change was decided on. @returns false when it moved on meanwhile */
export async function changeDesired(store: Store, read: Desired, next: Omit<Desired, 'epoch'>): Promise<boolean> {
  return (await store.changeDesired(keys.instance(read.id), read.epoch, pack({ ...next, epoch: read.epoch + 1 }))) === 1
}

/** @returns false when the instance is gone, is another host's, or answered a newer epoch */
export async function reportInstance(store: Store, host: HostId, id: InstanceId, reported: Reported): Promise<boolean> {
  const taken = (await store.reportInstance(keys.instance(id), host, pack(reported), reported.epoch)) === 1
  if (taken) await announce(store, 'changed')
  return taken
}

export async function reportStats(store: Store, stats: Map<InstanceId, InstanceStats>): Promise<void> {
  const together = batch(store)
  for (const [id, figures] of stats) together.reportStats(keys.instance(id), pack(figures))
  await together.run()
}

export async function forgetInstance(store: Store, desired: Desired): Promise<boolean> {
  return (
    (await store.forgetInstance(
      keys.instance(desired.id),
      keys.instances,
      keys.hostInstances(desired.hostId),
      desired.id,
      desired.epoch,
    )) === 1
  )
}

export async function loadInstance(store: Store, id: InstanceId): Promise<Instance | null> {
  return toInstance(await store.hgetall(keys.instance(id)))
}

export const loadInstances = (store: Store): Promise<Instance[]> => loadSet(store, keys.instances)
export const loadAssigned = (store: Store, host: HostId): Promise<Instance[]> =>
  loadSet(store, keys.hostInstances(host))

async function loadSet(store: Store, key: string): Promise<Instance[]> {
  const ids = await store.smembers(key)
  if (ids.length === 0) return []
  const pipeline = store.pipeline()
  for (const id of ids) pipeline.hgetall(keys.instance(id as InstanceId))
  const rows = (await pipeline.exec()) ?? []
  return rows
    .map(([error, fields]) => {
      if (error) throw error
      return toInstance(fields as Record<string, string>)
    })
    .filter((instance) => instance !== null)
}

const added = { ceilings: defaultCeilings, share: defaultShare, paused: false, stack: null, once: null }

export function toInstance(fields: Partial<Record<string, string>>): Instance | null {
  const stored = unpack<Desired>(fields['desired'])
  return (
    stored && {
      // What an earlier version wrote lacks the newer fields.
      desired: { ...added, ...stored },
      reported: unpack<Reported>(fields['reported']),
      stats: unpack<InstanceStats>(fields['stats']),
    }
  )
}
