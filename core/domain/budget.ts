/**
 * Monthly budgets: what a plan allows of CPU time, egress and requests in a calendar month (UTC). Alerts at 75 and 90 %.
 * At 100 % of CPU time or egress everything of the tenant stops until the month turns or its plan is raised; at 100 % of
 * the requests its apps go on and the routers refuse their requests, since nothing else makes one.
 */
import type { UsageTotals } from './usage.ts'

/** Per calendar month (UTC); null: no end. */
export type Budget = { cpuSeconds: number | null; egressBytes: number | null; requests: number | null }

/** Those whose end stops everything, and those whose end only the routers see. Each group has a standing of its own. */
export const runningBudgets = ['cpuSeconds', 'egressBytes'] as const satisfies (keyof Budget)[]
export const requestBudgets = ['requests'] as const satisfies (keyof Budget)[]

/** Percent of the budget that was reached. */
export type Mark = 0 | 75 | 90 | 100

export type BudgetStanding = {
  /** `2026-11` */
  month: string
  mark: Mark
  /** Which of the budgets is nearer its end, what is used of it and what it is. */
  of: keyof Budget
  used: number
  limit: number
  /** When the mark was reached, ms since 1970. */
  at: number
}

export type Month = { name: string; from: number; to: number }

/** The calendar month (UTC) that a time is in, as `2026-11` and from when to when it lasts, in ms since 1970. */
export function monthOf(now: number): Month {
  const date = new Date(now)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  return { name: date.toISOString().slice(0, 7), from: Date.UTC(year, month, 1), to: Date.UTC(year, month + 1, 1) }
}

/** What counts: CPU time of all that ran, every byte that left the tenant's instances, and requests that were let in. */
export const budgetUse = (
  usage: Pick<UsageTotals, 'cpuSeconds' | 'networkOutBytes' | 'requests'>,
): Record<keyof Budget, number> => ({
  cpuSeconds: usage.cpuSeconds,
  egressBytes: usage.networkOutBytes,
  requests: usage.requests,
})

/** `standing` is null where no mark is reached. `news`: a mark was reached, or the tenant may run again. */
export type BudgetLook = { standing: BudgetStanding | null; news: 'reached' | 'lifted' | null }

/**
 * Judges a month's use of some of the budgets together.
 * @param before the standing of the last look, which may be another month's
 * @returns the standing now (the same object when nothing is new), and what to tell
 */
export function judgeBudget(
  before: BudgetStanding | null,
  budget: Budget,
  use: Record<keyof Budget, number>,
  now: number,
  among: readonly (keyof Budget)[] = runningBudgets,
): BudgetLook {
  const month = monthOf(now).name
  const known = before?.month === month ? before : null
  const found = standingOf(among, budget, use, month, now)
  // A mark that was told stays as it was told, with the figures of that time.
  const standing = found.mark === known?.mark ? known : found.mark === 0 ? null : found
  const mark = standing?.mark ?? 0
  if (mark > (known?.mark ?? 0)) return { standing, news: 'reached' }
  if (before?.mark === 100 && mark < 100) return { standing, news: 'lifted' }
  return { standing, news: null }
}

const marks: Mark[] = [100, 90, 75]

function standingOf(
  among: readonly (keyof Budget)[],
  budget: Budget,
  use: Record<keyof Budget, number>,
  month: string,
  now: number,
): BudgetStanding {
  const shareOf = (each: keyof Budget) => shareUsed(budget[each], use[each])
  const of = among.reduce((most, each) => (shareOf(each) > shareOf(most) ? each : most))
  const mark = marks.find((each) => shareOf(of) * 100 >= each) ?? 0
  return { month, mark, of, used: use[of], limit: budget[of] ?? Infinity, at: now }
}

/** Of a budget of nothing, nothing is left. */
const shareUsed = (limit: number | null, used: number): number => (limit === null ? 0 : limit === 0 ? 1 : used / limit)

/** For people: `75 % of 500 CPU hours in 2026-11 is used`. */
export function describeBudget({ month, mark, of, limit }: BudgetStanding): string {
  return `${mark} % of ${describeLimit[of](limit)} in ${month} is used`
}

const GIB = 1024 ** 3
const describeLimit: Record<keyof Budget, (limit: number) => string> = {
  cpuSeconds: (limit) => `${round(limit / 3600)} CPU hours`,
  egressBytes: (limit) => `${round(limit / GIB)} GB egress`,
  requests: (limit) => `${limit} requests`,
}

const round = (value: number): number => Math.round(value * 1000) / 1000
