/** What crosses the API about drains of logs. */
import { z } from 'zod'

/** `token` goes with an HTTPS drain, as `Authorization: Bearer`. */
export const addDrain = z.strictObject({
  url: z.string().min(1).max(2000),
  token: z
    .string()
    .regex(/^[\x21-\x7e]{1,500}$/, 'must be 1 to 500 visible ASCII characters')
    .optional(),
})

export const drainView = z.strictObject({
  id: z.string(),
  /** null: of all apps. */
  app: z.string().nullable(),
  /** Without its path, which often is a secret. */
  url: z.string(),
  createdAt: z.iso.datetime(),
  createdBy: z.string(),
  /** Lines, since it was added. */
  sent: z.int(),
  dropped: z.int(),
  /** Why the last try failed; null: it did not. */
  failure: z.string().nullable(),
  triedAt: z.iso.datetime().nullable(),
})
export type DrainView = z.infer<typeof drainView>

export const drainsView = z.strictObject({ drains: z.array(drainView) })
export type DrainsView = z.infer<typeof drainsView>
