/** Holds each app's log to what its tenant's plan keeps of it. By the leader, since plans change seldom. */
import { planOf } from '#core/domain/quota.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import { loadApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { limitLog, loadLogFigures } from '#core/store/logs.ts'
import { loadPlans } from '#core/store/plans.ts'
import { loadTenants } from '#core/store/tenants.ts'

const EVERY_MS = 10_000

/** Until the signal. */
export function watchLogLimits({ store, log }: { store: Store; log: Log }, signal: AbortSignal): Promise<void> {
  return repeat(
    EVERY_MS,
    async () => {
      const changed = await limitLogs(store)
      if (changed > 0) log.info('logs limited anew', { apps: changed })
    },
    signal,
    (error) => log.warn('logs not limited', { error }),
  )
}

/** @returns how many logs have another limit than before */
export async function limitLogs(store: Store): Promise<number> {
  const [apps, tenants, plans] = await Promise.all([loadApps(store), loadTenants(store), loadPlans(store)])
  let changed = 0
  for (const { id, tenantId } of apps) {
    const tenant = tenants.find((one) => one.id === tenantId) ?? null
    const bytes = planOf(plans, tenant).logKb * 1024
    if ((await loadLogFigures(store, id)).limit === bytes) continue
    await limitLog(store, id, bytes)
    changed += 1
  }
  return changed
}
