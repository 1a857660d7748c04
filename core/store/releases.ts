import type { Formation } from '../domain/app.ts'
import type { AppId, TenantId } from '../domain/ids.ts'
import { isResizing, type Release, type Resizing } from '../domain/release.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'
import { unlessMoved } from './promises.ts'

/**
 * Makes the next release of an app, and as a rule its target in one step; asked again for the same deploy, answers the same version.
 * @param promised the formation that is set at the same time (a first release brings `web=1`), and what `loadPromises`
 *   answered before it was decided; or null
 * @param becomesTarget false: `promoteRelease` makes it the target later, when its release command has succeeded
 * @returns the version, or null when the app is gone
 * @throws PromisesMoved
 */
export async function createRelease(
  store: Store,
  release: Omit<Release, 'version'>,
  promised: { tenantId: TenantId; formation: Formation; promises: number } | null,
  becomesTarget = true,
): Promise<number | null> {
  const version = await store.createRelease(
    keys.releases(release.appId),
    keys.app(release.appId),
    // Not looked at where nothing is promised.
    promised ? keys.promises(promised.tenantId) : keys.app(release.appId),
    pack(release),
    release.deployId,
    release.createdAt,
    promised ? pack(promised.formation) : '',
    promised?.promises ?? 0,
    becomesTarget ? 1 : 0,
  )
  return unlessMoved(version, -2) === -1 ? null : (version as number)
}

export async function loadRelease(store: Store, app: AppId, version: number): Promise<Release | null> {
  const entry = await loadEntry(store, app, version)
  return entry === null || isResizing(entry) ? null : entry
}

/** Oldest first. */
export async function loadReleases(store: Store, app: AppId): Promise<Release[]> {
  return (await loadHistory(store, app)).filter((entry): entry is Release => !isResizing(entry))
}

export async function loadEntry(store: Store, app: AppId, version: number): Promise<Release | Resizing | null> {
  return version < 1 ? null : entryIn(await store.lindex(keys.releases(app), version - 1))
}

/** Releases and changes of sizes, oldest first. */
export async function loadHistory(store: Store, app: AppId): Promise<(Release | Resizing)[]> {
  const rows = await store.lrange(keys.releases(app), 0, -1)
  return rows.map(entryIn).filter((entry) => entry !== null)
}

function entryIn(row: string | null): Release | Resizing | null {
  const entry = unpack<Release | Resizing>(row)
  if (entry === null || isResizing(entry)) return entry
  // What an earlier version wrote lacks the newer fields.
  return { ...entry, slug: { ...entry.slug, health: entry.slug.health ?? {}, cron: entry.slug.cron ?? [] } }
}
