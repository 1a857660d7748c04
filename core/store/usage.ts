import type { AppId, TenantId } from '../domain/ids.ts'
import { noUsage, usageFields, type UsageTotals } from '../domain/usage.ts'
import { loadApps } from './apps.ts'
import type { Store } from './connection.ts'
import { keys } from './keys.ts'

const KEEP_METER_SECONDS = 7 * 24 * 3600

/**
 * Counts a cumulative sample exactly once, however often it is delivered.
 * @param subject what was sampled, e.g. an instance's id and life; its counters only grow
 */
export async function recordUsage(
  store: Store,
  app: AppId,
  subject: string,
  counters: Partial<UsageTotals>,
): Promise<void> {
  await store.recordUsage(keys.meter(subject), keys.usage(app), KEEP_METER_SECONDS, ...Object.entries(counters).flat())
}

export async function loadUsage(store: Store, app: AppId): Promise<UsageTotals> {
  const fields = await store.hgetall(keys.usage(app))
  const totals = { ...noUsage }
  for (const field of usageFields) totals[field] = Number(fields[field] ?? 0)
  return totals
}

/** What a tenant's apps used. */
export async function tenantUsage(store: Store, tenant: TenantId, _from: number, _to: number): Promise<UsageTotals> {
  const apps = (await loadApps(store)).filter(({ tenantId }) => tenantId === tenant)
  const totals = { ...noUsage }
  for (const usage of await Promise.all(apps.map(({ id }) => loadUsage(store, id))))
    for (const field of usageFields) totals[field] += usage[field]
  return totals
}
