import type { TenantId } from '../domain/ids.ts'
import type { Tenant } from '../domain/quota.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

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
  return unpack<Tenant>(await store.hget(keys.tenant(id), 'record'))
}

export async function loadTenants(store: Store): Promise<Tenant[]> {
  const ids = await store.smembers(keys.tenants)
  const tenants = await Promise.all(ids.map((id) => loadTenant(store, id as TenantId)))
  return tenants.filter((tenant) => tenant !== null)
}
