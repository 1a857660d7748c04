/** The ledger, as it is asked. Samples are added where they arrive, once each (core/store/usage.ts). */
import type { AllUsageView, TenantUsageView, UsageView, UsedView } from '#core/contract/api.ts'
import type { AppRecord } from '#core/domain/app.ts'
import { usageTooLong } from '#core/domain/errors.ts'
import type { TenantId } from '#core/domain/ids.ts'
import { addUsage, memoryMbHours, startOfStep, sumUsage, type UsageTotals } from '#core/domain/usage.ts'
import { loadApps, loadFormerApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { loadBuckets, type UsageScope } from '#core/store/usage.ts'
import type { Period } from './period.ts'

export async function usageOfApp(store: Store, app: AppRecord, period: Period): Promise<UsageView> {
  const used = await usedBy(store, `app:${app.id}`, period)
  return { app: app.name, tenant: app.tenantId, ...shown(period), ...used, memoryMbHours: memoryMbHours(used.usage) }
}

export async function usageOfTenant(store: Store, tenant: TenantId, period: Period): Promise<TenantUsageView> {
  const [answer] = (await usageOfTenants(store, [tenant], period)).tenants
  if (!answer) throw new Error(`the ledger did not answer for ${tenant}`)
  return answer
}

/** Each tenant with its apps, by name; apps that were destroyed meanwhile are named if they used anything. */
export async function usageOfTenants(store: Store, ids: TenantId[], period: Period): Promise<AllUsageView> {
  const apps = await loadApps(store)
  const asked = await Promise.all(
    ids.map(async (tenant) => ({
      tenant,
      apps: [
        ...apps.filter(({ tenantId }) => tenantId === tenant).map(({ id, name }) => ({ id, name, destroyed: false })),
        ...[...(await loadFormerApps(store, tenant))].map(([id, { name }]) => ({ id, name, destroyed: true })),
      ].sort((a, b) => (a.name < b.name ? -1 : 1)),
    })),
  )
  refuseEndless(period, asked.length + asked.flatMap((tenant) => tenant.apps).length)
  const tenants = await Promise.all(
    asked.map(async ({ tenant, apps }) => {
      const used = await Promise.all(
        apps.map(async ({ id, name, destroyed }) => ({
          app: name,
          destroyed,
          ...(await usedBy(store, `app:${id}`, period)),
        })),
      )
      return {
        tenant,
        ...shown(period),
        ...(await usedBy(store, `tenant:${tenant}`, period)),
        apps: used.filter(({ destroyed, usage }) => !destroyed || usage.memoryMbSeconds + usage.requests > 0),
      }
    }),
  )
  return { ...shown(period), usage: sumUsage(tenants.map(({ usage }) => usage)), tenants }
}

async function usedBy(store: Store, scope: UsageScope, { from, to, by, resolution }: Period): Promise<UsedView> {
  const buckets = await loadBuckets(store, scope, resolution, from, to)
  const steps = new Map<number, UsageTotals>()
  if (by)
    for (const [at, usage] of buckets) {
      const start = startOfStep(by, at)
      const before = steps.get(start)
      steps.set(start, before ? addUsage(before, usage) : usage)
    }
  return {
    usage: sumUsage(buckets.values()),
    buckets: [...steps].map(([start, usage]) => ({ from: iso(start), usage })),
  }
}

const MAX_BUCKETS = 100_000

/** @throws BAD_REQUEST before an answer of hundreds of megabytes is put together */
function refuseEndless({ from, to, by, resolution }: Period, series: number): void {
  const buckets = by ? series * Math.ceil((to - from) / resolution.ms) : 0
  if (buckets > MAX_BUCKETS) throw usageTooLong(buckets, MAX_BUCKETS)
}

const shown = ({ from, to, by }: Period) => ({ from: iso(from), to: iso(to), by })
const iso = (at: number) => new Date(at).toISOString()
