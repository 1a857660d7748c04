/** Deploys: list, show, follow. */
import type { Request } from 'express'
import type { DeployLogLine } from '#core/contract/api.ts'
import { notFound } from '#core/domain/errors.ts'
import { isId, type DeployId } from '#core/domain/ids.ts'
import type { Deploy } from '#core/domain/release.ts'
import { loadDeploy, loadDeploysAfter } from '#core/store/deploys.ts'
import { appOf } from './access.ts'
import type { ApiContext } from './context.ts'
import { followDeploy } from './follow.ts'
import { askedPage, cutPage, type Listing } from './pages.ts'
import { param, type Routes } from './routes.ts'
import { streamLines } from './stream.ts'
import { deployView } from './views.ts'

const LISTED = 50
const listing: Listing<Deploy> = {
  name: 'deploys',
  id: ({ id }) => id,
  at: ({ createdAt }) => createdAt,
  newestFirst: true,
}

export const deployRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/deploys': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      const { limit, after } = askedPage(req, listing, LISTED)
      const found = await loadDeploysAfter(context.store, app.id, after && (after.id as DeployId), limit + 1)
      const { items, next } = cutPage(found, limit, listing)
      res.json({ deploys: items.map(deployView), ...next })
    },
  },
  '/apps/:app/deploys/:deploy': {
    async GET(req, res) {
      res.json(deployView(await deployOf(req, context)))
    },
  },
  '/apps/:app/deploys/:deploy/log': {
    async GET(req, res) {
      const { id } = await deployOf(req, context)
      const stream = streamLines(res, context.signal)
      const write = (line: DeployLogLine) => stream.write(line)
      const { store, now } = context
      const onLine = (line: string) => write({ line })
      const ended = await followDeploy({ store, id, onLine, signal: stream.signal, now })
      if (ended) await write({ end: deployView(ended) })
      stream.end()
    },
  },
})

async function deployOf(req: Request, { store }: ApiContext): Promise<Deploy> {
  const app = await appOf(req, store)
  const id = param(req, 'deploy')
  const deploy = isId(id) ? await loadDeploy(store, id as DeployId) : null
  if (deploy?.appId !== app.id) throw notFound('deploy', id)
  return deploy
}
