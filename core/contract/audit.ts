/** The audit log, as the API shows it. docs/audit.md says what is written down, and when. */
import { z } from 'zod'

const moment = z.iso.datetime({ offset: true, error: 'must be a time like 2026-11-01T08:30:00Z' })

export const auditQuery = z.strictObject({
  /** Part of the name of who did it, or the id of a token or of a user. */
  actor: z.string().max(100).optional(),
  /** The beginning of an operation: `POST /apps`, `git push`, `DELETE`. */
  operation: z.string().max(100).optional(),
  tenant: z.string().max(63).optional(),
  app: z.string().max(63).optional(),
  since: moment.optional(),
  until: moment.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  /** `next` of the answer before. */
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'must be "next" of an earlier answer')
    .optional(),
})
export type AuditQuery = z.infer<typeof auditQuery>

/** @property from the place in the chain at which to begin; left out: the oldest that the store holds */
export const auditExportQuery = z.strictObject({ from: z.coerce.number().int().min(1).optional() })

export const auditEntryView = z.strictObject({
  seq: z.int(),
  at: z.string(),
  operation: z.string(),
  requestId: z.string(),
  actor: z.strictObject({
    kind: z.enum(['operator', 'member', 'agent', 'nobody']),
    name: z.string(),
    tokenId: z.string().nullable(),
    userId: z.string().nullable(),
    standsIn: z
      .literal(true)
      .optional()
      .describe('An operator who acted in the place of the tenant, which has not made them a member.'),
  }),
  tenant: z.string().nullable(),
  app: z.string().nullable(),
  target: z.record(z.string(), z.string()),
  asked: z.array(z.string()),
  changes: z.array(z.strictObject({ field: z.string(), before: z.unknown(), after: z.unknown() })),
  /** Where operators were is not shown to tenants. */
  from: z.strictObject({ address: z.string(), agent: z.string() }).nullable(),
  result: z.strictObject({ status: z.int().nullable(), code: z.string().nullable() }),
  unrecorded: z.int(),
})
export type AuditEntryView = z.infer<typeof auditEntryView>

/** The newest first. */
export const auditView = z.strictObject({
  entries: z.array(auditEntryView),
  /** For the entries before these; null: there are none. */
  next: z.string().nullable(),
})
export type AuditView = z.infer<typeof auditView>

/** The last line of an export: where the chain stood. */
export const auditHeadView = z.strictObject({
  head: z.strictObject({ seq: z.int(), hash: z.string().regex(/^[0-9a-f]{64}$/) }),
})
export type AuditHeadView = z.infer<typeof auditHeadView>

/** An entry as it was hashed; the last line is the head. */
export const auditExportLine = z.union([
  auditEntryView.extend({
    /** In ms since 1970. */
    at: z.int(),
    /** The hash of the line before. */
    previous: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  auditHeadView,
])
