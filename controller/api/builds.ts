/** Builds: the deploys that have a source. List, show, output, cancel; and purging their cache. */
import type { Request } from 'express'
import { buildOutputQuery, type BuildView, type DeployLogLine } from '#core/contract/api.ts'
import { parse } from '#core/contract/schema.ts'
import type { App } from '#core/domain/app.ts'
import { deployNotCancellable, notFound } from '#core/domain/errors.ts'
import { isId, type DeployId } from '#core/domain/ids.ts'
import { isCancellable, isOver, type Deploy } from '#core/domain/release.ts'
import { loadApp, setBuild } from '#core/store/apps.ts'
import { loadDeploy, loadDeploysAfter, readDeployLog } from '#core/store/deploys.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import { changesOf, type ApiContext } from './context.ts'
import { followDeploy } from './follow.ts'
import { askedPage, cutPage, type Listing } from './pages.ts'
import { param, type Routes } from './routes.ts'
import { streamLines, type LineStream } from './stream.ts'
import { deployView } from './views.ts'

const LISTED = 50
const AT_ONCE = 100
const listing: Listing<Deploy> = {
  name: 'builds',
  id: ({ id }) => id,
  at: ({ createdAt }) => createdAt,
  newestFirst: true,
}

export const buildRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/builds': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      const { limit, after } = askedPage(req, listing, LISTED)
      const found = await buildsAfter(app, after && (after.id as DeployId), limit + 1, context)
      const { items, next } = cutPage(found, limit, listing)
      res.json({ builds: items.map(buildView), ...next })
    },
  },
  '/apps/:app/builds/:build': {
    async GET(req, res) {
      res.json(buildView(await buildOf(req, context)))
    },
  },
  '/apps/:app/builds/:build/output': {
    async GET(req, res) {
      const { tail } = parse(buildOutputQuery, req.query, 'query')
      const deploy = await buildOf(req, context)
      const stream = streamLines(res, context.signal)
      if (tail) await follow(deploy, stream, context)
      else await tellSoFar(deploy, stream, context)
      stream.end()
    },
  },
  '/apps/:app/builds/:build/cancel': {
    async POST(req, res) {
      const app = await appOf(req, context.store)
      const deploy = await buildOf(req, context)
      if (!isCancellable(deploy)) throw deployNotCancellable(app.name, deploy)
      if (!(await context.deploys.cancel(deploy, callerOf(req).actor))) {
        const now = (await loadDeploy(context.store, deploy.id)) ?? deploy
        throw deployNotCancellable(app.name, now)
      }
      res.status(202).json(buildView((await loadDeploy(context.store, deploy.id)) ?? deploy))
    },
  },
  '/apps/:app/build-cache': {
    async DELETE(req, res) {
      const { id } = await appOf(req, context.store)
      await context.turns.run(changesOf(id), async () => {
        const app = await loadApp(context.store, id)
        if (!app) throw notFound('app', param(req, 'app'))
        const cacheGeneration = app.build.cacheGeneration + 1
        await setBuild(context.store, id, { ...app.build, cacheGeneration })
        context.log.info('build cache purged', { appId: id, actor: callerOf(req).actor, cacheGeneration })
      })
      res.status(204).end()
    },
  },
})

const isBuild = ({ source }: Deploy): boolean => source !== null

/** The newest first; other deploys lie between them. */
async function buildsAfter(app: App, after: DeployId | null, count: number, { store }: ApiContext): Promise<Deploy[]> {
  const builds: Deploy[] = []
  for (let from = after; builds.length < count;) {
    const deploys = await loadDeploysAfter(store, app.id, from, AT_ONCE)
    builds.push(...deploys.filter(isBuild))
    const last = deploys.at(-1)
    if (last === undefined) break
    from = last.id
  }
  return builds.slice(0, count)
}

async function buildOf(req: Request, { store }: ApiContext): Promise<Deploy> {
  const app = await appOf(req, store)
  const id = param(req, 'build')
  const deploy = isId(id) ? await loadDeploy(store, id as DeployId) : null
  if (deploy?.appId !== app.id || !isBuild(deploy)) throw notFound('build', id)
  return deploy
}

async function follow({ id }: Deploy, stream: LineStream, { store, now }: ApiContext): Promise<void> {
  const onLine = (line: string) => stream.write({ line } satisfies DeployLogLine)
  const ended = await followDeploy({ store, id, onLine, signal: stream.signal, now })
  if (ended) await stream.write({ end: deployView(ended) } satisfies DeployLogLine)
}

async function tellSoFar(deploy: Deploy, stream: LineStream, { store }: ApiContext): Promise<void> {
  for (let after = '0'; !stream.signal.aborted;) {
    const { lines, next } = await readDeployLog(store, deploy.id, after)
    if (lines.length === 0) break
    for (const line of lines) await stream.write({ line } satisfies DeployLogLine)
    after = next
  }
  if (isOver(deploy)) await stream.write({ end: deployView(deploy) } satisfies DeployLogLine)
}

function buildView(deploy: Deploy): BuildView {
  const { startedAt, buildHost } = deploy
  return {
    ...deployView(deploy),
    startedAt: startedAt === null ? null : new Date(startedAt).toISOString(),
    host: buildHost,
  }
}
