/** Derives the route table from desired and reported state. */
import type { App } from '#core/domain/app.ts'
import type { InstanceId } from '#core/domain/ids.ts'
import type { Instance } from '#core/domain/instance.ts'
import { defaultRequestRate } from '#core/domain/quota.ts'
import { WEB } from '#core/domain/release.ts'
import type { AppHealth, AppRoute, Endpoint, RouteTable } from '#core/domain/route.ts'
import { isLive, type World } from './world.ts'

/**
 * The table that should be stored.
 * @param leaving instances that are being unrouted right now
 * @returns null when the stored one says the same
 */
export function nextTable(world: World, domain: string, leaving: ReadonlySet<InstanceId>): RouteTable | null {
  const apps = world.apps.map((app) => routeOf(world, app, domain, leaving)).sort((a, b) => (a.name < b.name ? -1 : 1))
  const rates = Object.fromEntries(
    world.tenants
      .map(({ id, requestRate }) => [id, requestRate ?? defaultRequestRate] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  const stored = world.table
  const newest = Math.max(stored?.version ?? 0, ...world.routers.map(({ tableVersion }) => tableVersion))
  // A router with a newer table than the stored one kept it while the store was set back: its content is unknown here.
  const current = stored !== null && stored.version === newest
  if (current && same({ apps, rates }, { apps: stored.apps, rates: stored.rates })) return null
  return { version: newest + 1, apps, rates }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

function routeOf(world: World, app: App, domain: string, leaving: ReadonlySet<InstanceId>): AppRoute {
  const web = (world.byApp.get(app.id) ?? []).filter(({ desired }) => desired.processType === WEB)
  const endpoints = web
    .filter((instance) => isLive(world, instance) && !leaving.has(instance.desired.id))
    .map(toEndpoint)
    .filter((endpoint) => endpoint !== null)
    .sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1))
  const { id: appId, name, tenantId } = app
  return { appId, name, tenantId, hosts: [`${name}.${domain}`], health: healthOf(app, web, endpoints), endpoints }
}

/** The epoch is the one that the agent answered: it does not change while the instance runs on. */
function toEndpoint({ desired, reported }: Instance): Endpoint | null {
  if (reported?.state !== 'running' || reported.address === null) return null
  return { instanceId: desired.id, epoch: reported.epoch, host: reported.address.host, port: reported.address.port }
}

function healthOf(app: App, web: Instance[], endpoints: Endpoint[]): AppHealth {
  if (endpoints.length > 0) return 'serving'
  if (app.target === null) return 'empty'
  if ((app.formation[WEB]?.count ?? 0) === 0) return 'stopped'
  const crashed = web.some(({ reported }) => reported?.state === 'failed' || (reported?.restarts ?? 0) > 0)
  const neverWorked = app.rollout?.state === 'failed' && app.current === null
  return crashed || neverWorked ? 'crashed' : 'starting'
}
