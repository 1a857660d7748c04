/** Tenants and plans, and what people show to be let in. */
import { z } from 'zod'
import type { Mark } from '../../domain/budget.ts'
import { listOf, moment, named, text, texts, whole } from './shape.ts'
import { requestRateView, trafficCapsFields } from './traffic.ts'

export const planView = named('Plan', {
  name: text,
  memoryMb: whole,
  cpuMilli: whole,
  diskMb: whole,
  instances: whole,
  apps: whole,
  instanceMemoryMb: whole.describe('The most that one instance may be given.'),
  weight: whole.describe('CPU time on a busy host goes to tenants by weight; 100 is ordinary.'),
  requestRate: requestRateView,
  traffic: z.strictObject(trafficCapsFields).describe('null: no limit.'),
  budget: z
    .strictObject({
      cpuSeconds: z.number().nullable(),
      egressBytes: z.number().nullable(),
      requests: z.number().nullable(),
    })
    .describe('Per calendar month (UTC); null: no end.'),
  ceilings: z
    .strictObject({
      networkMbit: whole,
      connections: whole,
      connectionsPerSecond: whole,
      logKbPerSecond: whole,
      ioMbPerSecond: whole,
    })
    .describe('Of each instance.'),
  logKb: whole.describe('How much is kept of each app’s log.'),
})
export type PlanView = z.infer<typeof planView>
export const plansView = z.strictObject({ plans: z.array(planView) })

const tenantFields = {
  id: text,
  createdAt: moment,
  plan: text,
  requestRate: requestRateView.describe('The plan’s, if the tenant has none of its own.'),
  traffic: z.strictObject(trafficCapsFields).describe('The plan’s, but where the tenant has its own.'),
  cpus: text.nullable(),
  egress: z.strictObject({ allow: texts, deny: texts }),
  suspended: z
    .strictObject({ at: moment, by: text, reason: text })
    .nullable()
    .describe('Why nothing of it runs: an operator’s reason, or that its budget is used up.'),
}
export const tenantView = named('Tenant', tenantFields)
export type TenantView = z.infer<typeof tenantView>
export const tenantsView = listOf('tenants', tenantView)

const standing = z
  .strictObject({
    month: text,
    mark: z.union([0, 75, 90, 100].map((mark) => z.literal(mark as Mark))),
    of: z.enum(['cpuSeconds', 'egressBytes', 'requests']),
    used: z.number(),
    limit: z.number(),
    at: z.number().describe('When the mark was reached, ms since 1970.'),
  })
  .nullable()

/** With what its plan allows, what is promised of that, and what of the month's budget is used. */
export const tenantDetail = named('TenantDetail', {
  ...tenantFields,
  limits: planView,
  promised: z.strictObject({ apps: whole, instances: whole, memoryMb: whole, diskMb: whole }),
  budget: z.strictObject({
    month: text,
    cpuSeconds: z.number(),
    egressBytes: z.number(),
    requests: z.number(),
    alert: standing,
    requestAlert: standing,
  }),
})
export type TenantDetail = z.infer<typeof tenantDetail>
