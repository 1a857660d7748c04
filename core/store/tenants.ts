import type { TenantId } from '../domain/ids.ts'
import { DEFAULT_PLAN, openEgress, type Tenant } from '../domain/quota.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

export const newTenant = (id: TenantId, now: number): Tenant => ({
  id,
  createdAt: now,
  plan: DEFAULT_PLAN,
  requestRate: null,
  cpus: null,
  egress: openEgress,
  suspended: null,
})

/** @returns false when the tenant exists */
export async function createTenant(store: Store, tenant: Tenant): Promise<boolean> {
  const made = await store.hsetnx(keys.tenant(tenant.id), 'record', pack(tenant))
  await store.sadd(keys.tenants, tenant.id)
  return made === 1
}

export async function saveTenant(store: Store, tenant: Tenant): Promise<void> {
  await store.hset(keys.tenant(tenant.id), 'record', pack(tenant))
}

export async function loadTenant(store: Store, id: TenantId): Promise<Tenant | null> {
  const stored = unpack<Tenant>(await store.hget(keys.tenant(id), 'record'))
  // What an earlier version wrote lacks the newer fields.
  return stored && { ...newTenant(id, 0), ...stored }
}

export async function loadTenants(store: Store): Promise<Tenant[]> {
  const ids = await store.smembers(keys.tenants)
  const tenants = await Promise.all(ids.map((id) => loadTenant(store, id as TenantId)))
  return tenants.filter((tenant) => tenant !== null)
}
