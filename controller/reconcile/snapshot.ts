/** Reads the store into one snapshot. */
import type { App } from '#core/domain/app.ts'
import type { ProcessType } from '#core/domain/ids.ts'
import { loadApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { loadHosts } from '#core/store/hosts.ts'
import { loadInstances } from '#core/store/instances.ts'
import { loadRelease } from '#core/store/releases.ts'
import { createRouteReader, loadRouters } from '#core/store/routes.ts'
import { loadOpenRuns } from '#core/store/runs.ts'
import { loadStackChoice } from '#core/store/stacks.ts'
import { loadPlans } from '#core/store/plans.ts'
import { loadTenants } from '#core/store/tenants.ts'
import { releaseKey, type Snapshot } from './world.ts'

export type Snapshots = { load(): Promise<Snapshot> }

/** Releases never change, so what is known of one is kept as long as an app needs it. */
export function createSnapshots(store: Store): Snapshots {
  let processes = new Map<string, ProcessType[]>()
  const routes = createRouteReader(store)

  async function processesOf(apps: App[]): Promise<Map<string, ProcessType[]>> {
    const needed = apps.flatMap((app) =>
      [app.target, app.current].flatMap((target) => (target ? [{ app: app.id, version: target.release }] : [])),
    )
    const found = await Promise.all(
      needed.map(async ({ app, version }) => {
        const key = releaseKey(app, version)
        const types = processes.get(key) ?? (await loadTypes(store, app, version))
        return [key, types] as const
      }),
    )
    return new Map(found.flatMap(([key, types]) => (types ? [[key, types] as const] : [])))
  }

  return {
    async load() {
      // Runs before instances: one that was placed has its instance. Instances before apps: an app is there before its
      // instances, so one without an app has lost it.
      const runs = await loadOpenRuns(store)
      const instances = await loadInstances(store)
      const [apps, hosts, routers, tenants, plans, choice, table] = await Promise.all([
        loadApps(store),
        loadHosts(store),
        loadRouters(store),
        loadTenants(store),
        loadPlans(store),
        loadStackChoice(store),
        routes.load(),
      ])
      processes = await processesOf(apps)
      return { apps, processes, instances, runs, hosts, routers, tenants, plans, stack: choice?.current ?? null, table }
    },
  }
}

async function loadTypes(store: Store, app: App['id'], version: number): Promise<ProcessType[] | null> {
  const release = await loadRelease(store, app, version)
  return release && (Object.keys(release.slug.processes) as ProcessType[])
}
