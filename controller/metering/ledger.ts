/** The ledger: what an app used since it was made. Samples are added where they arrive, once each (core/store/usage.ts). */
import type { UsageView } from '#core/contract/api.ts'
import type { AppRecord } from '#core/domain/app.ts'
import { memoryMbHours } from '#core/domain/usage.ts'
import type { Store } from '#core/store/connection.ts'
import { loadUsage } from '#core/store/usage.ts'

export async function usageOf(store: Store, app: AppRecord): Promise<UsageView> {
  const usage = await loadUsage(store, app.id)
  return {
    app: app.name,
    from: new Date(app.createdAt).toISOString(),
    usage,
    memoryMbHours: memoryMbHours(usage),
  }
}
