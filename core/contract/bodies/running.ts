/** What is sent to run commands, and to ask what ran and what it used. */
import { z } from 'zod'
import { eventKinds, KEEP_EVENTS } from '../../domain/event.ts'
import { usageSteps } from '../../domain/usage.ts'
import { pageFields } from './page.ts'
import { window } from '../session.ts'
import { command, processType } from '../schema.ts'

/** `attach`: somebody comes to the run's session; left out, its output goes to the app's log. */
export const createRun = z.strictObject({
  command,
  env: z.record(z.string(), z.string().max(65_536)).optional(),
  /** Whose size it gets. */
  process: processType.optional(),
  memoryMb: z.int().min(32).max(65_536).optional(),
  cpuMilli: z.int().min(50).max(64_000).optional(),
  timeoutSeconds: z.int().min(1).max(604_800).optional(),
  attach: z.enum(['pipes', 'terminal']).optional(),
  window: window.optional(),
})
export type CreateRun = z.infer<typeof createRun>
export const runQuery = z.strictObject({
  n: z.coerce.number().int().min(1).max(200).default(50),
  job: z.string().max(40).optional(),
  ...pageFields,
})
export const eventQuery = z.object({
  n: z.coerce.number().int().min(1).max(KEEP_EVENTS).default(50),
  since: z.iso.datetime({ offset: true }).optional(),
  kind: z.enum(eventKinds).optional(),
  ...pageFields,
})
/** A day or a moment of ISO 8601 (RFC 3339), as ms since 1970. A day begins at midnight UTC. */
const instant = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], {
    message: 'must be a day like 2026-11-01, or a time like 2026-11-01T08:30:00Z',
  })
  .transform((text) => Date.parse(text))
export const usageQuery = z.strictObject({
  from: instant.optional(),
  to: instant.optional(),
  by: z.enum(usageSteps).optional(),
})
export type UsageQuery = z.infer<typeof usageQuery>
