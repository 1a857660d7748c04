/** Whose something is that apps, tenants and the platform all can have: told by the path. */
import type { Request } from 'express'
import { notFound } from '#core/domain/errors.ts'
import type { AppName, TenantId } from '#core/domain/ids.ts'
import type { Owner } from '#core/domain/webhook.ts'
import type { Store } from '#core/store/connection.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { appOf, tenantOf } from './access.ts'

/** `name` is for sentences. */
export type NamedOwner = Owner & { name: string; appName: AppName | null }
export type OwnerOf = (req: Request) => Promise<NamedOwner>

/** Each throws NOT_FOUND for what is not there, or hidden from the caller. */
export const ownersOf = (store: Store): Record<'app' | 'tenant' | 'platform', OwnerOf> => ({
  app: async (req) => {
    const { id, name, tenantId } = await appOf(req, store)
    return { appId: id, tenantId, name, appName: name }
  },
  tenant: async (req) => {
    const tenantId = await existingTenant(req, store)
    return { appId: null, tenantId, name: tenantId, appName: null }
  },
  platform: () => Promise.resolve({ appId: null, tenantId: null, name: 'the platform', appName: null }),
})

/** Operators see tenants that there are not. @throws NOT_FOUND */
export async function existingTenant(req: Request, store: Store): Promise<TenantId> {
  const tenantId = tenantOf(req)
  if (!(await loadTenant(store, tenantId))) throw notFound('tenant', tenantId)
  return tenantId
}
