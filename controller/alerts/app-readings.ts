/** What is watched of an app: its answers, its instances, its jobs. */
import type { AlertKind, AlertRule, Subject } from '#core/domain/alert.ts'
import type { Missed } from '#core/domain/cron.ts'
import { processName, type Instance } from '#core/domain/instance.ts'
import type { Level, Reading } from './decide.ts'
import type { WatchedApp } from './facts.ts'

export function readApp(app: WatchedApp, now: number): Reading[] {
  const all = [
    errorRate(app),
    slow(app),
    crashLoop(app, now),
    memory(app, now),
    disk(app, now),
    ...missedJobs(app, now),
  ]
  return all.filter(({ kind }) => app.rules[kind].on)
}

const MINUTE_MS = 60_000
const MIB = 1024 ** 2
/** Below this a single failed request would be an alert. */
const LEAST_REQUESTS_PER_SECOND = 0.5
/** What is so far below its limit, as a part of it, is well below. */
const WELL_BELOW = 0.8
/** Figures that are older say nothing. */
const FRESH_MS = 60_000
/** The agent forgets earlier restarts after that, too (agent/instance/restart.ts). */
const STABLE_MS = 5 * MINUTE_MS
const MISSED_FOR_MS = 24 * 60 * MINUTE_MS

const subjectOf = ({ id, name, tenantId }: WatchedApp): Subject => ({
  appId: id,
  appName: name,
  tenantId,
  hostId: null,
})

function reading(app: WatchedApp, kind: AlertKind, level: Level, text: string, more: Partial<Reading> = {}): Reading {
  const { forMs }: AlertRule = app.rules[kind]
  const key = `${kind}:${app.id}`
  return {
    key,
    kind,
    subject: subjectOf(app),
    level,
    mark: 0,
    text,
    forMs,
    easeMs: Math.max(forMs, MINUTE_MS),
    ...more,
  }
}

const levelOf = (value: number, limit: number, wellBelow: number): Level =>
  value > limit ? 'over' : value <= wellBelow ? 'under' : 'near'

function errorRate(app: WatchedApp): Reading {
  const { traffic, rules, name } = app
  const limit = rules.errorRate.limit ?? 100
  if (!traffic) return reading(app, 'errorRate', 'unknown', '')
  if (traffic.requestsPerSecond < LEAST_REQUESTS_PER_SECOND) return reading(app, 'errorRate', 'under', '')
  const percent = (traffic.errorsPerSecond / traffic.requestsPerSecond) * 100
  const text = `${round(percent)} % of the answers of ${name} are errors (5xx); the limit is ${limit} %`
  return reading(app, 'errorRate', levelOf(percent, limit, limit * WELL_BELOW), text)
}

function slow(app: WatchedApp): Reading {
  const { traffic, rules, name } = app
  const limit = rules.slow.limit ?? Infinity
  if (!traffic) return reading(app, 'slow', 'unknown', '')
  const { p95Ms, requestsPerSecond } = traffic
  if (p95Ms === null || requestsPerSecond < LEAST_REQUESTS_PER_SECOND) return reading(app, 'slow', 'under', '')
  const text = `One in twenty answers of ${name} takes ${Math.round(p95Ms)} ms or longer; the limit is ${limit} ms`
  return reading(app, 'slow', levelOf(p95Ms, limit, limit * WELL_BELOW), text)
}

/** Those that are kept running. */
const kept = ({ instances }: WatchedApp): Instance[] =>
  instances.filter(({ desired }) => desired.once === null && desired.intent === 'run')

function crashLoop(app: WatchedApp, now: number): Reading {
  const limit = app.rules.crashLoop.limit ?? 1
  const crashing = kept(app).filter((instance) => isCrashing(instance, limit, now))
  const [worst] = crashing.sort((a, b) => (b.reported?.restarts ?? 0) - (a.reported?.restarts ?? 0))
  if (!worst) return reading(app, 'crashLoop', 'under', '', { easeMs: 0 })
  const { restarts = 0, detail = null } = worst.reported ?? {}
  const others = crashing.length > 1 ? ` and ${crashing.length - 1} more` : ''
  const why = detail === null ? '' : `: ${detail}`
  const text = `${processName(worst.desired)}${others} of ${app.name} crashes again and again, ${restarts} times so far${why}`
  return reading(app, 'crashLoop', 'over', text, { easeMs: 0 })
}

function isCrashing({ reported }: Instance, limit: number, now: number): boolean {
  if (!reported || reported.restarts < limit || reported.state === 'stopped') return false
  return reported.state !== 'running' || now - reported.since < STABLE_MS
}

/** What one instance uses of what it may, in percent. */
type Share = { name: string; percent: number; limit: string }

function memory(app: WatchedApp, now: number): Reading {
  const shares = fresh(app, now).map(({ desired, reported, stats }) => {
    const mb = reported?.applied?.memoryMb ?? desired.size.memoryMb
    return { name: processName(desired), percent: ((stats?.memoryBytes ?? 0) / MIB / mb) * 100, limit: `${mb} MB` }
  })
  return shareReading(app, 'memory', 'memory', shares)
}

function disk(app: WatchedApp, now: number): Reading {
  const shares = fresh(app, now).flatMap(({ desired, stats }) => {
    if (stats?.diskBytes === undefined) return []
    const { diskMb } = desired.size
    return [{ name: processName(desired), percent: (stats.diskBytes / MIB / diskMb) * 100, limit: `${diskMb} MB` }]
  })
  return shareReading(app, 'disk', 'disk', shares)
}

const running = (app: WatchedApp): Instance[] => kept(app).filter(({ reported }) => reported?.state === 'running')

const fresh = (app: WatchedApp, now: number): Instance[] =>
  running(app).filter(({ stats }) => stats !== null && now - stats.at <= FRESH_MS)

/** Judged by the fullest. */
function shareReading(app: WatchedApp, kind: 'memory' | 'disk', what: string, shares: Share[]): Reading {
  const [fullest] = shares.sort((a, b) => b.percent - a.percent)
  if (!fullest) return reading(app, kind, running(app).length === 0 ? 'under' : 'unknown', '')
  const limit = app.rules[kind].limit ?? 100
  const { name, percent } = fullest
  const text = `${name} of ${app.name} uses ${Math.round(percent)} % of its ${fullest.limit} of ${what}; the limit is ${limit} %`
  return reading(app, kind, levelOf(percent, limit, limit - 5), text)
}

function missedJobs(app: WatchedApp, now: number): Reading[] {
  return [...app.clocks].flatMap(([job, { missed, last }]) => {
    if (!missed || !isFault(missed)) return []
    const isLast = missed.last > (last?.tick ?? 0) && now - missed.last < MISSED_FOR_MS
    const times = missed.count === 1 ? 'was not run' : `was not run ${missed.count} times`
    const text = `The job ${job} of ${app.name} ${times}, the last time at ${minute(missed.last)}: ${missed.detail}`
    return [
      reading(app, 'cronMissed', isLast ? 'over' : 'under', text, { key: `cronMissed:${app.id}:${job}`, easeMs: 0 }),
    ]
  })
}

/** Paused and suspended apps miss their jobs by somebody's wish, and an overlap is the job's own setting. */
const isFault = ({ why }: Missed): boolean => why === 'away' || why === 'quota'

const minute = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
const round = (value: number): number => Math.round(value * 10) / 10
