import {
  defaultBuildSettings,
  type App,
  type AppRecord,
  type BuildSettings,
  type Formation,
  type Pause,
  type SealedConfig,
} from '../domain/app.ts'
import type { HealthChecks } from '../domain/health-check.ts'
import type { AppId, AppName, InstanceId, TenantId } from '../domain/ids.ts'
import type { AppQuota } from '../domain/quota.ts'
import type { Resizing, Rollout, Target } from '../domain/release.ts'
import { defaultRouteSettings, type AccessRules, type RouteSettings } from '../domain/route.ts'
import { dayResolution } from '../domain/usage.ts'
import { announce, pack, unpack, type Store } from './connection.ts'
import { domainsIn, freeDomains } from './domains.ts'
import { keys } from './keys.ts'
import { unlessMoved } from './promises.ts'
import { seriesKeys } from './series.ts'

/**
 * @param promises what `loadPromises` answered before this was decided
 * @returns false when the name is taken
 * @throws PromisesMoved
 */
export async function createApp(store: Store, record: AppRecord, promises: number): Promise<boolean> {
  const { id, name, tenantId } = record
  const made = await store.createApp(
    keys.appNames,
    keys.app(id),
    keys.promises(tenantId),
    name,
    id,
    pack(record),
    promises,
  )
  return unlessMoved(made, -1) === 1
}

/**
 * @param promises what `loadPromises` answered before this was decided
 * @param resizing what to list among the app's releases for it, under the next number; or null
 * @returns false when the app is gone
 * @throws PromisesMoved
 */
export async function setFormation(
  store: Store,
  app: Pick<AppRecord, 'id' | 'tenantId'>,
  formation: Formation,
  promises: number,
  resizing: Omit<Resizing, 'version'> | null = null,
): Promise<boolean> {
  const set = await store.setFormation(
    keys.app(app.id),
    keys.promises(app.tenantId),
    keys.releases(app.id),
    pack(formation),
    promises,
    resizing ? pack(resizing) : '',
  )
  return unlessMoved(set, -1) === 1
}

/** A number that no other app has or had; it decides the app's range of user ids. */
export const nextAppNumber = (store: Store): Promise<number> => store.incr(keys.appCounter)

export async function findApp(store: Store, name: AppName): Promise<App | null> {
  const id = await store.hget(keys.appNames, name)
  return id === null ? null : loadApp(store, id as AppId)
}

export async function loadApp(store: Store, id: AppId): Promise<App | null> {
  return toApp(await store.hgetall(keys.app(id)))
}

export async function loadApps(store: Store): Promise<App[]> {
  const ids = await store.hvals(keys.appNames)
  if (ids.length === 0) return []
  const pipeline = store.pipeline()
  for (const id of ids) pipeline.hgetall(keys.app(id as AppId))
  const rows = (await pipeline.exec()) ?? []
  return rows
    .map(([error, fields]) => {
      if (error) throw error
      return toApp(fields as Record<string, string>)
    })
    .filter((app) => app !== null)
}

export const setConfig = (store: Store, id: AppId, config: SealedConfig) => setField(store, id, 'config', config)
export const setCurrent = (store: Store, id: AppId, current: Target) => setField(store, id, 'current', current)
/** @param routing what was set; the rest is as for every app */
export const setRouting = (store: Store, id: AppId, routing: Partial<Omit<RouteSettings, 'access'>>) =>
  setField(store, id, 'routing', routing)
export const setAccess = (store: Store, id: AppId, access: AccessRules) => setField(store, id, 'access', access)
export const setBuild = (store: Store, id: AppId, build: BuildSettings) => setField(store, id, 'build', build)
export const setChecks = (store: Store, id: AppId, checks: HealthChecks) => setField(store, id, 'checks', checks)
export const setAutoRollback = (store: Store, id: AppId, on: boolean) => setField(store, id, 'autoRollback', on)
export const setPaused = (store: Store, id: AppId, paused: Pause | null) => setField(store, id, 'paused', paused)
export const setQuota = (store: Store, id: AppId, quota: AppQuota | null) => setField(store, id, 'quota', quota)
/** Whoever waits for the end of the rollout is told. */
export async function setRollout(store: Store, id: AppId, rollout: Rollout): Promise<void> {
  await setField(store, id, 'rollout', rollout)
  if (rollout.state !== 'rolling') await announce(store, 'changed')
}

/** @returns false when the app is gone, or has this release or a newer one as its target */
export async function promoteRelease(store: Store, id: AppId, version: number, now: number): Promise<boolean> {
  return (await store.promoteRelease(keys.app(id), version, now)) === 1
}

/**
 * Makes all instances be replaced by new ones of the same release.
 * @returns false when the app is gone or has no release
 */
export async function restartApp(store: Store, id: AppId, now: number): Promise<boolean> {
  return (await store.restartApp(keys.app(id), now)) === 1
}

/**
 * Removes the app and all that is keyed by it, but its instances: those are stopped by the reconciler, which finds them
 * ownerless. What it used stays in the ledger for as long as that keeps it, with its name.
 */
export async function removeApp(store: Store, app: AppRecord, now: number): Promise<void> {
  const former = await loadFormerApps(store, app.tenantId)
  const outdated = [...former].filter(([, { destroyedAt }]) => now - destroyedAt > dayResolution.keepMs)
  const deploys = await store.lrange(keys.appDeploys(app.id), 0, -1)
  const runs = await store.lrange(keys.appRuns(app.id), 0, -1)
  const deployKeys = deploys.flatMap((id) => [keys.deploy(id as never), keys.deployLog(id as never)])
  await freeDomains(store.multi(), app)
    .hdel(keys.appNames, app.name)
    .srem(keys.openDeploys, '', ...deploys)
    .srem(keys.openRuns, '', ...runs)
    .hdel(keys.formerApps(app.tenantId), '', ...outdated.map(([id]) => id))
    .hset(keys.formerApps(app.tenantId), app.id, pack({ name: app.name, destroyedAt: now } satisfies FormerApp))
    .del(
      keys.app(app.id),
      keys.releases(app.id),
      keys.logs(app.id),
      keys.logFigures(app.id),
      keys.events(app.id),
      keys.appDeploys(app.id),
      keys.appRuns(app.id),
      keys.runCounter(app.id),
      keys.collectedReleases(app.id),
      keys.cron(app.id),
      ...deployKeys,
      ...seriesKeys(`app:${app.id}`),
      ...runs.map((id) => keys.run(id as InstanceId)),
    )
    .exec()
}

export type FormerApp = { name: AppName; destroyedAt: number }

/** The destroyed apps of a tenant, by their ids. */
export async function loadFormerApps(store: Store, tenant: TenantId): Promise<Map<AppId, FormerApp>> {
  const found = Object.entries(await store.hgetall(keys.formerApps(tenant)))
  return new Map(found.map(([id, text]) => [id as AppId, JSON.parse(text) as FormerApp]))
}

async function setField(store: Store, id: AppId, field: string, value: unknown): Promise<void> {
  await store.hset(keys.app(id), field, pack(value))
}

export function toApp(fields: Record<string, string>): App | null {
  const record = unpack<AppRecord>(fields['record'])
  if (!record) return null
  return {
    ...record,
    formation: unpack<Formation>(fields['formation']) ?? {},
    config: unpack<SealedConfig>(fields['config']) ?? {},
    target: unpack<Target>(fields['target']),
    current: unpack<Target>(fields['current']),
    rollout: unpack<Rollout>(fields['rollout']),
    paused: unpack<Pause>(fields['paused']),
    quota: unpack<AppQuota>(fields['quota']),
    domains: domainsIn(fields),
    routing: {
      ...defaultRouteSettings,
      ...unpack<Partial<RouteSettings>>(fields['routing']),
      access: unpack<AccessRules>(fields['access']) ?? defaultRouteSettings.access,
    },
    build: { ...defaultBuildSettings, ...unpack<Partial<BuildSettings>>(fields['build']) },
    checks: unpack<HealthChecks>(fields['checks']) ?? {},
    autoRollback: unpack<boolean>(fields['autoRollback']) ?? true,
  }
}
