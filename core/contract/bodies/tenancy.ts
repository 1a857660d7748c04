/** What is sent about tenants, plans and tokens. */
import { z } from 'zod'
import { cores, egress, planLimits, planName, requestRate, tenantId, trafficCaps } from '../schema.ts'

export const createTenant = z.strictObject({ id: tenantId })
/** A null takes back what was set for this tenant alone: its traffic is then its plan's, and no core is its own. */
export const patchTenant = z.strictObject({
  plan: planName.optional(),
  requestRate: requestRate.nullable().optional(),
  traffic: trafficCaps.nullable().optional(),
  cpus: cores.nullable().optional(),
  egress: egress.optional(),
})
export const suspendTenant = z.strictObject({ reason: z.string().trim().min(1).max(200) })
export const createPlan = planLimits.extend({ name: planName })
export const patchPlan = planLimits
export type PatchPlan = z.infer<typeof patchPlan>
