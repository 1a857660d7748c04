/** What needs somebody's attention. */
import { z } from 'zod'
import { alertKinds, limitUnits, type AlertKind } from '../domain/alert.ts'
import { tenantId } from './schema.ts'

export { alertKinds, type AlertKind }

export const alertView = z.strictObject({
  id: z.string(),
  kind: z.enum(alertKinds),
  state: z.enum(['firing', 'ended']),
  /** What it is about: an app's name, a tenant's id, a host's; null where it is none. */
  app: z.string().nullable(),
  tenant: z.string().nullable(),
  host: z.string().nullable(),
  since: z.iso.datetime(),
  until: z.iso.datetime().nullable(),
  /** A sentence that names the value and the limit. */
  text: z.string(),
})
export type AlertView = z.infer<typeof alertView>
export const alertsView = z.strictObject({ alerts: z.array(alertView) })
export type AlertsView = z.infer<typeof alertsView>

const rule = z.strictObject({
  on: z.boolean(),
  /** In the kind's unit (docs/alerts.md); null where it has none. */
  limit: z.number().nullable(),
  /** It begins when the limit is passed for so long. */
  forSeconds: z.number(),
})

const mute = z.strictObject({
  /** null: all kinds. */
  kind: z.enum(alertKinds).nullable(),
  until: z.iso.datetime(),
  by: z.string(),
})

/** What holds for an app, a tenant or the platform, and what of it was set there. */
export const alertRulesView = z.strictObject({
  app: z.string().nullable(),
  tenant: z.string().nullable(),
  rules: z.record(z.enum(alertKinds), rule),
  /** The kinds of which something was set here, not further up. */
  own: z.array(z.enum(alertKinds)),
  mutes: z.array(mute),
  /** Who is written to, as it was set here; null: as further up. */
  mail: z.array(z.string()).nullable(),
  /** Whether the operator lets Berth send mail at all. */
  mailWorks: z.boolean(),
})
export type AlertRulesView = z.infer<typeof alertRulesView>

/** One address (RFC 5321 §4.1.2, without quoted local parts): nothing in it can begin another one, or a header. */
const mailAddress = z
  .string()
  .max(254)
  .regex(/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'must be one mail address')

/** What is left out stays; a null takes back what was set here. */
export const patchAlerts = z.strictObject({
  rules: z
    .partialRecord(
      z.enum(alertKinds),
      z
        .strictObject({
          on: z.boolean().optional(),
          limit: z.number().optional(),
          forSeconds: z.int().min(0).max(86_400).optional(),
        })
        .nullable(),
    )
    .superRefine((rules, check) => {
      for (const kind of alertKinds) {
        const limit = rules[kind]?.limit
        if (limit === undefined) continue
        const fault = faultOfLimit(kind, limit)
        if (fault !== null) check.addIssue({ code: 'custom', path: [kind, 'limit'], message: fault })
      }
    })
    .optional(),
  /** Tells nobody of a kind (null: of any) until then; a time that is over ends it. */
  mute: z.strictObject({ kind: z.enum(alertKinds).nullable(), until: z.iso.datetime() }).optional(),
  mail: z.array(mailAddress).max(10).nullable().optional(),
})
export type PatchAlerts = z.infer<typeof patchAlerts>

function faultOfLimit(kind: AlertKind, limit: number): string | null {
  const unit = limitUnits[kind]
  if (unit === null) return 'has no limit that could be set; turn it on or off'
  return limit >= unit.least && limit <= unit.most ? null : `must be ${unit.least} to ${unit.most} ${unit.unit}`
}

export const alertQuery = z.strictObject({
  /** How many of those that ended. */
  n: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a number from 0 to 200')
    .transform(Number)
    .refine((n) => n <= 200, { message: 'must be a number from 0 to 200' })
    .optional(),
  tenant: tenantId.optional(),
})
