/** Tenants: operators make them and set their quotas; a member sees its own. */
import { createTenant as createTenantSchema, patchTenant } from '#core/contract/api.ts'
import { notFound, tenantTaken } from '#core/domain/errors.ts'
import type { TenantId } from '#core/domain/ids.ts'
import type { Tenant } from '#core/domain/quota.ts'
import type { Store } from '#core/store/connection.ts'
import { createTenant, loadTenant, loadTenants, newTenant, saveTenant } from '#core/store/tenants.ts'
import { tenantOf } from './access.ts'
import { requireOperator } from './auth.ts'
import { bodyOf } from './body.ts'
import type { ApiContext } from './context.ts'
import type { Routes } from './routes.ts'
import { tenantView } from './views.ts'

export const tenantRoutes = ({ store, now, wake, log }: ApiContext): Routes => ({
  '/tenants': {
    async GET(req, res) {
      requireOperator(req, 'listing tenants')
      const tenants = await loadTenants(store)
      res.json({ tenants: tenants.sort((a, b) => a.id.localeCompare(b.id)).map(tenantView) })
    },
    async POST(req, res) {
      const { actor } = requireOperator(req, 'making a tenant')
      const { id } = bodyOf(req, createTenantSchema)
      const tenant = newTenant(id, now())
      if (!(await createTenant(store, tenant))) throw tenantTaken(id)
      log.info('tenant created', { tenantId: id, actor })
      res.status(201).json(tenantView(tenant))
    },
  },
  '/tenants/:tenant': {
    async GET(req, res) {
      res.json(tenantView(await find(store, tenantOf(req))))
    },
    async PATCH(req, res) {
      const id = tenantOf(req)
      const { actor } = requireOperator(req, "changing a tenant's quota")
      const tenant = { ...(await find(store, id)), ...bodyOf(req, patchTenant) }
      await saveTenant(store, tenant)
      log.info('tenant quota changed', { tenantId: id, requestRate: tenant.requestRate, actor })
      wake()
      res.json(tenantView(tenant))
    },
  },
})

async function find(store: Store, id: TenantId): Promise<Tenant> {
  const tenant = await loadTenant(store, id)
  if (!tenant) throw notFound('tenant', id)
  return tenant
}
