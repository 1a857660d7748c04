/** What happened to an app: starts, ends and their reasons, releases, changes by people. */
import { hash } from 'node:crypto'
import { eventQuery } from '#core/contract/api.ts'
import { parse } from '#core/contract/schema.ts'
import { KEEP_EVENTS, type AppEvent } from '#core/domain/event.ts'
import { loadEvents } from '#core/store/events.ts'
import { appOf } from './access.ts'
import type { ApiContext } from './context.ts'
import { pageOf, type Listing } from './pages.ts'
import type { Routes } from './routes.ts'
import { eventView } from './views.ts'

/** Events have no name of their own: what they say at which moment stands for it. */
const listing: Listing<AppEvent> = {
  name: 'events',
  id: (event) => hash('sha256', JSON.stringify(event)).slice(0, 16),
  at: ({ at }) => at,
  newestFirst: true,
}

export const eventRoutes = ({ store }: ApiContext): Routes => ({
  '/apps/:app/events': {
    async GET(req, res) {
      const app = await appOf(req, store)
      const { n, since, kind } = parse(eventQuery, req.query, 'query')
      const events = await loadEvents(store, app.id, {
        limit: KEEP_EVENTS,
        kinds: kind === undefined ? undefined : [kind],
        since: since === undefined ? undefined : Date.parse(since),
      })
      const { items, next } = pageOf(req, events, listing, n)
      res.json({ events: items.map(eventView), ...next })
    },
  },
})
