import type { Formation } from '../domain/app.ts'
import type { AppId } from '../domain/ids.ts'
import type { Release } from '../domain/release.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

/**
 * Makes the next release of an app and its target, in one step; asked again for the same deploy, answers the same version.
 * @param formation set at the same time (a first release brings `web=1`), or null
 * @returns the version, or null when the app is gone
 */
export async function createRelease(
  store: Store,
  release: Omit<Release, 'version'>,
  formation: Formation | null,
): Promise<number | null> {
  const version = await store.createRelease(
    keys.releases(release.appId),
    keys.app(release.appId),
    pack(release),
    release.deployId,
    release.createdAt,
    formation ? pack(formation) : '',
  )
  return version === -1 ? null : (version as number)
}

export async function loadRelease(store: Store, app: AppId, version: number): Promise<Release | null> {
  return version < 1 ? null : unpack<Release>(await store.lindex(keys.releases(app), version - 1))
}

/** Oldest first. */
export async function loadReleases(store: Store, app: AppId): Promise<Release[]> {
  const rows = await store.lrange(keys.releases(app), 0, -1)
  return rows.map((row) => unpack<Release>(row)).filter((release) => release !== null)
}
