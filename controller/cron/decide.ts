/**
 * What is to be done for one job of an app's clock. Each tick is run at most once: it is written down as due, with the id
 * of its run, before the run is made. Of several that were missed, the last alone is made up for.
 */
import type { CronJob, CronStanding, DueRun, Missed, MissedWhy } from '#core/domain/cron.ts'
import type { InstanceId } from '#core/domain/ids.ts'
import { countTicks, lastTick, type Schedule } from '#core/domain/schedule.ts'

export type CronFacts = {
  now: number
  /** When the release that brought the job went live, ms since 1970. */
  liveSince: number
  /** Its owner has stopped it for a while. */
  isPaused: boolean
  /** Why nothing of its app may run. */
  halted: { why: 'paused' | 'suspended'; detail: string } | null
  /** Its runs that are under way. */
  open: { id: InstanceId; name: string }[]
  /** Whether the run that its due tick names has been made. */
  isBegun: boolean
  /** For the run of a tick that becomes due. */
  nextId: InstanceId
}

export type CronDecision = {
  /** To be written before anything else is done. */
  standing: CronStanding
  /** Runs to be ended, so that the due one can begin. */
  stop: InstanceId[]
  /** The run to be made now. */
  begin: DueRun | null
  /** What people are to be told. */
  news: Missed | null
}

/** A tick that is found later than this is not made up for any more. */
export const MADE_UP_WITHIN_MS = 3600_000
/** A tick of a job that is new counts if it was so long ago at most: the look that finds it may come a little late. */
const FOUND_WITHIN_MS = 60_000
/** A run that is to be replaced has so long to end. */
export const REPLACED_WITHIN_MS = 60_000
const MOST_COUNTED = 10_000

/** @param read null: it was never looked at */
export function decide(job: CronJob, schedule: Schedule, read: CronStanding | null, facts: CronFacts): CronDecision {
  const standing = current(job, read, facts)
  return standing.due ? goOn(job, standing, standing.due, facts) : lookForTicks(job, schedule, standing, facts)
}

/** With another schedule the count begins anew, when the release that brought it went live. */
function current(job: CronJob, read: CronStanding | null, { now, liveSince }: CronFacts): CronStanding {
  const since = Math.max(liveSince, now - FOUND_WITHIN_MS)
  if (read === null) return { schedule: job.schedule, handled: since, due: null, last: null, missed: null }
  if (read.schedule === job.schedule) return read
  return { ...read, schedule: job.schedule, handled: Math.max(read.handled, since) }
}

function lookForTicks(job: CronJob, schedule: Schedule, standing: CronStanding, facts: CronFacts): CronDecision {
  const { now, isPaused, halted, open, nextId } = facts
  const tick = lastTick(schedule, now)
  if (tick === null || tick <= standing.handled) return nothing(standing)
  const all = { tick, count: countTicks(schedule, standing.handled, tick, MOST_COUNTED) }
  if (isPaused) return nothing({ ...standing, handled: tick })
  if (halted) return miss(standing, halted.why, halted.detail, all)
  if (now - tick > MADE_UP_WITHIN_MS) return miss(standing, 'away', AWAY, all)
  const [running] = open
  if (job.overlap === 'skip' && running)
    return miss(standing, 'overlap', `the run before, ${running.name}, was still under way`, all)
  const earlier = lastTick(schedule, tick - 1) ?? 0
  const before =
    all.count > 1 ? miss(standing, 'away', AWAY, { tick: earlier, count: all.count - 1 }) : nothing(standing)
  const due = { tick, run: nextId, at: now }
  return { ...goOn(job, { ...before.standing, due }, due, { ...facts, isBegun: false }), news: before.news }
}

const AWAY = 'no controller was there to begin it'

/** A tick that is written down: its run is made, or its time is over. */
function goOn({ overlap }: CronJob, standing: CronStanding, due: DueRun, facts: CronFacts): CronDecision {
  const { now, isBegun, isPaused, halted, open } = facts
  if (isBegun) return nothing(begun(standing, due))
  if (isPaused) return nothing({ ...standing, handled: due.tick, due: null })
  if (halted) return refused(standing, due, halted.why, halted.detail)
  if (now - due.tick > MADE_UP_WITHIN_MS) return refused(standing, due, 'away', AWAY)
  const [running] = open
  if (overlap !== 'replace' || !running) return { ...nothing(standing), begin: due }
  if (now - due.at > REPLACED_WITHIN_MS)
    return refused(standing, due, 'overlap', `${running.name}, which it was to replace, did not end`)
  return { ...nothing(standing), stop: open.map(({ id }) => id) }
}

/** The standing once the run that is due was made. */
export const begun = (standing: CronStanding, { tick, run }: DueRun): CronStanding => ({
  ...standing,
  handled: tick,
  due: null,
  last: { tick, run },
})

/** Once the run that is due cannot be made. */
export const refused = (standing: CronStanding, { tick }: DueRun, why: MissedWhy, detail: string): CronDecision =>
  miss({ ...standing, due: null }, why, detail, { tick, count: 1 })

const nothing = (standing: CronStanding): CronDecision => ({ standing, stop: [], begin: null, news: null })

/**
 * Ticks that are not run. Told once for each row of them that has one reason; but each time that a controller was away,
 * since that is an end and a beginning.
 */
function miss(
  standing: CronStanding,
  why: MissedWhy,
  detail: string,
  { tick, count }: { tick: number; count: number },
): CronDecision {
  const before = standing.missed
  const goesOn = before !== null && before.why === why && why !== 'away' && before.last === standing.handled
  const missed: Missed = goesOn
    ? { ...before, detail, last: tick, count: before.count + count }
    : { why, detail, first: tick, last: tick, count }
  return { ...nothing({ ...standing, handled: tick, missed }), news: goesOn ? null : missed }
}
