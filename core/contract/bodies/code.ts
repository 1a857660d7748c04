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

/** Of `POST /apps/:app/source`. */
export const uploadQuery = z.object({
  /** What the release is called in lists. */
  message: z
    .string()
    .max(200)
    .regex(/^[^\p{Cc}]*$/u, 'must be one line')
    .default('Deploy an upload'),
})
