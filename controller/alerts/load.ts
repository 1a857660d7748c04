/** Reads what alerts are decided on. */
import { rulesFrom, type AlertSettings } from '#core/domain/alert.ts'
import type { App } from '#core/domain/app.ts'
import type { Wanted } from '#core/domain/certificate.ts'
import type { AppId } from '#core/domain/ids.ts'
import type { Instance } from '#core/domain/instance.ts'
import type { Owner } from '#core/domain/webhook.ts'
import { forgetAlertSettings, loadAllAlertSettings, ownerKey, ownersAbove } from '#core/store/alerts.ts'
import { loadApps } from '#core/store/apps.ts'
import { loadCertificates, loadStandings } from '#core/store/certificates.ts'
import type { Store } from '#core/store/connection.ts'
import { loadClocks } from '#core/store/cron.ts'
import { loadHostDisks, loadHosts } from '#core/store/hosts.ts'
import { loadInstances } from '#core/store/instances.ts'
import { loadTenants } from '#core/store/tenants.ts'
import type { AlertFacts, TrafficFigures, WatchedApp, WatchedHost } from './facts.ts'

export type FactContext = {
  store: Store
  now: () => number
  /** Of each app, over the last 10 s or so; one that is not there has had no request. */
  traffic: () => Promise<ReadonlyMap<AppId, TrafficFigures>>
  /** The hosts that should have an automatic certificate. */
  wanted: () => Promise<Wanted[]>
}

const ofPlatform: Owner = { appId: null, tenantId: null }

export async function loadFacts(context: FactContext): Promise<AlertFacts> {
  const { store, now, wanted } = context
  const [apps, tenants, instances, settings] = await Promise.all([
    loadApps(store),
    loadTenants(store),
    loadInstances(store),
    loadAllAlertSettings(store),
  ])
  const rulesOf = (owner: Owner) => rulesFrom(ownersAbove(owner).flatMap((one) => settings.get(ownerKey(one)) ?? []))
  const watched = await watchApps(context, apps, instances, rulesOf)
  const byId = new Map(watched.map((app) => [app.id, app]))
  const ownerOf = (id: AppId | null) => (id === null ? null : (byId.get(id) ?? null))
  const [certificates, standings, wants] = await Promise.all([loadCertificates(store), loadStandings(store), wanted()])
  await forgetOwners(store, settings, apps)
  return {
    now: now(),
    apps: watched,
    tenants: tenants.map(({ id, budget, requestBudget }) => ({
      id,
      budget,
      requestBudget,
      rules: rulesOf({ appId: null, tenantId: id }),
    })),
    hosts: await watchHosts(store),
    certificates: certificates.map((certificate) => ({ certificate, owner: ownerOf(certificate.appId) })),
    // What nobody wants any more may fail for as long as it likes.
    orders: wants.flatMap(({ host, appId }) => {
      const standing = standings.get(host)
      return standing ? [{ standing, owner: ownerOf(appId) }] : []
    }),
    rules: rulesOf(ofPlatform),
  }
}

async function watchApps(
  { store, traffic }: FactContext,
  apps: App[],
  instances: Instance[],
  rulesOf: (owner: Owner) => WatchedApp['rules'],
): Promise<WatchedApp[]> {
  const [clocks, figures] = await Promise.all([Promise.all(apps.map(({ id }) => loadClocks(store, id))), traffic()])
  const ofApp = Map.groupBy(instances, ({ desired }) => desired.appId)
  return apps.map(({ id, name, tenantId }, index) => ({
    id,
    name,
    tenantId,
    rules: rulesOf({ appId: id, tenantId }),
    instances: ofApp.get(id) ?? [],
    traffic: figures.get(id) ?? null,
    clocks: clocks[index]?.standings ?? new Map(),
  }))
}

async function watchHosts(store: Store): Promise<WatchedHost[]> {
  const hosts = await loadHosts(store)
  const disks = await loadHostDisks(
    store,
    hosts.map(({ id }) => id),
  )
  return hosts.map(({ id, live, cordoned, refusedJobs }, index) => ({
    id,
    live,
    cordoned,
    disk: disks[index] ?? null,
    refusedJobs,
  }))
}

/** What was set for apps that were destroyed since. */
async function forgetOwners(store: Store, settings: ReadonlyMap<string, AlertSettings>, apps: App[]): Promise<void> {
  const known = new Set(apps.map(({ id, tenantId }) => ownerKey({ appId: id, tenantId })))
  await forgetAlertSettings(
    store,
    [...settings.keys()].filter((key) => key.startsWith('app:') && !known.has(key)),
  )
}
