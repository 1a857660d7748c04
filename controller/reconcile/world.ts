/** What the reconciler sees: the snapshot of the store, read in the light of what it remembers. */
import type { App } from '#core/domain/app.ts'
import { HOST_LEASE_MS, type Host } from '#core/domain/host.ts'
import type { AppId, HostId, InstanceId, ProcessType, TenantId } from '#core/domain/ids.ts'
import type { Instance } from '#core/domain/instance.ts'
import { planOf, suspensionOf, type Plan, type PlanName, type Tenant } from '#core/domain/quota.ts'
import { WEB, type Target } from '#core/domain/release.ts'
import type { AppRoute, RouteChange, RouterReport, RouteTable, StoredTable } from '#core/domain/route.ts'
import type { Run } from '#core/domain/run.ts'

/** One look at the store. */
export type Snapshot = {
  apps: App[]
  /** The process types of each app's target and current release, keyed by `releaseKey`. */
  processes: ReadonlyMap<string, ProcessType[]>
  instances: Instance[]
  /** One-off runs that are not over. */
  runs: Run[]
  hosts: Host[]
  /** Those whose lease holds. */
  routers: RouterReport[]
  tenants: Tenant[]
  /** The stack that all apps should run on; null: each host's own. */
  stack: string | null
  plans: ReadonlyMap<PlanName, Plan>
  table: StoredTable | null
}

export const releaseKey = (app: AppId, version: number): string => `${app}/${version}`

/** What one look cannot show: since when things are as they are. Lost with the process, so nothing depends on its age. */
export type Memory = {
  /** When this memory began. */
  since: number
  /** When the last look was. */
  at: number
  /** Before this nothing is taken as acknowledged: after an outage the leases of living routers have lapsed too. */
  settlesAt: number
  /** When each host was last seen live, by this process's clock. */
  seenLive: ReadonlyMap<HostId, number>
  /** When each instance was first seen failed. */
  failedAt: ReadonlyMap<InstanceId, number>
  /** How far each rolling target got, and when it last got further. */
  progress: ReadonlyMap<AppId, Progress>
  routes: RouteMemory
}

export type Progress = { target: Target; reached: number; at: number }

export type RouteMemory = {
  /** The stored table that `changedIn` speaks of. */
  version: number
  /** The version at which this memory began: what is not in `changedIn` is as it was then. */
  base: number
  /** In which version an instance came into the table, left it, or changed in it. */
  changedIn: ReadonlyMap<InstanceId, number>
}

/** Three heartbeats of a router. */
export const SETTLE_MS = 3_000
/** Looks come every second. After a longer gap the clock was set, or this process was stopped: waits begin anew. */
const LONGEST_GAP_MS = 60_000

export const newMemory = (now: number): Memory => ({
  since: now,
  at: now,
  settlesAt: now + SETTLE_MS,
  seenLive: new Map(),
  failedAt: new Map(),
  progress: new Map(),
  routes: { version: 0, base: 0, changedIn: new Map() },
})

export type World = Snapshot & {
  now: number
  memory: Memory
  /** Hosts whose lease holds. Those that are neither live nor lost yet are in doubt: nothing is built on them, nothing torn down. */
  live: ReadonlySet<HostId>
  /** Hosts whose instances are to be replaced. */
  lost: ReadonlySet<HostId>
  byApp: ReadonlyMap<AppId, Instance[]>
  tenantById: ReadonlyMap<TenantId, Tenant>
  routed: ReadonlySet<InstanceId>
}

export function see(snapshot: Snapshot, before: Memory, now: number): World {
  const memory = remember(snapshot, before, now)
  return {
    ...snapshot,
    now,
    memory,
    live: new Set(snapshot.hosts.filter(({ live }) => live).map(({ id }) => id)),
    lost: lostHosts(snapshot, memory, now),
    byApp: groupByApp(snapshot.instances),
    tenantById: new Map(snapshot.tenants.map((tenant) => [tenant.id, tenant])),
    routed: new Set((snapshot.table?.apps ?? []).flatMap(({ endpoints }) => endpoints.map((e) => e.instanceId))),
  }
}

/** Why nothing of an app is started or replaced. `paused`: it stays where it is, frozen. `suspended`: all of it goes. */
export type Halt = 'paused' | 'suspended'

export function haltOf({ tenantById }: World, app: App): Halt | null {
  const tenant = tenantById.get(app.tenantId)
  if (tenant && suspensionOf(tenant) !== null) return 'suspended'
  return app.paused ? 'paused' : null
}

export const planOfTenant = ({ plans, tenantById }: World, id: TenantId): Plan =>
  planOf(plans, tenantById.get(id) ?? null)

/** Meant to run, not ended, and not on a lost host. */
export function isLive(world: World, { desired, reported }: Instance): boolean {
  return desired.intent === 'run' && !hasEnded(reported) && !world.lost.has(desired.hostId)
}

export const hasEnded = (reported: Instance['reported']): boolean =>
  reported?.state === 'stopped' || reported?.state === 'failed'

/** Surely does its work now: runs on a live host, and if it is a web instance, all routers know it. */
export function isAvailable(world: World, instance: Instance): boolean {
  if (!isLive(world, instance) || !world.live.has(instance.desired.hostId)) return false
  if (instance.reported?.state !== 'running') return false
  return instance.desired.processType !== WEB || isRouted(world, instance.desired.id)
}

/** All live routers serve from a table that has it. */
function isRouted(world: World, id: InstanceId): boolean {
  return world.routed.has(id) && isAcknowledged(world, id)
}

/** All live routers serve from a table without it, and nothing that they sent there is still under way. */
export function isUnrouted(world: World, id: InstanceId): boolean {
  return (
    !world.routed.has(id) &&
    isAcknowledged(world, id) &&
    world.routers.every(({ draining }) => (draining[id] ?? 0) === 0)
  )
}

function isAcknowledged({ memory, now, routers }: World, id: InstanceId): boolean {
  const version = memory.routes.changedIn.get(id) ?? memory.routes.base
  return now >= memory.settlesAt && routers.every(({ tableVersion }) => tableVersion >= version)
}

/** The memory after a change of the table was stored: in which version what became of which instance. */
export function rememberChange(memory: Memory, before: RouteTable | null, change: RouteChange): Memory {
  const touched = new Set([...change.changed.map(({ appId }) => appId), ...change.removed])
  const old = endpointsOf((before?.apps ?? []).filter(({ appId }) => touched.has(appId)))
  const fresh = endpointsOf(change.changed)
  const moved = [...new Set([...old.keys(), ...fresh.keys()])].filter((id) => old.get(id) !== fresh.get(id))
  const changedIn = new Map(memory.routes.changedIn)
  for (const id of moved) changedIn.set(id, change.version)
  return { ...memory, routes: { ...memory.routes, version: change.version, changedIn } }
}

const endpointsOf = (apps: AppRoute[]): Map<InstanceId, string> =>
  new Map(
    apps.flatMap(({ endpoints }) =>
      endpoints.map(({ instanceId, epoch, host, port }) => [instanceId, `${epoch} ${host} ${port}`] as const),
    ),
  )

function remember(snapshot: Snapshot, read: Memory, now: number): Memory {
  const before = now < read.at || now - read.at > LONGEST_GAP_MS ? newMemory(now) : read
  const seenLive = new Map(
    snapshot.hosts.map(({ id, live }) => [id, live ? now : (before.seenLive.get(id) ?? now)] as const),
  )
  const failedAt = new Map(
    snapshot.instances
      .filter(({ reported }) => reported?.state === 'failed')
      .map(({ desired: { id } }) => [id, before.failedAt.get(id) ?? now] as const),
  )
  return { ...before, at: now, seenLive, failedAt, routes: recallRoutes(snapshot, before.routes) }
}

/** A stored table that is not the one remembered (a new leader, a restored store): all of it counts as new. */
function recallRoutes({ table, instances }: Snapshot, routes: RouteMemory): RouteMemory {
  const version = table?.version ?? 0
  if (version !== routes.version) return { version, base: version, changedIn: new Map() }
  const known = new Set(instances.map(({ desired }) => desired.id))
  return { ...routes, changedIn: new Map([...routes.changedIn].filter(([id]) => known.has(id))) }
}

/** Above this share of lost hosts (of at least MANY), the fault is more likely in the store or the network than in them. */
const TOO_MANY = 0.55
const MANY = 4

/** Two looks: a lease that is renewed at this moment is not taken for a lapsed one. */
const LAPSED_MS = 2_000

/**
 * Hosts whose lease lapsed while this process was watching. After a restart of Redis or of the controller every lease looks
 * lapsed; until one's whole time has passed since then, that says nothing. When all hosts vanish at once, none is lost.
 */
function lostHosts({ hosts, instances }: Snapshot, { seenLive, since }: Memory, now: number): Set<HostId> {
  const used = new Set(
    instances.filter(({ desired }) => desired.intent !== 'stop').map(({ desired }) => desired.hostId),
  )
  const known = new Map(hosts.map((host) => [host.id, host]))
  // A host that went long ago and has nothing left on it says nothing about a fault now.
  const counted = [...new Set([...used, ...hosts.filter(({ live }) => live).map(({ id }) => id)])]
  const leasesTell = now - since > HOST_LEASE_MS
  const isLost = (id: HostId) => leasesTell && !known.get(id)?.live && now - (seenLive.get(id) ?? 0) > LAPSED_MS
  const lost = counted.filter(isLost).length
  if (lost === counted.length || (counted.length >= MANY && lost / counted.length > TOO_MANY)) return new Set()
  return new Set([...used, ...known.keys(), ...instances.map(({ desired }) => desired.hostId)].filter(isLost))
}

function groupByApp(instances: Instance[]): Map<AppId, Instance[]> {
  const byApp = new Map<AppId, Instance[]>()
  for (const instance of instances) {
    const { appId } = instance.desired
    const list = byApp.get(appId)
    if (list) list.push(instance)
    else byApp.set(appId, [instance])
  }
  return byApp
}
