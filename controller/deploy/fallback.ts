/** Begins the rollback that nobody asked for: a release crashes in its first minutes, and the one before it comes back. */
import { codeOf } from '#core/domain/release.ts'
import type { AppId, DeployId } from '#core/domain/ids.ts'
import { loadApp } from '#core/store/apps.ts'
import { loadDeploy, loadOpenDeploys } from '#core/store/deploys.ts'
import { appendEvent } from '#core/store/events.ts'
import { loadRelease } from '#core/store/releases.ts'
import { eventOfApp } from '../events.ts'
import type { Fallback } from '../reconcile/fallback.ts'
import type { DeployContext } from './context.ts'
import type { Deploys } from './deploy.ts'

/** Who made what nobody asked for. */
export const PLATFORM_ACTOR = 'berth'

/**
 * Once for each release that is left, however often it is asked. Not while another deploy of the app is open: that may
 * bring the repair.
 * @returns whether a deploy was begun
 */
export async function beginFallback(
  { store, log, now }: DeployContext,
  deploys: Pick<Deploys, 'submit'>,
  appId: AppId,
  { from, to, because }: Fallback,
): Promise<boolean> {
  const id = `d-back-${appId}-${from}` as DeployId
  if ((await loadDeploy(store, id)) !== null) return false
  if ((await loadOpenDeploys(store)).some((deploy) => deploy.appId === appId)) return false
  const [app, release] = await Promise.all([loadApp(store, appId), loadRelease(store, appId, to)])
  if (!app || !release) return false
  log.warn('release crashes and is left', { app: appId, release: from, to })
  // Before the deploy is there, so that a controller that is killed in between says it twice rather than never.
  await appendEvent(store, appId, { ...eventOfApp('fellBack', because, PLATFORM_ACTOR, now()), release: from })
  // The config vars that are set stay as they are, as when a deploy fails: nobody asked for them to be taken away.
  await deploys.submit({
    id,
    app,
    kind: 'rollback',
    actor: PLATFORM_ACTOR,
    description: `Rollback to v${to}: v${from} crashed`,
    ...codeOf(release),
    source: null,
    fromRelease: to,
    leaves: from,
    config: release.config,
  })
  return true
}
