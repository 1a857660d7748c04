import type { TenantId } from '../domain/ids.ts'
import { DEFAULT_PLAN, openEgress, type Tenant } from '../domain/quota.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

export const newTenant = (id: TenantId, now: number): Tenant => ({
  id,
  createdAt: now,
  plan: DEFAULT_PLAN,
  requestRate: null,
  traffic: {},
  cpus: null,
  egress: openEgress,
  suspended: null,
  budget: null,
  requestBudget: null,
})

/** @returns false when the tenant exists */
export async function createTenant(store: Store, tenant: Tenant): Promise<boolean> {
  const made = await store.hsetnx(keys.tenant(tenant.id), 'record', pack(tenant))
  await store.sadd(keys.tenants, tenant.id)
  return made === 1
}

export type TenantChange = Partial<Omit<Tenant, 'id' | 'createdAt'>>

/** Each setting is a field of its own, so that two who change different ones do not undo each other. */
export async function changeTenant(store: Store, id: TenantId, change: TenantChange): Promise<void> {
  const fields = Object.entries(change).flatMap(([name, value]) => [name, pack(value)])
  if (fields.length > 0) await store.hset(keys.tenant(id), ...fields)
}

export async function loadTenant(store: Store, id: TenantId): Promise<Tenant | null> {
  return toTenant(id, await store.hgetall(keys.tenant(id)))
}

export function toTenant(id: TenantId, { record, ...fields }: Partial<Record<string, string>>): Tenant | null {
  const made = unpack<Tenant>(record)
  const changed = Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, unpack(text)]))
  // What an earlier version wrote lacks the newer fields.
  return made && { ...newTenant(id, 0), ...made, ...changed }
}

export async function loadTenants(store: Store): Promise<Tenant[]> {
  const ids = await store.smembers(keys.tenants)
  const tenants = await Promise.all(ids.map((id) => loadTenant(store, id as TenantId)))
  return tenants.filter((tenant) => tenant !== null)
}
