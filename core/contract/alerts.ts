/** What needs somebody's attention. */
import { z } from 'zod'

export const alertKinds = [
  'errorRate',
  'slow',
  'memory',
  'crashLoop',
  'quota',
  'hostLost',
  'certificate',
  'cronMissed',
  'disk',
] as const
export type AlertKind = (typeof alertKinds)[number]

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
