/** What an app may take of its tenant's traffic, e.g. so that a trial does not use up what a shop needs. */
import { patchQuota, type QuotaView } from '#core/contract/api.ts'
import type { App } from '#core/domain/app.ts'
import { noCaps, planOf, trafficOf, type AppQuota } from '#core/domain/quota.ts'
import { loadApp, setQuota } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { appendEvent } from '#core/store/events.ts'
import { loadPlans } from '#core/store/plans.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { eventOfApp } from '../events.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import type { ApiContext } from './context.ts'
import { given } from './plans.ts'
import type { Routes } from './routes.ts'
import { answerTagged, requireUnchanged } from './tags.ts'

const noQuota: AppQuota = { ...noCaps, requests: null }

export const quotaRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/quota': {
    async GET(req, res) {
      answerTagged(req, res, await view(context.store, await appOf(req, context.store)))
    },
    async PATCH(req, res) {
      const app = await appOf(req, context.store)
      const change = given(bodyOf(req, patchQuota))
      const { actor } = callerOf(req)
      await context.turns.run(`quota of ${app.id}`, async () => {
        const now = await loadApp(context.store, app.id)
        requireUnchanged(req, `The quota of ${app.name}`, await view(context.store, now ?? app))
        await save(app, { ...(now?.quota ?? noQuota), ...change }, actor, context)
      })
      answerTagged(req, res, await view(context.store, await appOf(req, context.store)))
    },
    async DELETE(req, res) {
      const app = await appOf(req, context.store)
      await context.turns.run(`quota of ${app.id}`, () => save(app, noQuota, callerOf(req).actor, context))
      res.status(204).end()
    },
  },
})

async function save(app: App, quota: AppQuota, actor: string, { store, log, wake, now }: ApiContext): Promise<void> {
  const limited = Object.values(quota).some((limit) => limit !== null)
  await setQuota(store, app.id, limited ? quota : null)
  wake()
  log.info('app quota changed', { appId: app.id, quota, actor })
  const text = limited ? 'its traffic is limited' : 'it may take all of its tenant’s traffic'
  await appendEvent(store, app.id, eventOfApp('quotaChanged', `${app.name}: ${text}`, actor, now()))
}

async function view(store: Store, { name, tenantId, quota }: App): Promise<QuotaView> {
  const [tenant, plans] = await Promise.all([loadTenant(store, tenantId), loadPlans(store)])
  const { stopped: _, ...ofTenant } = trafficOf(tenant, planOf(plans, tenant))
  return { app: name, tenant: tenantId, quota: quota ?? noQuota, ofTenant }
}
