/** The ledger, as it is asked. Samples are added where they arrive, once each (core/store/usage.ts). */
import type { UsageView } from '#core/contract/api.ts'
import type { AppRecord } from '#core/domain/app.ts'
import { memoryMbHours, startOfStep } from '#core/domain/usage.ts'
import type { Store } from '#core/store/connection.ts'
import { appUsage } from '#core/store/usage.ts'

export async function usageOf(store: Store, app: AppRecord, now: number): Promise<UsageView> {
  const from = startOfStep('month', now)
  const usage = await appUsage(store, app.id, from, now)
  return { app: app.name, from: new Date(from).toISOString(), usage, memoryMbHours: memoryMbHours(usage) }
}
