/** What is sent about builds and releases. */
import { z } from 'zod'

export const rollback = z.strictObject({ release: z.int().min(1).optional() })
/** `tail`: goes on until the build's deploy is over. */
export const buildOutputQuery = z.object({
  tail: z
    .enum(['0', '1', 'true', 'false'])
    .default('0')
    .transform((text) => text === '1' || text === 'true'),
})
