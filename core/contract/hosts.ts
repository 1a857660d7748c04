/** What operators are told of hosts beside the list of them. */
import { z } from 'zod'

export const diagnosisView = z.strictObject({
  host: z.string(),
  /** When the host looked; null: it has not yet. */
  at: z.string().nullable(),
  findings: z.array(
    z.strictObject({
      check: z.string(),
      verdict: z.enum(['ok', 'advice', 'problem']),
      found: z.string(),
      why: z.string(),
      remedy: z.string().nullable(),
    }),
  ),
})
export type DiagnosisView = z.infer<typeof diagnosisView>
