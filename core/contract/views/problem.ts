/** What every answer is that is not a success: a problem document (RFC 9457), with further facts where they help. */
import { z } from 'zod'

export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('A sentence that names the cause, the value and the next step.'),
    code: z.string().describe('Stable: see docs/errors.md.'),
    requestId: z.string().describe('Under which the operator finds the cause in the log.'),
  })
  .meta({ id: 'Problem' })
export type Problem = z.infer<typeof problem>
