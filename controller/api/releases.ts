/** Releases, with the changes of sizes between them: list, show, roll back; and restarting the one that runs. */
import { rollback as rollbackSchema, type DeployAccepted, type ReleaseView } from '#core/contract/api.ts'
import type { App } from '#core/domain/app.ts'
import { noRelease, nothingToRollBack, notFound, releaseCodeGone, releaseNotUsable } from '#core/domain/errors.ts'
import { codeOf, isResizing, type Deploy, type Release, type Resizing } from '#core/domain/release.ts'
import { restartApp, setConfig } from '#core/store/apps.ts'
import { loadDeploy } from '#core/store/deploys.ts'
import { loadCollected } from '#core/store/layers.ts'
import { loadEntry, loadHistory, loadReleases } from '#core/store/releases.ts'
import { requireRunning } from '../halted.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { changesOf, type ApiContext } from './context.ts'
import { pageOf, type Listing } from './pages.ts'
import { param, type Routes } from './routes.ts'
import { deployView, releaseView, resizingView, targetFailed } from './views.ts'

export const releaseRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/releases': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      const history = await loadHistory(context.store, app.id)
      const collected = await loadCollected(context.store, app.id)
      const { items, next } = pageOf(req, history.toReversed(), listing)
      const views = items.map((entry) => view(app, entry, history, collected, context))
      res.json({ releases: await Promise.all(views), ...next })
    },
  },
  '/apps/:app/releases/:version': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      const entry = await findEntry(app, param(req, 'version'), context)
      const collected = await loadCollected(context.store, app.id)
      res.json(await view(app, entry, await loadHistory(context.store, app.id), collected, context))
    },
  },
  '/apps/:app/rollback': {
    async POST(req, res) {
      const app = await appOf(req, context.store)
      const { release: version } = bodyOf(req, rollbackSchema)
      await requireRunning(context.store, app, 'no other release of it can be started')
      const release =
        version === undefined ? await lastLiveBefore(app, context) : await usable(app, String(version), context)
      const deploy = await context.turns.run(changesOf(app.id), () =>
        rollBack(app, release, callerOf(req).actor, context),
      )
      res.status(202).json({ deploy: deployView(deploy) } satisfies DeployAccepted)
    },
  },
  '/apps/:app/restart': {
    async POST(req, res) {
      const app = await appOf(req, context.store)
      await requireRunning(context.store, app, 'it cannot be restarted')
      if (!(await restartApp(context.store, app.id, context.now()))) throw noRelease(app.name)
      context.wake()
      res.status(202).json({})
    },
  },
})

type Entry = Release | Resizing

const listing: Listing<Entry> = {
  name: 'releases',
  id: ({ version }) => String(version),
  at: ({ version }) => version,
  newestFirst: true,
}

async function view(
  app: App,
  entry: Entry,
  history: Entry[],
  collected: ReadonlySet<number>,
  { store }: ApiContext,
): Promise<ReleaseView> {
  if (isResizing(entry)) return resizingView(entry, history.findLast(isResizing)?.version === entry.version)
  return releaseView(app, entry, await loadDeploy(store, entry.deployId), collected.has(entry.version))
}

/** @param version `v3` or `3`. @throws NOT_FOUND */
async function findEntry(app: App, version: string, { store }: ApiContext): Promise<Entry> {
  const number = /^v?([1-9]\d{0,8})$/.exec(version)?.[1]
  const entry = number === undefined ? null : await loadEntry(store, app.id, Number(number))
  if (!entry) throw notFound('release', version)
  return entry
}

/** @throws NO_RELEASE, NO_EARLIER_RELEASE, RELEASE_CODE_GONE */
async function lastLiveBefore(app: App, context: ApiContext): Promise<Release> {
  if (!app.target) throw noRelease(app.name)
  // After a failed deploy the one before it serves already: going back means one further.
  const from = targetFailed(app) && app.current ? app.current.release : app.target.release
  for (const release of (await loadReleases(context.store, app.id)).reverse())
    if (release.version < from && (await wentLive(app, release, context))) return withCode(app, release, context)
  throw nothingToRollBack(app.name)
}

/** @throws NOT_FOUND, RELEASE_NOT_USABLE, RELEASE_CODE_GONE */
async function usable(app: App, version: string, context: ApiContext): Promise<Release> {
  const release = await findEntry(app, version, context)
  if (isResizing(release))
    throw releaseNotUsable(release.version, 'it changed sizes only; give the sizes that you want with berth ps:resize')
  if (!(await wentLive(app, release, context))) throw releaseNotUsable(release.version, 'it never went live')
  if (app.target?.release === release.version && app.current?.release === release.version)
    throw releaseNotUsable(release.version, 'it is the release that runs now')
  return withCode(app, release, context)
}

/** @throws RELEASE_CODE_GONE naming the oldest whose code is there */
async function withCode(app: App, release: Release, context: ApiContext): Promise<Release> {
  const collected = await loadCollected(context.store, app.id)
  if (!collected.has(release.version)) return release
  for (const { version, deployId } of await loadReleases(context.store, app.id)) {
    if (collected.has(version) || version === app.current?.release) continue
    if ((await loadDeploy(context.store, deployId))?.state === 'succeeded')
      throw releaseCodeGone(release.version, context.config.keepReleases, version)
  }
  throw releaseCodeGone(release.version, context.config.keepReleases, null)
}

async function wentLive(app: App, release: Release, { store }: ApiContext): Promise<boolean> {
  if (app.current?.release === release.version) return true
  return (await loadDeploy(store, release.deployId))?.state === 'succeeded'
}

/** A rollback is a new release with the code and the config of an old one. Sizes stay: they were chosen for the load of today. */
async function rollBack(app: App, release: Release, actor: string, context: ApiContext): Promise<Deploy> {
  const deploy = await context.deploys.submit({
    app,
    kind: 'rollback',
    actor,
    description: `Rollback to v${release.version}`,
    ...codeOf(release),
    source: null,
    fromRelease: release.version,
    config: release.config,
  })
  // So that the next push does not bring back what the rollback took away.
  await setConfig(context.store, app.id, release.config)
  return deploy
}
