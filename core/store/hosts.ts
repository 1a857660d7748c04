import type { Finding } from '../contract/doctor.ts'
import { HOST_LEASE_MS, type Host, type HostDisk, type HostReport } from '../domain/host.ts'
import type { HostId } from '../domain/ids.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

/**
 * Registers the host and renews its lease.
 * @param disk of the disk that its instances and slugs lie on; null: not known
 */
export async function heartbeat(store: Store, report: HostReport, disk: HostDisk | null = null): Promise<void> {
  await store
    .multi()
    .sadd(keys.hosts, report.id)
    .hset(keys.host(report.id), 'report', pack(report))
    .hset(keys.host(report.id), 'disk', pack(disk))
    .set(keys.hostLease(report.id), '1', 'PX', HOST_LEASE_MS)
    .exec()
}

/** In the order of `ids`. */
export async function loadHostDisks(store: Store, ids: HostId[]): Promise<(HostDisk | null)[]> {
  return Promise.all(ids.map(async (id) => unpack<HostDisk>(await store.hget(keys.host(id), 'disk'))))
}

export async function setCordoned(store: Store, id: HostId, cordoned: boolean): Promise<void> {
  await store.hset(keys.host(id), 'cordoned', pack(cordoned))
}

export async function loadHosts(store: Store): Promise<Host[]> {
  const ids = (await store.smembers(keys.hosts)) as HostId[]
  const hosts = await Promise.all(
    ids.map(async (id) => {
      const [fields, lease] = await Promise.all([store.hgetall(keys.host(id)), store.exists(keys.hostLease(id))])
      const report = unpack<HostReport>(fields['report'])
      // What an earlier version wrote lacks the newer field.
      return (
        report && {
          ...report,
          stacks: report.stacks ?? [],
          live: lease === 1,
          cordoned: unpack<boolean>(fields['cordoned']) ?? false,
          disk: unpack<HostDisk>(fields['disk']),
        }
      )
    }),
  )
  return hosts.filter((host) => host !== null).sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** @returns false while it lives */
export async function removeHost(store: Store, id: HostId): Promise<boolean> {
  const stored = [keys.host(id), keys.hostInstances(id), keys.hostBuilds(id), keys.hostLayers(id)]
  return (await store.removeHost(keys.hostLease(id), keys.hosts, ...stored, id)) === 1
}

/** What a host's doctor found when it last looked. Written by the host's agent only. */
export type StoredDiagnosis = { at: number; findings: Finding[] }

export async function saveDiagnosis(store: Store, id: HostId, diagnosis: StoredDiagnosis): Promise<void> {
  await store.hset(keys.host(id), 'diagnosis', pack(diagnosis))
}

export const loadDiagnosis = async (store: Store, id: HostId): Promise<StoredDiagnosis | null> =>
  unpack<StoredDiagnosis>(await store.hget(keys.host(id), 'diagnosis'))
