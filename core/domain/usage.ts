/**
 * What instances, builds and requests use. A life's counters only grow, so a sample of them says everything that came
 * before it; the ledger adds the increase to buckets of minutes, hours and days, of the app and of its tenant.
 */

/**
 * THE list of what is counted. Its order is that of the ledger's texts: append, never reorder. A `sum` is added up; a
 * `peak` is the highest of any one instance. `perUnit` makes whole numbers of them, which add up without drift:
 * microseconds of CPU, and for the rest the unit itself.
 */
export const usageFields = [
  { name: 'cpuSeconds', kind: 'sum', perUnit: 1e6 },
  { name: 'cpuUserSeconds', kind: 'sum', perUnit: 1e6 },
  { name: 'cpuSystemSeconds', kind: 'sum', perUnit: 1e6 },
  /** Time that it wanted to run and was held back by its own limit. */
  { name: 'throttledSeconds', kind: 'sum', perUnit: 1e6 },
  /** Integral over time, in MiB: bytes times seconds would outgrow the whole numbers that a double holds. */
  { name: 'memoryMbSeconds', kind: 'sum', perUnit: 1 },
  { name: 'diskMbSeconds', kind: 'sum', perUnit: 1 },
  { name: 'memoryPeakBytes', kind: 'peak', perUnit: 1 },
  { name: 'diskPeakBytes', kind: 'peak', perUnit: 1 },
  { name: 'pidsPeak', kind: 'peak', perUnit: 1 },
  /** On the instance's link, seen from the instance. */
  { name: 'networkInBytes', kind: 'sum', perUnit: 1 },
  { name: 'networkOutBytes', kind: 'sum', perUnit: 1 },
  { name: 'ioReadBytes', kind: 'sum', perUnit: 1 },
  { name: 'ioWriteBytes', kind: 'sum', perUnit: 1 },
  { name: 'logBytes', kind: 'sum', perUnit: 1 },
  /** Counted by the routers, with the bytes on their clients' connections. */
  { name: 'requests', kind: 'sum', perUnit: 1 },
  { name: 'requestInBytes', kind: 'sum', perUnit: 1 },
  { name: 'requestOutBytes', kind: 'sum', perUnit: 1 },
  /** WebSockets that were opened; each is among the requests, too. */
  { name: 'webSockets', kind: 'sum', perUnit: 1 },
  /** Requests that the routers refused, by the quota that was used up. They are not among the requests. */
  { name: 'refusedRate', kind: 'sum', perUnit: 1 },
  { name: 'refusedConcurrent', kind: 'sum', perUnit: 1 },
  { name: 'refusedConnections', kind: 'sum', perUnit: 1 },
  { name: 'refusedWebSockets', kind: 'sum', perUnit: 1 },
  { name: 'refusedClient', kind: 'sum', perUnit: 1 },
  { name: 'refusedBudget', kind: 'sum', perUnit: 1 },
  /** Of builds alone: how long they ran, and their part of `cpuSeconds`. */
  { name: 'buildSeconds', kind: 'sum', perUnit: 1e6 },
  { name: 'buildCpuSeconds', kind: 'sum', perUnit: 1e6 },
] as const satisfies { name: string; kind: 'sum' | 'peak'; perUnit: number }[]

export type UsageField = (typeof usageFields)[number]['name']
export type UsageTotals = Record<UsageField, number>

export const noUsage = Object.fromEntries(usageFields.map(({ name }) => [name, 0])) as UsageTotals

export const memoryMbHours = ({ memoryMbSeconds }: Pick<UsageTotals, 'memoryMbSeconds'>): number =>
  memoryMbSeconds / 3600

export const refusalsOf = (used: UsageTotals): number =>
  used.refusedRate +
  used.refusedConcurrent +
  used.refusedConnections +
  used.refusedWebSockets +
  used.refusedClient +
  used.refusedBudget

export function addUsage(one: UsageTotals, other: UsageTotals): UsageTotals {
  const sum = { ...one }
  for (const { name, kind } of usageFields)
    sum[name] = kind === 'sum' ? one[name] + other[name] : Math.max(one[name], other[name])
  return sum
}

/** What came since; of peaks, the later. */
export function subtractUsage(later: UsageTotals, earlier: UsageTotals): UsageTotals {
  const rest = { ...later }
  for (const { name, kind } of usageFields) if (kind === 'sum') rest[name] = Math.max(0, later[name] - earlier[name])
  return rest
}

export const sumUsage = (all: Iterable<UsageTotals>): UsageTotals => [...all].reduce(addUsage, noUsage)

// ── as the ledger holds it ───────────────────────────────────────────────────────────────────────────────────────────

/** One letter per field, `s` or `p`: how the ledger combines them. */
export const usageKinds = usageFields.map(({ kind }) => kind[0]).join('')

/** Whole numbers, separated by blanks, without the zeros at the end. */
export function toLedger(usage: Partial<UsageTotals>): string {
  return usageFields
    .map(({ name, perUnit }) => String(Math.round(Math.max(0, usage[name] ?? 0) * perUnit)))
    .join(' ')
    .replace(/( ?\b0)+$/, '')
}

export function fromLedger(text: string): UsageTotals {
  const numbers = text.split(' ')
  const usage = { ...noUsage }
  usageFields.forEach(({ name, perUnit }, index) => (usage[name] = Number(numbers[index] ?? 0) / perUnit))
  return usage
}

// ── buckets ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Buckets of one length; those of one `group` lie in one key and leave the ledger together. */
export type Resolution = { name: 'minute' | 'hour' | 'day'; ms: number; perGroup: number; keepMs: number }

/** The finest first. */
export const resolutions = [
  { name: 'minute', ms: MINUTE, perGroup: 60, keepMs: 26 * HOUR },
  { name: 'hour', ms: HOUR, perGroup: 24, keepMs: 40 * DAY },
  { name: 'day', ms: DAY, perGroup: 32, keepMs: 400 * DAY },
] as const satisfies Resolution[]

export const [, , dayResolution] = resolutions

export type Bucket = { resolution: Resolution; group: number; index: number; expiresAt: number }

/** The buckets that what was used at a time belongs to, one of each resolution. */
export function bucketsOf(at: number): Bucket[] {
  return resolutions.map((resolution) => {
    const index = Math.floor(at / resolution.ms)
    const group = Math.floor(index / resolution.perGroup)
    return {
      resolution,
      group,
      index,
      expiresAt: (group + 1) * resolution.perGroup * resolution.ms + resolution.keepMs,
    }
  })
}

/** The groups that hold the buckets of a stretch of time. */
export function groupsBetween({ ms, perGroup }: Resolution, from: number, to: number): number[] {
  const first = Math.floor(from / ms / perGroup)
  const last = Math.floor((to - 1) / ms / perGroup)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, offset) => first + offset)
}

/**
 * With what to add up a stretch of time: the coarsest buckets that fit it exactly (what is still to come fits any), else
 * the finest that are kept so far back.
 */
export function resolutionFor(from: number, to: number, now: number): Resolution {
  const fits = ({ ms }: Resolution) => from % ms === 0 && (to % ms === 0 || to >= now)
  const kept = resolutions.filter(({ keepMs }) => now - from <= keepMs)
  return kept.findLast(fits) ?? kept[0] ?? dayResolution
}

// ── series ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export const usageSteps = ['minute', 'hour', 'day', 'month'] as const
export type UsageStep = (typeof usageSteps)[number]

/** Months have no length of their own; they are added up from days (UTC). */
export const resolutionOfStep = (step: UsageStep): Resolution =>
  resolutions.find(({ name }) => name === step) ?? dayResolution

/** The beginning of the minute, hour, day or month (UTC) that a time lies in. */
export function startOfStep(step: UsageStep, at: number): number {
  if (step !== 'month') return at - (at % resolutionOfStep(step).ms)
  const date = new Date(at)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth())
}

export function nextStep(step: UsageStep, at: number): number {
  if (step !== 'month') return startOfStep(step, at) + resolutionOfStep(step).ms
  const date = new Date(at)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
}
