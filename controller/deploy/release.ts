/** The second step of a deploy: the release, with its config and the formation that it needs. */
import type { App, Formation, SealedConfig } from '#core/domain/app.ts'
import { BerthError } from '#core/domain/errors.ts'
import type { ProcessType } from '#core/domain/ids.ts'
import type { Manifest } from '#core/domain/manifest.ts'
import { codeOf, RELEASE_PROCESS, WEB, type Release } from '#core/domain/release.ts'
import { usualSize } from '#core/domain/quota.ts'
import type { Resources } from '#core/domain/resources.ts'
import type { Slug } from '#core/domain/slug.ts'
import { loadApp } from '#core/store/apps.ts'
import { createRelease, loadRelease, loadReleases } from '#core/store/releases.ts'
import { promising, requireRoom, type Account } from '../quota.ts'
import { manifestOf, settleFirst, sizeFor } from './manifest.ts'
import { hasReleaseCommand } from './release-phase.ts'
import type { Outcome, Walk } from './walk.ts'

/** Makes the release, and its target unless a release command comes first. The store makes one release per deploy, however often it is asked. */
export async function release(walk: Walk, slug: Slug): Promise<Outcome<number>> {
  const { store, now } = walk.context
  await walk.goOn()
  await walk.save({ state: 'releasing' })
  const manifest = await manifestOf(walk)
  const before = await walk.reach(() => loadApp(store, walk.deploy.appId))
  const settled = before && (await settleFirst(walk, before, manifest))
  if (settled?.ok === false) return settled
  const version = await walk
    .reach(async () => {
      const app = await loadApp(store, walk.deploy.appId)
      if (app === null) return null
      if (await isLeftAlready(walk, app)) return `v${app.target?.release ?? 0} was released meanwhile.`
      const made = newRelease(walk, slug, await configOf(walk, app), now())
      return promising(store, app.tenantId, (account) => make(walk, made, manifest, account))
    })
    .catch((error: unknown) => refusalIn(error))
  if (version === null) return { ok: false, why: 'The app was destroyed.' }
  if (typeof version === 'string') return { ok: false, why: version }
  // It may be the target now, and can start while the rest is told and written down.
  walk.context.wake()
  await walk.say(`-----> Releasing v${version}`)
  await walk.save({ release: version })
  return { ok: true, value: version }
}

/** A rollback that nobody asked for leaves the release that crashed, and none that somebody made since. */
async function isLeftAlready({ context: { store }, deploy }: Walk, app: App): Promise<boolean> {
  if (deploy.leaves === undefined || app.target?.release === deploy.leaves) return false
  return (await loadReleases(store, app.id)).at(-1)?.deployId !== deploy.id
}

/** @throws QUOTA_EXCEEDED where the first instance has no room in the tenant's plan */
async function make(
  { context: { store } }: Walk,
  made: Omit<Release, 'version'>,
  manifest: Manifest,
  account: Account,
) {
  const app = account.apps.find(({ id }) => id === made.appId)
  if (!app) return null
  const formation = formationFor(app, made.slug, usualSize(account.plan), manifest.formation)
  const becomesTarget = !hasReleaseCommand(made.slug)
  if (formation === null) return createRelease(store, made, null, becomesTarget)
  requireRoom(account, { id: app.id, formation }, `The first instance of ${app.name}`)
  return createRelease(store, made, { tenantId: app.tenantId, formation, promises: account.promises }, becomesTarget)
}

/** A deploy that the plan has no room for fails with the reason; what is not a refusal is thrown on. */
function refusalIn(error: unknown): string {
  if (error instanceof BerthError && error.code === 'QUOTA_EXCEEDED') return error.message
  throw error
}

/** Code and config go back together: a rollback brings the config of the release that it goes back to. */
async function configOf({ context: { store }, deploy }: Walk, app: App): Promise<SealedConfig> {
  if (deploy.config !== null) return deploy.config
  if (deploy.kind !== 'rollback' || deploy.fromRelease === null) return app.config
  return (await loadRelease(store, app.id, deploy.fromRelease))?.config ?? app.config
}

const newRelease = ({ deploy }: Walk, slug: Slug, config: SealedConfig, now: number): Omit<Release, 'version'> => ({
  appId: deploy.appId,
  slug,
  config,
  ...codeOf(deploy),
  description: deploy.description,
  actor: deploy.actor,
  createdAt: now,
  deployId: deploy.id,
})

/**
 * What the formation becomes: a first release starts one web instance, or what its app.json says; other new process types
 * wait to be scaled.
 * @param usual the size of what nobody gave another
 * @param wishes of app.json; they count at the first release only
 * @returns null when it already names all process types
 */
export function formationFor(
  app: Pick<App, 'formation' | 'target'>,
  slug: Pick<Slug, 'processes'>,
  usual: Resources,
  wishes: Manifest['formation'] = {},
): Formation | null {
  const types = Object.keys(slug.processes) as ProcessType[]
  const added = types.filter((type) => type !== RELEASE_PROCESS && app.formation[type] === undefined)
  if (added.length === 0) return null
  const formation: Formation = { ...app.formation }
  for (const type of added) {
    const wish = app.target === null && Object.hasOwn(wishes, type) ? wishes[type] : undefined
    const count = wish?.quantity ?? (type === WEB && app.target === null ? 1 : 0)
    formation[type] = { count, size: sizeFor(wish, usual) }
  }
  return formation
}
