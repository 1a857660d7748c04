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
  const key = keys.hostInstance(host, id)
  const taken = (await store.reportInstance(key, keys.instance(id), host, pack(reported), reported.epoch)) === 1
  if (taken) await announce(store, 'changed')
  return taken
}

export async function reportStats(store: Store, host: HostId, stats: Map<InstanceId, InstanceStats>): Promise<void> {
  const together = batch(store)
  for (const [id, figures] of stats)
    together.reportStats(keys.hostInstance(host, id), keys.instance(id), host, pack(figures))
  await together.run()
}

export async function forgetInstance(store: Store, desired: Desired): Promise<boolean> {
  return (
    (await store.forgetInstance(
      keys.instance(desired.id),
      keys.instances,
      keys.hostInstances(desired.hostId),
      keys.hostInstance(desired.hostId, desired.id),
      keys.instanceRequests(desired.id),
      desired.id,
      desired.epoch,
    )) === 1
  )
}

export async function loadInstance(store: Store, id: InstanceId): Promise<Instance | null> {
  return (await loadAll(store, [id]))[0] ?? null
}

export const loadInstances = (store: Store): Promise<Instance[]> => loadSet(store, keys.instances)
export const loadAssigned = (store: Store, host: HostId): Promise<Instance[]> =>
  loadSet(store, keys.hostInstances(host))

const loadSet = async (store: Store, key: string): Promise<Instance[]> =>
  loadAll(store, (await store.smembers(key)) as InstanceId[])

/** What is wanted first: it names the host whose agent speaks of the instance. */
async function loadAll(store: Store, ids: InstanceId[]): Promise<Instance[]> {
  const wanted = (await hashes(store, ids.map(keys.instance))).flatMap((fields) => {
    const desired = toDesired(fields)
    return desired ? [{ desired, fields }] : []
  })
  const reports = await hashes(
    store,
    wanted.map(({ desired }) => keys.hostInstance(desired.hostId, desired.id)),
  )
  return wanted.map(({ desired, fields }, index) => toInstance(desired, { ...fields, ...reports[index] }))
}

async function hashes(store: Store, from: string[]): Promise<Fields[]> {
  if (from.length === 0) return []
  const pipeline = store.pipeline()
  for (const key of from) pipeline.hgetall(key)
  return ((await pipeline.exec()) ?? []).map(([error, fields]) => {
    if (error) throw error
    return fields as Fields
  })
}

type Fields = Partial<Record<string, string>>

const added = { ceilings: defaultCeilings, share: defaultShare, paused: false, stack: null, once: null }

export function toDesired(fields: Fields): Desired | null {
  const stored = unpack<Desired>(fields['desired'])
  // What an earlier version wrote lacks the newer fields.
  return stored && { ...added, ...stored }
}

/** @param report what the host's agent says; an earlier version wrote it beside what is desired */
export function toInstance(desired: Desired, report: Fields): Instance {
  return { desired, reported: unpack<Reported>(report['reported']), stats: unpack<InstanceStats>(report['stats']) }
}
