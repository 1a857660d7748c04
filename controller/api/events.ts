/** What happened to an app: starts, ends and their reasons, releases, changes by people. */
import { eventQuery } from '#core/contract/api.ts'
import { parse } from '#core/contract/schema.ts'
import { loadEvents } from '#core/store/events.ts'
import { appOf } from './access.ts'
import type { ApiContext } from './context.ts'
import type { Routes } from './routes.ts'
import { eventView } from './views.ts'

export const eventRoutes = ({ store }: ApiContext): Routes => ({
  '/apps/:app/events': {
    async GET(req, res) {
      const app = await appOf(req, store)
      const { n, since, kind } = parse(eventQuery, req.query, 'query')
      const events = await loadEvents(store, app.id, {
        limit: n,
        kinds: kind === undefined ? undefined : [kind],
        since: since === undefined ? undefined : Date.parse(since),
      })
      res.json({ events: events.map(eventView) })
    },
  },
})
