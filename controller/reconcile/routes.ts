/** Derives the route table from desired and reported state. */
import type { App } from '#core/domain/app.ts'
import type { InstanceId, TenantId } from '#core/domain/ids.ts'
import type { Instance } from '#core/domain/instance.ts'
import { WEB } from '#core/domain/release.ts'
import { trafficOf, type TrafficQuota } from '#core/domain/quota.ts'
import {
  defaultRouteSettings,
  type AppHealth,
  type AppRoute,
  type Endpoint,
  type RouteTable,
} from '#core/domain/route.ts'
import { haltOf, isLive, planOfTenant, type World } from './world.ts'

/**
 * The table that should be stored.
 * @param leaving instances that are being unrouted right now
 * @returns null when the stored one says the same
 */
export function nextTable(world: World, domain: string, leaving: ReadonlySet<InstanceId>): RouteTable | null {
  const before = new Map(world.table?.apps.map(({ appId, endpoints }) => [appId, endpoints]))
  const apps = world.apps
    .map((app) => routeOf(world, app, domain, leaving, before.get(app.id) ?? []))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const tenants = Object.fromEntries(
    world.tenants
      .map((tenant): [TenantId, TrafficQuota] => [tenant.id, trafficOf(tenant, planOfTenant(world, tenant.id))])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  const stored = world.table
  const newest = Math.max(stored?.version ?? 0, ...world.routers.map(({ tableVersion }) => tableVersion))
  // A router with a newer table than the stored one kept it while the store was set back: its content is unknown here.
  const current = stored !== null && stored.version === newest
  if (current && same({ apps, tenants }, { apps: stored.apps, tenants: stored.tenants })) return null
  return { version: newest + 1, apps, tenants }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

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
    addresses: [{ host: `${name}.${domain}`, path: '/' }],
    settings: { ...defaultRouteSettings, quota: app.quota },
    health: halt ?? healthOf(app, web, endpoints),
    endpoints,
  }
}

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
