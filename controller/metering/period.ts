/** Which stretch of time a question about use means, and from which buckets it is answered. */
import type { UsageQuery } from '#core/contract/api.ts'
import { usageNotKept, usagePeriodEmpty } from '#core/domain/errors.ts'
import {
  dayResolution,
  nextStep,
  resolutionFor,
  resolutionOfStep,
  startOfStep,
  type Resolution,
  type UsageStep,
} from '#core/domain/usage.ts'

export type Period = {
  /** ms since 1970, at the edges of buckets; `to` is exclusive, and at most now. */
  from: number
  to: number
  /** Into what the answer is divided; null: not at all. */
  by: UsageStep | null
  resolution: Resolution
}

const HOUR = 3600_000
const DAY = 24 * HOUR

/** Without `from`: what fits a screen of the step, else the current month (UTC). */
const usual: Record<UsageStep, (now: number) => number> = {
  minute: (now) => now - HOUR,
  hour: (now) => now - DAY,
  day: (now) => now - 30 * DAY,
  month: (now) => now - 365 * DAY,
}

/** @throws BAD_REQUEST that names the time and what to ask instead */
export function periodOf(query: UsageQuery, now: number): Period {
  const by = query.by ?? null
  const to = Math.min(query.to ?? now, now)
  const from = query.from ?? (by ? usual[by](to) : startOfStep('month', to - 1))
  if (from >= to) throw usagePeriodEmpty(iso(from), iso(to))
  const resolution = by ? resolutionOfStep(by) : resolutionFor(from, to, now)
  if (now - from > dayResolution.keepMs) throw usageNotKept('day', 400, 'days', iso(now - dayResolution.keepMs))
  if (now - from > resolution.keepMs)
    throw usageNotKept(resolution.name, resolution.keepMs / HOUR, 'hours', iso(now - resolution.keepMs))
  const step = by ?? resolution.name
  return { from: startOfStep(step, from), to: Math.min(nextStep(step, to - 1), now), by, resolution }
}

const iso = (at: number) => new Date(at).toISOString()
