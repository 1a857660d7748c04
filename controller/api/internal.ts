/** What agents ask: launch and build specs with opened secrets, sources, layers (core/contract/internal.ts). */
import { pipeline } from 'node:stream/promises'
import type { Request, Response } from 'express'
import type { BuildSpec, LaunchSpec } from '#core/contract/internal.ts'
import { notFound } from '#core/domain/errors.ts'
import { isDigest, isId, type DeployId, type InstanceId, type LayerDigest } from '#core/domain/ids.ts'
import { processName } from '#core/domain/instance.ts'
import type { Deploy } from '#core/domain/release.ts'
import { openEgress, planOf, shareOf } from '#core/domain/quota.ts'
import type { Slug } from '#core/domain/slug.ts'
import { loadApp } from '#core/store/apps.ts'
import { loadDeploy } from '#core/store/deploys.ts'
import { loadInstance } from '#core/store/instances.ts'
import { loadPlans } from '#core/store/plans.ts'
import { loadRelease } from '#core/store/releases.ts'
import { loadRun } from '#core/store/runs.ts'
import { loadStackChoice } from '#core/store/stacks.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { openConfig } from '../secrets.ts'
import type { ApiContext } from './context.ts'
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
      await send(res, 'application/x-tar', bytes, () => context.sources.read(id))
    },
  },
  '/layers/:digest': {
    async GET(req, res) {
      const digest = digestOf(req)
      const bytes = await context.layers.size(digest)
      if (bytes === null) throw notFound('layer', digest)
      await send(res, 'application/octet-stream', bytes, () => context.layers.read(digest))
    },
    async PUT(req, res) {
      const digest = digestOf(req)
      if ((await context.layers.size(digest)) === null) await context.layers.write(digest, req)
      res.status(204).end()
    },
  },
})

/** The specs as we hold them; in JSON they are what the agent's schema takes. */
type Launch = Omit<LaunchSpec, 'slug'> & { slug: Slug }
type Build = Omit<BuildSpec, 'previous'> & { previous: Slug | null }

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
  return { slug: release.slug, command, env }
}

async function buildSpec(deploy: Deploy, { store, sealer }: ApiContext): Promise<Build> {
  const app = await loadApp(store, deploy.appId)
  if (!app || deploy.commit === null) throw notFound('deploy', deploy.id)
  const [tenant, plans] = await Promise.all([loadTenant(store, app.tenantId), loadPlans(store)])
  const previous = app.target && (await loadRelease(store, app.id, app.target.release))
  return {
    deployId: deploy.id,
    appId: app.id,
    tenantId: app.tenantId,
    uidBase: app.uidBase,
    share: shareOf(tenant ?? { cpus: null, egress: openEgress }, planOf(plans, tenant)),
    commit: deploy.commit,
    env: openConfig(sealer, app.id, app.config),
    previous: previous?.slug ?? null,
    stack: (await loadStackChoice(store))?.current ?? null,
    buildpacks: app.build.buildpacks,
    root: app.build.root,
  }
}

async function pushOf(req: Request, { store }: ApiContext): Promise<Deploy> {
  const id = param(req, 'deploy')
  const deploy = isId(id) ? await loadDeploy(store, id as DeployId) : null
  if (deploy?.kind !== 'push') throw notFound('deploy', id)
  return deploy
}

function digestOf(req: Request): LayerDigest {
  const digest = param(req, 'digest')
  if (!isDigest(digest)) throw notFound('layer', digest)
  return digest
}

async function send(res: Response, type: string, bytes: number, read: () => NodeJS.ReadableStream): Promise<void> {
  res.setHeader('Content-Type', type)
  res.setHeader('Content-Length', bytes)
  if (res.req.method === 'HEAD') return void res.end()
  await pipeline(read(), res)
}
