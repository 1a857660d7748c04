/** One-off runs: begin, list, show, stop. Being attached to one is a WebSocket (controller/runs/sessions.ts). */
import { createRun, runQuery } from '#core/contract/api.ts'
import { parse } from '#core/contract/schema.ts'
import type { App } from '#core/domain/app.ts'
import { notFound, runOver } from '#core/domain/errors.ts'
import { processName } from '#core/domain/instance.ts'
import type { Run } from '#core/domain/run.ts'
import { loadOpenRuns, loadRuns, stopRun } from '#core/store/runs.ts'
import { requireRunning } from '../halted.ts'
import { noteRun, submitRun } from '../runs/submit.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { checkNames } from './config.ts'
import { accountOf, type ApiContext } from './context.ts'
import { pageOf, type Listing } from './pages.ts'
import { param, type Routes } from './routes.ts'
import { runView } from './views.ts'

const listing: Listing<Run> = {
  name: 'runs',
  id: ({ id }) => id,
  at: ({ createdAt }) => createdAt,
  newestFirst: true,
}

export const runRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/runs': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      const { n, job } = parse(runQuery, req.query, 'query')
      const all = await loadRuns(context.store, app.id)
      const runs = all.filter(({ cron }) => job === undefined || cron?.job === job)
      const { items, next } = pageOf(req, runs, listing, n)
      res.json({ runs: items.map((run) => runView(app, run)), ...next })
    },
    async POST(req, res) {
      const app = await appOf(req, context.store)
      const wish = bodyOf(req, createRun)
      checkNames(wish.env ?? {})
      await requireRunning(context.store, app, 'nothing can be run in it')
      const { actor } = callerOf(req)
      const run = await context.turns.run(accountOf(app.tenantId), () =>
        submitRun(app, wish, actor, { ...context, maxTimeoutMs: context.config.runTimeoutMs }),
      )
      context.wake()
      await noteRun(context.store, app, run, context.now())
      res.status(201).json(runView(app, run))
    },
  },
  '/apps/:app/runs/:run': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      res.json(runView(app, await runOf(app, param(req, 'run'), context)))
    },
  },
  '/apps/:app/runs/:run/stop': {
    async POST(req, res) {
      const app = await appOf(req, context.store)
      const run = await runOf(app, param(req, 'run'), context)
      const stop = { at: context.now(), by: callerOf(req).actor }
      if (!(await stopRun(context.store, run.id, stop))) throw runOver(processName(run))
      context.wake()
      res.status(202).json(runView(app, { ...run, stop: run.stop ?? stop }))
    },
  },
})

/**
 * @param name `run.12`, or its id
 * @throws NOT_FOUND
 */
export async function runOf(app: App, name: string, { store }: Pick<ApiContext, 'store'>): Promise<Run> {
  const isMeant = (run: Run) => run.appId === app.id && (run.id === name || processName(run) === name)
  const run = (await loadOpenRuns(store)).find(isMeant) ?? (await loadRuns(store, app.id)).find(isMeant)
  if (!run) throw notFound('run', name)
  return run
}
