/** What was used: of an app, of a tenant, and of all that the caller may see. */
import type { Request } from 'express'
import { usageQuery } from '#core/contract/api.ts'
import { parse } from '#core/contract/schema.ts'
import { notFound } from '#core/domain/errors.ts'
import { loadTenant, loadTenants } from '#core/store/tenants.ts'
import { usageOfApp, usageOfTenant, usageOfTenants } from '../metering/ledger.ts'
import { periodOf, type Period } from '../metering/period.ts'
import { appOf, seesTenant, tenantOf } from './access.ts'
import { callerOf } from './auth.ts'
import type { ApiContext } from './context.ts'
import type { Routes } from './routes.ts'

export const usageRoutes = ({ store, now }: ApiContext): Routes => ({
  '/apps/:app/usage': {
    async GET(req, res) {
      const app = await appOf(req, store)
      res.json(await usageOfApp(store, app, asked(req, now())))
    },
  },
  '/tenants/:tenant/usage': {
    async GET(req, res) {
      const id = tenantOf(req)
      if (!(await loadTenant(store, id))) throw notFound('tenant', id)
      res.json(await usageOfTenant(store, id, asked(req, now())))
    },
  },
  '/usage': {
    async GET(req, res) {
      const tenants = await loadTenants(store)
      const ids = tenants.map(({ id }) => id).filter((id) => seesTenant(callerOf(req), id))
      res.json(await usageOfTenants(store, ids.sort(), asked(req, now())))
    },
  },
})

const asked = (req: Request, now: number): Period => periodOf(parse(usageQuery, req.query, 'query'), now)
