/** Pausing an app: its processes are frozen where they are and keep their memory, until it is resumed. */
import { noRelease } from '#core/domain/errors.ts'
import type { App, Pause } from '#core/domain/app.ts'
import { setPaused } from '#core/store/apps.ts'
import { appendEvent } from '#core/store/events.ts'
import { eventOfApp } from '../events.ts'
import { requireRunning } from '../halted.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import type { ApiContext } from './context.ts'
import type { Routes } from './routes.ts'

export const pauseRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/pause': {
    async POST(req, res) {
      const app = await appOf(req, context.store)
      if (!app.target) throw noRelease(app.name)
      // Paused again, it stays as it is.
      if (!app.paused) {
        await requireRunning(context.store, app, 'it cannot be paused')
        await change(app, { at: context.now(), by: callerOf(req).actor }, callerOf(req).actor, context)
      }
      res.status(202).json({})
    },
  },
  '/apps/:app/resume': {
    async POST(req, res) {
      const app = await appOf(req, context.store)
      if (app.paused) await change(app, null, callerOf(req).actor, context)
      res.status(202).json({})
    },
  },
})

async function change(app: App, paused: Pause | null, actor: string, { store, now, wake, log }: ApiContext) {
  await setPaused(store, app.id, paused)
  wake()
  const [kind, text] = paused
    ? (['paused', 'paused: its processes keep their memory and take no CPU'] as const)
    : (['resumed', 'resumed'] as const)
  log.info(`app ${kind}`, { appId: app.id, actor })
  await appendEvent(store, app.id, eventOfApp(kind, `${app.name} was ${text}`, actor, now()))
}
