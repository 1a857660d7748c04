/** What crosses the API about logs. */
import { z } from 'zod'
import { logSources, MAX_LOG_LINES } from '../domain/log.ts'

/** One line of `GET /v1/apps/APP/logs` (newline-delimited JSON). */
export const logLine = z.strictObject({
  /** Of its place in the log: `after` it, the log goes on. */
  id: z.string(),
  at: z.iso.datetime({ offset: true }),
  source: z.enum(logSources),
  /** The instance (`web.1`), or who else speaks: `router`, `build`, `app`. */
  ps: z.string(),
  line: z.string(),
})
export type LogLine = z.infer<typeof logLine>

const flag = z.enum(['0', '1', 'true', 'false'])
/** An instant, as ISO 8601 with its offset from UTC. */
const instant = z.iso.datetime({ offset: true, error: 'must be a time like 2026-01-31T09:30:00Z' })

/** `n` counts the lines that pass; `tail` goes on with what comes; `after` begins behind a line that was read before. */
export const logQuery = z.object({
  n: z.coerce.number().int().min(0).max(MAX_LOG_LINES).default(100),
  tail: flag.default('0').transform((text) => text === '1' || text === 'true'),
  source: z.enum(logSources).optional(),
  ps: z.string().max(40).optional(),
  grep: z.string().min(1).max(200).optional(),
  since: instant.optional(),
  until: instant.optional(),
  after: z
    .string()
    .regex(/^\d{1,15}-\d{1,15}-\d{1,15}$/, 'must be the id of a line that was read')
    .optional(),
})
export type LogQuery = z.infer<typeof logQuery>
