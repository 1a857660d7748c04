/** Slugs in and out as files, and from one app to another. */
import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import type { Request } from 'express'
import type { DeployAccepted } from '#core/contract/api.ts'
import { adoptSlug, type SlugManifest } from '#core/contract/slug-file.ts'
import { BerthError, noRelease, notFound, releaseCodeGone, wrongMediaType } from '#core/domain/errors.ts'
import { makeId, type DeployId } from '#core/domain/ids.ts'
import type { App } from '#core/domain/app.ts'
import { isResizing, type Deploy, type Release } from '#core/domain/release.ts'
import { loadCollected } from '#core/store/layers.ts'
import { loadEntry } from '#core/store/releases.ts'
import { requireRunning } from '../halted.ts'
import { inspectSlugFile, slugFile } from '../slugs/file.ts'
import { appOf, findAppFor } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import type { ApiContext } from './context.ts'
import { followDeploy } from './follow.ts'
import { param, type Routes } from './routes.ts'
import { deployView } from './views.ts'

const MAX_BYTES = 4 * 1024 ** 3

/** What must not go through the readers of JSON bodies. */
export const slugFileRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/slugs/file': {
    async POST(req, res) {
      const app = await appOf(req, context.store)
      if (!req.is('application/x-tar')) throw wrongMediaType(req.headers['content-type'] ?? 'none')
      const deploy = await deploySlug(req, app, req, null, context)
      res.status(202).json({ deploy: deployView(deploy) } satisfies DeployAccepted)
    },
  },
  '/apps/:app/slugs/:release/file': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      const release = await releaseWithCode(app, param(req, 'release'), context)
      const { bytes, content } = await slugFile(context.layers, release, originOf(app, release))
      res.setHeader('Content-Type', 'application/x-tar')
      res.setHeader('Content-Length', bytes)
      if (req.method === 'HEAD') return void res.end()
      await pipeline(content, res)
    },
  },
})

export const adoptRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/slugs/adopt': {
    async POST(req, res) {
      const app = await appOf(req, context.store)
      const { from, release: version } = bodyOf(req, adoptSlug)
      const other = await findAppFor(callerOf(req), context.store, from)
      const release = await releaseWithCode(other, version === undefined ? 'current' : String(version), context)
      const origin = originOf(other, release)
      const { content } = await slugFile(context.layers, release, origin)
      const deploy = await deploySlug(req, app, content, `Deploy the slug of ${origin}`, context)
      res.status(202).json({ deploy: deployView(deploy) } satisfies DeployAccepted)
    },
  },
})

const originOf = (app: App, { version }: Release): string => `${app.name} v${version}`

/** @param version `v3`, `3`, or `current`. @throws NOT_FOUND, NO_RELEASE, RELEASE_CODE_GONE */
async function releaseWithCode(app: App, version: string, { store, config }: ApiContext): Promise<Release> {
  const newest = app.current ?? app.target
  if (version === 'current' && newest === null) throw noRelease(app.name)
  const number = version === 'current' ? newest?.release : /^v?([1-9]\d{0,8})$/.exec(version)?.[1]
  const entry = number === undefined ? null : await loadEntry(store, app.id, Number(number))
  if (!entry || isResizing(entry)) throw notFound('release', version)
  if ((await loadCollected(store, app.id)).has(entry.version))
    throw releaseCodeGone(entry.version, config.keepReleases, null)
  return entry
}

/** @param description null: says where the file came from */
async function deploySlug(
  req: Request,
  app: App,
  content: Readable,
  description: string | null,
  context: ApiContext,
): Promise<Deploy> {
  const { store, sources, deploys, random } = context
  await requireRunning(store, app, 'nothing can be deployed to it')
  const id = makeId('d', random(13)) as DeployId
  const { through, manifest } = inspectSlugFile()
  // Both are awaited, whichever fails: nothing is left on the disk when the refusal is answered.
  const [put, inspected] = await Promise.allSettled([sources.keep(id, through, MAX_BYTES), pipeline(content, through)])
  if (put.status === 'rejected')
    throw causeOf(inspected.status === 'rejected' ? [inspected.reason, put.reason] : [put.reason])
  if (inspected.status === 'rejected') throw inspected.reason
  try {
    const deploy = await deploys.submit({
      id,
      app,
      kind: 'slug',
      actor: callerOf(req).actor,
      description: description ?? describe(manifest()),
      commit: manifest().commit,
      source: put.value,
      fromRelease: null,
      config: null,
    })
    void removeWhenOver(id, context)
    return deploy
  } catch (error) {
    await sources.remove(id)
    throw error
  }
}

/** What a controller that ends meanwhile leaves, the next one sweeps. */
async function removeWhenOver(id: DeployId, { store, sources, signal, now, log }: ApiContext): Promise<void> {
  try {
    await followDeploy({ store, id, onLine: () => {}, signal, now })
    if (!signal.aborted) await sources.remove(id)
  } catch (error) {
    log.debug('source of a slug is left to be swept', { deploy: id, error })
  }
}

const describe = ({ origin }: SlugManifest): string => `Deploy a slug${origin === '' ? '' : ` of ${origin}`}`

/** A stream that breaks breaks its neighbours: the refusal among what they say is the cause. */
const causeOf = (reasons: unknown[]): unknown => reasons.find((reason) => reason instanceof BerthError) ?? reasons[0]
