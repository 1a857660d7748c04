/** What those who follow the platform live are shown, read again and again. */
import type { App } from '../domain/app.ts'
import type { Host, HostDisk, HostReport } from '../domain/host.ts'
import type { AppId, DeployId, HostId, InstanceId, TenantId } from '../domain/ids.ts'
import type { Instance } from '../domain/instance.ts'
import type { Tenant } from '../domain/quota.ts'
import { isOver, type Deploy } from '../domain/release.ts'
import { toApp } from './apps.ts'
import { unpack, type Store } from './connection.ts'
import { toDeploy } from './deploys.ts'
import { readEventFeed, type FedEvent } from './events.ts'
import { createInstanceReader } from './instance-reader.ts'
import { keys } from './keys.ts'
import { createReader } from './reader.ts'
import { toTenant } from './tenants.ts'

/** Each is the same object as at the reading before, unless its record changed. */
export type LiveReader = {
  /** Without config, domains and settings, which nobody is shown. */
  apps: () => Promise<Map<AppId, App>>
  /** As far as it is known whether they are suspended. */
  tenants: () => Promise<Map<TenantId, Tenant>>
  instances: () => Promise<Map<InstanceId, Instance>>
  hosts: () => Promise<Map<HostId, Host>>
  /** Those that are not over, and those that were made in the last hours. */
  deploys: () => Promise<Map<DeployId, Deploy>>
  /** What happened since the reading before; the first time all that is kept. */
  events: () => Promise<FedEvent[]>
}

type Registered = { report: HostReport; cordoned: boolean; disk: HostDisk | null }

export function createLiveReader(store: Store): LiveReader {
  const apps = createReader<AppId, App>(store, {
    key: keys.app,
    fields: ['record', 'formation', 'current', 'rollout', 'paused', 'build'],
    parse: toApp,
  })
  const instances = createInstanceReader(store)
  const tenants = createReader<TenantId, Tenant>(store, {
    key: keys.tenant,
    fields: ['record', 'suspended', 'budget'],
    parse: (fields) => toTenant((unpack<Tenant>(fields['record'])?.id ?? '') as TenantId, fields),
  })
  const deploys = createReader<DeployId, Deploy>(store, {
    key: keys.deploy,
    fields: ['record'],
    parse: ({ record }) => toDeploy(record),
    isFinal: isOver,
  })
  const hosts = createReader<HostId, Registered>(store, {
    key: keys.host,
    fields: ['report', 'cordoned', 'disk'],
    parse(fields) {
      const report = unpack<HostReport>(fields['report'])
      if (!report) return null
      const cordoned = unpack<boolean>(fields['cordoned']) ?? false
      return { report, cordoned, disk: unpack<HostDisk>(fields['disk']) }
    },
  })
  let shown = new Map<HostId, { from: Registered; host: Host }>()
  let after: string | null = null

  async function withLeases(registered: Map<HostId, Registered>): Promise<Map<HostId, Host>> {
    const pipeline = store.pipeline()
    for (const id of registered.keys()) pipeline.exists(keys.hostLease(id))
    const leases = registered.size === 0 ? [] : ((await pipeline.exec()) ?? [])
    const next: typeof shown = new Map()
    for (const [index, [id, from]] of [...registered].entries()) {
      const live = leases[index]?.[1] === 1
      const before = shown.get(id)
      const isSame = before?.from === from && before.host.live === live
      const { report, ...rest } = from
      next.set(id, isSame ? before : { from, host: { ...report, stacks: report.stacks ?? [], live, ...rest } })
    }
    shown = next
    return new Map([...shown].map(([id, { host }]) => [id, host]))
  }

  return {
    apps: async () => apps.read((await store.hvals(keys.appNames)) as AppId[]),
    tenants: async () => tenants.read((await store.smembers(keys.tenants)) as TenantId[]),
    instances: async () => instances.read((await store.smembers(keys.instances)) as InstanceId[]),
    hosts: async () => withLeases(await hosts.read((await store.smembers(keys.hosts)).sort() as HostId[])),
    async deploys() {
      const [open, recent] = await Promise.all([
        store.smembers(keys.openDeploys),
        store.zrange(keys.recentDeploys, '0', '-1'),
      ])
      return deploys.read([...new Set([...recent, ...open])] as DeployId[])
    },
    async events() {
      const { events, next } = await readEventFeed(store, after)
      after = next
      return events
    },
  }
}
