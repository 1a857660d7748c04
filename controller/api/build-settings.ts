/** How an app is built: its buildpacks, its root folder, the branch that deploys. It takes effect with the next build. */
import { pipeline } from 'node:stream/promises'
import { patchBuild, type BuildSettingsView, type PatchBuild } from '#core/contract/api.ts'
import type { BuildSettings } from '#core/domain/app.ts'
import {
  describeBuildpack,
  isOwn,
  isRef,
  ownBuildpacks,
  readBuildpack,
  readRoot,
  type BuildpackSource,
} from '#core/domain/buildpack.ts'
import { badRequest, notFound } from '#core/domain/errors.ts'
import { loadApp, setBuild } from '#core/store/apps.ts'
import { appendEvent } from '#core/store/events.ts'
import { openOfferedBuildpacks } from '../buildpacks.ts'
import { eventOfApp } from '../events.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { changesOf, type ApiContext } from './context.ts'
import { showBuildSettings } from './views.ts'
import { param, type Routes } from './routes.ts'
import { answerTagged, requireUnchanged } from './tags.ts'

export const buildSettingsRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/build': {
    async GET(req, res) {
      const { build } = await appOf(req, context.store)
      answerTagged(req, res, await viewOf(build, context))
    },
    async PATCH(req, res) {
      const { id, name } = await appOf(req, context.store)
      const patch = bodyOf(req, patchBuild)
      const changed = await change(patch, context)
      const { actor } = callerOf(req)
      const build = await context.turns.run(changesOf(id), async () => {
        const app = await loadApp(context.store, id)
        if (!app) throw notFound('app', name)
        requireUnchanged(req, `How ${name} is built`, await viewOf(app.build, context))
        const after = { ...app.build, ...changed }
        await setBuild(context.store, id, after)
        return after
      })
      const text = `${name}: ${describeChange(changed)}`
      context.log.info('build settings changed', { appId: id, text, actor })
      await appendEvent(context.store, id, eventOfApp('buildChanged', text, actor, context.now()))
      answerTagged(req, res, await viewOf(build, context))
    },
  },
})

/** For agents. */
export const offeredBuildpackRoutes = ({ config, log }: ApiContext): Routes => ({
  '/buildpacks/:buildpack': {
    async GET(req, res) {
      const name = param(req, 'buildpack')
      const ref = typeof req.query['ref'] === 'string' ? req.query['ref'] : null
      const isRight = ref === null || isRef(ref)
      const archive = isRight ? await openOfferedBuildpacks(config.home).archive(name, ref) : null
      if (archive === null) throw notFound('buildpack', ref === null ? name : `${name}#${ref}`)
      res.setHeader('Content-Type', 'application/x-tar')
      // Cut off in the middle, it is no whole answer for the agent either.
      await pipeline(archive, res).catch((error: unknown) => log.warn('buildpack not sent', { name, error }))
    },
  },
})

async function viewOf(build: BuildSettings, { config }: ApiContext): Promise<BuildSettingsView> {
  const offered = await openOfferedBuildpacks(config.home).names()
  return { ...showBuildSettings(build), available: { own: [...ownBuildpacks], offered } }
}

/** @throws BAD_REQUEST that names what is wrong, and what there is */
async function change(patch: PatchBuild, context: ApiContext): Promise<Partial<BuildSettings>> {
  const changed: Partial<BuildSettings> = {}
  if (patch.buildpacks) changed.buildpacks = await checkBuildpacks(patch.buildpacks, context)
  if (patch.root !== undefined) changed.root = patch.root === null ? null : rootOf(patch.root)
  if (patch.branch !== undefined) changed.branch = patch.branch === null ? null : branchOf(patch.branch)
  return changed
}

async function checkBuildpacks(texts: string[], { config }: ApiContext): Promise<string[]> {
  const offered = await openOfferedBuildpacks(config.home).names()
  const sources = texts.map((text) => sourceOf(text, offered))
  const names = sources.map(describeBuildpack)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw badRequest(`The buildpack ${twice} is named twice.`)
  return names
}

function sourceOf(text: string, offered: string[]): BuildpackSource {
  const read = readBuildpack(text)
  if (!read.ok) throw badRequest(`This cannot be a buildpack: ${read.why}.`)
  const { source } = read
  if (source.kind === 'offered' && !isOwn(source.name) && !offered.includes(source.name))
    throw badRequest(
      `There is no buildpack ${JSON.stringify(source.name)}. Berth has ${ownBuildpacks.join(', ')}; ` +
        `the operator offers ${offered.join(', ') || 'none'}; any other is named by its https URL.`,
    )
  return source
}

function rootOf(text: string): string {
  const root = readRoot(text)
  if (root !== null) return root
  throw badRequest(
    `${JSON.stringify(text.slice(0, 100))} cannot be an app's root folder: it must be a path inside the repository such as apps/web, without "..", of letters, digits and ._@+-.`,
  )
}

function branchOf(text: string): string {
  const branch = text.replace(/^refs\/heads\//, '')
  if (isRef(branch)) return branch
  throw badRequest(`${JSON.stringify(text.slice(0, 100))} cannot be the name of a branch.`)
}

function describeChange({ buildpacks, root, branch }: Partial<BuildSettings>): string {
  const parts = [
    buildpacks &&
      (buildpacks.length === 0 ? 'buildpacks are found by the source' : `buildpacks are ${buildpacks.join(', ')}`),
    root !== undefined && `the root folder is ${root ?? 'that of the repository'}`,
    branch !== undefined && `${branch ?? 'main or master'} deploys`,
  ]
  return parts.filter(Boolean).join('; ') || 'nothing changed'
}
