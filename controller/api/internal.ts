/** What agents ask: launch and build specs with opened secrets, sources, layers (core/contract/internal.ts). */
import type { Request } from 'express'
import type { BuildSpec, LaunchSpec } from '#core/contract/internal.ts'
import type { SlugManifest } from '#core/contract/slug-file.ts'
import { notFound } from '#core/domain/errors.ts'
import { isDigest, isId, type DeployId, type InstanceId, type LayerDigest } from '#core/domain/ids.ts'
import { healthCheckOf, type HealthCheck } from '#core/domain/health-check.ts'
import { processName, type Desired } from '#core/domain/instance.ts'
import { isBuilt, WEB, type Deploy, type Release } from '#core/domain/release.ts'
import { openEgress, planOf, shareOf } from '#core/domain/quota.ts'
import type { Slug } from '#core/domain/slug.ts'
import { loadApp } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { loadDeploy } from '#core/store/deploys.ts'
import { loadInstance } from '#core/store/instances.ts'
import { loadPlans } from '#core/store/plans.ts'
import { loadRelease } from '#core/store/releases.ts'
import { loadRun } from '#core/store/runs.ts'
import { loadStackChoice } from '#core/store/stacks.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { openConfig } from '../secrets.ts'
import { readManifest } from '../slugs/file.ts'
import { want } from '../slugs/wanted.ts'
import type { ApiContext } from './context.ts'
import { sendRange } from './ranges.ts'
import { param, type Routes } from './routes.ts'

export const internalRoutes = (context: ApiContext): Routes => ({
  '/instances/:instance/launch': {
    async GET(req, res) {
      res.setHeader('Cache-Control', 'no-store')
      res.json(await launchSpec(param(req, 'instance'), context))
    },
  },
  '/deploys/:deploy/build': {
    async GET(req, res) {
      res.setHeader('Cache-Control', 'no-store')
      res.json(await buildSpec(await pushOf(req, context), context))
    },
  },
  '/deploys/:deploy/source': {
    async GET(req, res) {
      const { id } = await pushOf(req, context)
      const bytes = await context.sources.size(id)
      if (bytes === null) throw notFound('source of deploy', id)
      await sendRange(res, bytes, (from) => Promise.resolve(context.sources.read(id, from)))
    },
  },
  '/layers/:digest': {
    async GET(req, res) {
      const digest = digestOf(req)
      // A builder that asks whether it is here is about to name it in a slug.
      if (req.method === 'HEAD') await want(context, digest)
      const bytes = await context.layers.size(digest)
      if (bytes === null) throw notFound('layer', digest)
      await sendRange(res, bytes, (from) => context.layers.read(digest, from))
    },
    async PUT(req, res) {
      const digest = digestOf(req)
      await want(context, digest)
      if ((await context.layers.size(digest)) === null) await context.layers.write(digest, req)
      res.status(204).end()
    },
  },
})

/** The specs as we hold them; in JSON they are what the agent's schema takes. */
type Launch = Omit<LaunchSpec, 'slug'> & { slug: Slug }
type Build = Omit<BuildSpec, 'previous' | 'ready'> & { previous: Slug | null; ready: SlugManifest['slug'] | null }

async function launchSpec(id: string, { store, sealer }: ApiContext): Promise<Launch> {
  const instance = isId(id) ? await loadInstance(store, id as InstanceId) : null
  if (!instance) throw notFound('instance', id)
  const { desired } = instance
  const release = await loadRelease(store, desired.appId, desired.release)
  const run = desired.once && (await loadRun(store, desired.id))
  const command = desired.once ? run?.command : release?.slug.processes[desired.processType]
  if (!release || command === undefined) throw notFound('release of instance', id)
  const env = {
    ...release.slug.env,
    ...openConfig(sealer, desired.appId, release.config),
    ...openConfig(sealer, desired.appId, run?.env ?? {}),
    BERTH_APP: desired.appName,
    BERTH_PROCESS: processName(desired),
    BERTH_RELEASE: `v${desired.release}`,
    BERTH_INSTANCE: desired.id,
  }
  return { slug: release.slug, command, env, health: await checkFor(desired, release, store) }
}

/** What was set for the app holds from the next start on, without a release. */
async function checkFor({ appId, processType }: Desired, { slug }: Release, store: Store): Promise<HealthCheck> {
  const app = await loadApp(store, appId)
  return healthCheckOf(processType, processType === WEB, slug.health, app?.checks ?? {})
}

async function buildSpec(deploy: Deploy, { store, sealer, sources }: ApiContext): Promise<Build> {
  const app = await loadApp(store, deploy.appId)
  // What was uploaded has no commit; its digest is its version.
  const version = deploy.commit ?? deploy.source
  if (!app || version === null) throw notFound('deploy', deploy.id)
  const [tenant, plans] = await Promise.all([loadTenant(store, app.tenantId), loadPlans(store)])
  const previous = app.target && (await loadRelease(store, app.id, app.target.release))
  return {
    deployId: deploy.id,
    appId: app.id,
    tenantId: app.tenantId,
    uidBase: app.uidBase,
    share: shareOf(tenant ?? { cpus: null, egress: openEgress }, planOf(plans, tenant)),
    commit: version,
    ready: deploy.kind === 'slug' ? (await readManifest(sources.read(deploy.id))).slug : null,
    env: openConfig(sealer, app.id, app.config),
    previous: previous?.slug ?? null,
    stack: (await loadStackChoice(store))?.current ?? null,
    cacheGeneration: app.build.cacheGeneration,
    buildpacks: app.build.buildpacks,
    root: app.build.root,
  }
}

async function pushOf(req: Request, { store }: ApiContext): Promise<Deploy> {
  const id = param(req, 'deploy')
  const deploy = isId(id) ? await loadDeploy(store, id as DeployId) : null
  if (!deploy || !isBuilt(deploy)) throw notFound('deploy', id)
  return deploy
}

function digestOf(req: Request): LayerDigest {
  const digest = param(req, 'digest')
  if (!isDigest(digest)) throw notFound('layer', digest)
  return digest
}
