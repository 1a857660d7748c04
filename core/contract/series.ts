/** Time series: `GET /v1/apps/:app/metrics`, `/v1/tenants/:tenant/metrics`, `/v1/hosts/:host/metrics` and `/v1/metrics` (all). */
import { z } from 'zod'

/** A rate is an average over the step; a gauge is the step's highest value. */
export const seriesNames = [
  'cpuMilli',
  'memoryBytes',
  'instances',
  'requestsPerSecond',
  'errorsPerSecond',
  'p50Ms',
  'p95Ms',
  'bytesInPerSecond',
  'bytesOutPerSecond',
  'restarts',
] as const
export type SeriesName = (typeof seriesNames)[number]

/** 10 s for an hour, a minute for a day, an hour for 30 days. */
export const seriesSteps = ['10s', '1m', '1h'] as const
export type SeriesStep = (typeof seriesSteps)[number]

export const seriesView = z.strictObject({
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  stepSeconds: z.int(),
  /** Each has a value for each step from `from`; null where nothing is known. What was never measured is left out. */
  series: z.partialRecord(z.enum(seriesNames), z.array(z.number().nullable())),
})
export type SeriesView = z.infer<typeof seriesView>
