/** Time series: `GET /v1/apps/:app/metrics`, `/v1/tenants/:tenant/metrics`, `/v1/hosts/:host/metrics` and `/v1/metrics` (all). */
import { z } from 'zod'
import { seriesNames } from '../domain/series.ts'

/** A rate is an average over the step; a gauge is the step's highest value; restarts are how many there were. */
export { seriesNames, type SeriesName } from '../domain/series.ts'

/** 10 s for an hour, a minute for a day, an hour for 30 days. */
export { seriesSteps, type SeriesStep } from '../domain/series.ts'

export const seriesRanges = ['1h', '24h', '30d'] as const
export type SeriesRange = (typeof seriesRanges)[number]

/** A day or a moment of ISO 8601 (RFC 3339), as ms since 1970. A day begins at midnight UTC. */
const instant = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], {
    message: 'must be a day like 2026-11-01, or a time like 2026-11-01T08:30:00Z',
  })
  .transform((text) => Date.parse(text))

/** `range`, the last hour if it is left out; or `from`, and `to` if that is not now. */
export const seriesQuery = z
  .strictObject({ range: z.enum(seriesRanges).optional(), from: instant.optional(), to: instant.optional() })
  .refine(({ range, from, to }) => range === undefined || (from === undefined && to === undefined), {
    path: ['range'],
    message: 'cannot be given together with from and to; choose one',
  })
  .refine(({ from, to }) => to === undefined || from !== undefined, { path: ['to'], message: 'needs a from' })
  .refine(({ from = 0, to = Infinity }) => from < to, { path: ['from'], message: 'must be before to' })
export type SeriesQuery = z.infer<typeof seriesQuery>

export const seriesView = z.strictObject({
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  stepSeconds: z.int(),
  /** Each has a value for each step from `from`; null where nothing is known. What was never measured is left out. */
  series: z.partialRecord(z.enum(seriesNames), z.array(z.number().nullable())),
})
export type SeriesView = z.infer<typeof seriesView>
