/** What was used. */
import { z } from 'zod'
import { usageFields, usageSteps, type UsageField } from '../../domain/usage.ts'
import { moment, named, text } from './shape.ts'

const totals = named(
  'UsageTotals',
  Object.fromEntries(usageFields.map(({ name }) => [name, z.number()])) as Record<UsageField, z.ZodNumber>,
)

/** The time that is meant, at the edges of what the ledger keeps apart. */
const period = {
  from: moment,
  to: moment.describe('Exclusive.'),
  by: z.enum(usageSteps).nullable(),
}
const used = {
  usage: totals,
  buckets: z
    .array(z.strictObject({ from: moment, usage: totals }))
    .describe('The steps in which anything was used, in order.'),
}

export const usageView = named('Usage', { ...period, ...used, app: text, tenant: text, memoryMbHours: z.number() })
export const appUsageView = z.strictObject({ ...used, app: text, destroyed: z.boolean() })
export const tenantUsageView = named('TenantUsage', { ...period, ...used, tenant: text, apps: z.array(appUsageView) })
export const allUsageView = named('AllUsage', { ...period, usage: totals, tenants: z.array(tenantUsageView) })

export type UsedView = z.infer<z.ZodObject<typeof used>>
export type PeriodView = z.infer<z.ZodObject<typeof period>>
export type UsageView = z.infer<typeof usageView>
export type AppUsageView = z.infer<typeof appUsageView>
export type TenantUsageView = z.infer<typeof tenantUsageView>
export type AllUsageView = z.infer<typeof allUsageView>
