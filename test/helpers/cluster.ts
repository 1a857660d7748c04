/** Builders for the records of a cluster: name what matters to a test, the rest is filled in. */
import { defaultBuildSettings, type App, type Formation } from '#core/domain/app.ts'
import type { Host } from '#core/domain/host.ts'
import type { AppId, AppName, HostId, InstanceId, ProcessType, TenantId } from '#core/domain/ids.ts'
import type { Desired, Instance, Reported } from '#core/domain/instance.ts'
import type { Target } from '#core/domain/release.ts'
import { DEFAULT_PLAN, defaultShare, openEgress, type Tenant } from '#core/domain/quota.ts'
import { defaultCeilings, defaultResources } from '#core/domain/resources.ts'
import { defaultRouteSettings, type RouterReport } from '#core/domain/route.ts'
import type { Slug } from '#core/domain/slug.ts'

export const web = 'web' as ProcessType
export const worker = 'worker' as ProcessType
export const tenant = 'default' as TenantId

export const target = (release: number, generation = 0): Target => ({ release, generation, since: 0 })

export const formation = (counts: Record<string, number>, memoryMb = defaultResources.memoryMb): Formation =>
  Object.fromEntries(
    Object.entries(counts).map(([type, count]) => [type, { count, size: { ...defaultResources, memoryMb } }]),
  )

export const anApp = (over: Partial<App> = {}): App => ({
  id: 'a-shop' as AppId,
  name: 'shop' as AppName,
  tenantId: tenant,
  uidBase: 100_000,
  createdAt: 0,
  formation: formation({ web: 1 }),
  config: {},
  target: null,
  current: null,
  rollout: null,
  paused: null,
  quota: null,
  domains: [],
  routing: defaultRouteSettings,
  build: defaultBuildSettings,
  checks: {},
  autoRollback: true,
  ...over,
})

export const aTenant = (over: Partial<Tenant> = {}): Tenant => ({
  id: tenant,
  createdAt: 0,
  plan: DEFAULT_PLAN,
  requestRate: null,
  traffic: {},
  cpus: null,
  egress: openEgress,
  suspended: null,
  budget: null,
  requestBudget: null,
  ...over,
})

/** An app whose release works. */
export const aServingApp = (release: number, counts: Record<string, number>, over: Partial<App> = {}): App =>
  anApp({
    formation: formation(counts),
    target: target(release),
    current: target(release),
    rollout: { target: target(release), state: 'done', at: 0 },
    ...over,
  })

export const aHost = (id: string, over: Partial<Host> & { memoryMb?: number } = {}): Host => {
  const { memoryMb = 65_536, ...rest } = over
  return {
    id: id as HostId,
    hostname: id,
    capacity: { memoryMb, cpuMilli: 16_000, diskMb: 1_000_000, slots: 500 },
    stack: 'stack',
    stacks: [],
    version: 'v26.0.0',
    cgroup: 'v2',
    startedAt: 0,
    cpuMilliUsed: 0,
    memoryMbUsed: 0,
    live: true,
    cordoned: false,
    ...rest,
  }
}

export const aRouter = (tableVersion: number, draining: Record<string, number> = {}): RouterReport => ({
  id: 'r-one',
  tableVersion,
  draining,
})

export const aDesired = (over: Partial<Desired> = {}): Desired => ({
  id: 'i-one' as InstanceId,
  appId: 'a-shop' as AppId,
  appName: 'shop' as AppName,
  tenantId: tenant,
  hostId: 'host-a' as HostId,
  processType: web,
  number: 1,
  release: 1,
  generation: 0,
  uidBase: 100_000,
  size: defaultResources,
  ceilings: defaultCeilings,
  share: defaultShare,
  paused: false,
  stack: null,
  epoch: 1,
  intent: 'run',
  since: 0,
  graceMs: 30_000,
  onExit: 'restart',
  once: null,
  ...over,
})

export const aReport = (over: Partial<Reported> = {}): Reported => ({
  epoch: 1,
  state: 'running',
  address: null,
  reason: null,
  detail: null,
  exitCode: null,
  restarts: 0,
  since: 0,
  startedMs: 30,
  readyMs: 310,
  applied: null,
  ...over,
})

/** A running instance; `reported: null` for one that no agent has spoken of. */
export const anInstance = (
  id: string,
  desired: Partial<Desired> = {},
  reported: Partial<Reported> | null = {},
): Instance => {
  const wants = aDesired({ ...desired, id: id as InstanceId })
  const address = wants.processType === web ? { host: '10.0.0.1', port: 5000 } : null
  return { desired: wants, reported: reported && aReport({ address, ...reported }), stats: null }
}

export const aSlug = (processes: Record<string, string> = { web: 'node index.js' }): Slug => ({
  layers: [],
  runtimes: [],
  processes,
  env: {},
  health: {},
  cron: [],
  buildpack: 'node',
  stack: 'stack',
})
