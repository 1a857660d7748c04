/** Time series of an app, a tenant, a host, and the platform. docs/metrics.md */
import { seriesNames, seriesQuery, type SeriesView } from '#core/contract/series.ts'
import { parse } from '#core/contract/schema.ts'
import { notFound } from '#core/domain/errors.ts'
import type { Point } from '#core/domain/series.ts'
import { loadHosts } from '#core/store/hosts.ts'
import { readPoints, type SeriesSubject } from '#core/store/series.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { windowOf, type SeriesWindow } from '../series/window.ts'
import { appOf, tenantOf } from './access.ts'
import type { ApiContext } from './context.ts'
import { param, type Handler, type Routes } from './routes.ts'

export const seriesRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/metrics': {
    GET: show(context, async (req) => `app:${(await appOf(req, context.store)).id}`),
  },
  '/tenants/:tenant/metrics': {
    GET: show(context, async (req) => {
      const id = tenantOf(req)
      if (!(await loadTenant(context.store, id))) throw notFound('tenant', id)
      return `tenant:${id}`
    }),
  },
  '/hosts/:host/metrics': {
    GET: show(context, async (req) => {
      const name = param(req, 'host')
      const host = (await loadHosts(context.store)).find(({ id }) => id === name)
      if (!host) throw notFound('host', name)
      return `host:${host.id}`
    }),
  },
  '/metrics': { GET: show(context, () => Promise.resolve('platform')) },
})

function show({ store, now }: ApiContext, subjectOf: (req: Parameters<Handler>[0]) => Promise<SeriesSubject>): Handler {
  return async (req, res) => {
    const subject = await subjectOf(req)
    const window = windowOf(parse(seriesQuery, req.query, 'query'), now())
    res.json(seriesViewOf(window, await readPoints(store, subject, window.ring.step, window.from, window.to)))
  }
}

function seriesViewOf({ ring, from, to }: SeriesWindow, points: (Point | null)[]): SeriesView {
  const measured = seriesNames.filter((name) => points.some((point) => (point?.[name] ?? null) !== null))
  return {
    from: new Date(from * ring.ms).toISOString(),
    to: new Date(to * ring.ms).toISOString(),
    stepSeconds: ring.ms / 1000,
    series: Object.fromEntries(measured.map((name) => [name, points.map((point) => point?.[name] ?? null)])),
  }
}
