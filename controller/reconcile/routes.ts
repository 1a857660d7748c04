/** Derives the route table from desired and reported state, as what changes in it. */
import type { App } from '#core/domain/app.ts'
import type { Domain } from '#core/domain/domain.ts'
import type { InstanceId, TenantId } from '#core/domain/ids.ts'
import type { Instance } from '#core/domain/instance.ts'
import { WEB } from '#core/domain/release.ts'
import { trafficOf } from '#core/domain/quota.ts'
import type { Address, AppHealth, AppRoute, Endpoint, RouteChange } from '#core/domain/route.ts'
import { haltOf, isLive, planOfTenant, type World } from './world.ts'

/**
 * What has to change in the stored table.
 * @param leaving instances that are being unrouted right now
 * @returns null when nothing has
 */
export function nextTable(world: World, domain: string, leaving: ReadonlySet<InstanceId>): RouteChange | null {
  const { table } = world
  const before = new Map(table?.apps.map((route) => [route.appId, route]))
  const routes = world.apps.map((app) => routeOf(world, app, domain, leaving, before.get(app.id)?.endpoints ?? []))
  const ids = new Set(routes.map(({ appId }) => appId))
  const changed = routes.filter((route) => !isSame(route, before.get(route.appId)))
  const removed = [...before.keys()].filter((id) => !ids.has(id))
  const tenants = changedQuotas(world)

  const newest = Math.max(table?.version ?? 0, ...world.routers.map(({ tableVersion }) => tableVersion))
  // A router with a newer table than the stored one kept it while the store was set back: its content is unknown here.
  const isNewest = table !== null && table.version === newest
  if (isNewest && changed.length + removed.length + Object.keys(tenants).length === 0) return null
  return { from: table?.mark ?? '', version: newest + 1, changed, removed, tenants }
}

/** Those that are not as the stored table has them; null for tenants that are gone. */
function changedQuotas(world: World): RouteChange['tenants'] {
  const before = new Map(Object.entries(world.table?.tenants ?? {}))
  const changed: RouteChange['tenants'] = {}
  for (const tenant of world.tenants) {
    const { id } = tenant
    const quota = trafficOf(tenant, planOfTenant(world, id))
    if (!isSame(quota, before.get(id))) changed[id] = quota
    before.delete(id)
  }
  for (const id of before.keys()) changed[id as TenantId] = null
  return changed
}

/** Of plain data, whatever the order of its keys. Each look asks this of every app, so it makes no text of them. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame(a[key as never], b[key as never]))
  )
}

function routeOf(
  world: World,
  app: App,
  domain: string,
  leaving: ReadonlySet<InstanceId>,
  stored: Endpoint[],
): AppRoute {
  const web = (world.byApp.get(app.id) ?? []).filter(({ desired }) => desired.processType === WEB)
  const halt = haltOf(world, app)
  const known = new Map(stored.map((endpoint) => [endpoint.instanceId, endpoint]))
  const endpoints = web
    .filter((instance) => halt === null && isLive(world, instance) && !leaving.has(instance.desired.id))
    .map((instance) => toEndpoint(instance, known.get(instance.desired.id)))
    .filter((endpoint) => endpoint !== null)
    .sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1))
  const { id: appId, name, tenantId } = app
  return {
    appId,
    name,
    tenantId,
    addresses: [{ host: `${name}.${domain}`, path: '/' }, ...app.domains.filter(isVerified).map(toAddress)],
    settings: { ...app.routing, quota: app.quota },
    health: halt ?? healthOf(app, web, endpoints),
    endpoints,
  }
}

const isVerified = ({ state }: Domain): boolean => state === 'verified'
const toAddress = ({ host, path }: Domain): Address => ({ host, path })

/**
 * The epoch is the one that the agent answered first from this address: an instance whose limits are changed while it
 * runs stays the same endpoint, and the routers keep their connections to it.
 */
function toEndpoint({ desired, reported }: Instance, known: Endpoint | undefined): Endpoint | null {
  if (reported?.state !== 'running' || reported.address === null) return null
  if (desired.paused || reported.applied?.paused) return null
  const { host, port } = reported.address
  if (known?.host === host && known.port === port) return known
  return { instanceId: desired.id, epoch: reported.epoch, host, port }
}

function healthOf(app: App, web: Instance[], endpoints: Endpoint[]): AppHealth {
  if (endpoints.length > 0) return 'serving'
  if (app.target === null) return 'empty'
  if ((app.formation[WEB]?.count ?? 0) === 0) return 'stopped'
  const crashed = web.some(({ reported }) => reported?.state === 'failed' || (reported?.restarts ?? 0) > 0)
  const neverWorked = app.rollout?.state === 'failed' && app.current === null
  return crashed || neverWorked ? 'crashed' : 'starting'
}
