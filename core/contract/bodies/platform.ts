/** What operators send about the platform itself. */
import { z } from 'zod'
import { hostId, stackName } from '../schema.ts'

export const buildStack = z.strictObject({ host: hostId.optional(), fresh: z.boolean().optional() })
export const changeStack = z.strictObject({
  use: stackName.optional(),
  rollback: z.literal(true).optional(),
  force: z.boolean().optional(),
})
