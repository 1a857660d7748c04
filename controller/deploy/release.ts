/** The second step of a deploy: the release, with its config and the formation that it needs. */
import type { App, Formation, SealedConfig } from '#core/domain/app.ts'
import type { ProcessType } from '#core/domain/ids.ts'
import { RELEASE_PROCESS, WEB, type Release } from '#core/domain/release.ts'
import { defaultResources } from '#core/domain/resources.ts'
import type { Slug } from '#core/domain/slug.ts'
import { loadApp } from '#core/store/apps.ts'
import { createRelease, loadRelease } from '#core/store/releases.ts'
import type { Outcome, Walk } from './walk.ts'

/** Makes the release and its target. The store makes one release per deploy, however often it is asked. */
export async function release(walk: Walk, slug: Slug): Promise<Outcome<number>> {
  const { store, now } = walk.context
  await walk.save({ state: 'releasing' })
  const version = await walk.reach(async () => {
    const app = await loadApp(store, walk.deploy.appId)
    if (app === null) return null
    const config = await configOf(walk, app)
    return createRelease(store, newRelease(walk, slug, config, now()), formationFor(app, slug))
  })
  if (version === null) return { ok: false, why: 'The app was destroyed.' }
  await walk.say(`-----> Releasing v${version}`)
  await walk.save({ release: version })
  return { ok: true, value: version }
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
  commit: deploy.commit,
  description: deploy.description,
  actor: deploy.actor,
  createdAt: now,
  deployId: deploy.id,
})

/**
 * What the formation becomes: a first release starts one web instance; other new process types wait to be scaled.
 * @returns null when it already names all process types
 */
export function formationFor(app: Pick<App, 'formation' | 'target'>, slug: Pick<Slug, 'processes'>): Formation | null {
  const types = Object.keys(slug.processes) as ProcessType[]
  const added = types.filter((type) => type !== RELEASE_PROCESS && app.formation[type] === undefined)
  if (added.length === 0) return null
  const formation: Formation = { ...app.formation }
  for (const type of added)
    formation[type] = { count: type === WEB && app.target === null ? 1 : 0, size: defaultResources }
  return formation
}
