/**
 * From what is read of one thing to an alert that begins, becomes worse or ends. A value that swings around its limit makes one
 * alert and not many: it begins when the limit is passed for a while without a break, and ends when the value is well below it,
 * for a while, without a break.
 */
import type { Alert, AlertKind, AlertNews, Standing, Subject } from '#core/domain/alert.ts'

/**
 * One look at one thing. `over`: beyond its limit; `near`: not, but not well below it either; `under`: well below; `unknown`: it
 * could not be read.
 */
export type Level = 'over' | 'near' | 'under' | 'unknown'
export type Reading = {
  /** What it is, e.g. `memory:a-…`: the same at every look. */
  key: string
  kind: AlertKind
  subject: Subject
  level: Level
  /** Rises as it becomes worse; 0 where there are no degrees. */
  mark: number
  text: string
  /** How long it is over before that is told, and under before it is over. */
  forMs: number
  easeMs: number
}

export type Change = { news: AlertNews; alert: Alert }
export type Decision = {
  /** Those that are not as they were. */
  changed: Map<string, Standing>
  /** Those that are at rest. */
  gone: string[]
  changes: Change[]
}

/** Nobody has looked for so long: what happened meanwhile is not known, so the count begins anew. */
const GAP_MS = 60_000
/** An alert about what cannot be read any more ends after this. */
const UNKNOWN_MS = 10 * 60_000

/** @param newId for an alert that begins */
export function decide(
  before: ReadonlyMap<string, Standing>,
  readings: readonly Reading[],
  now: number,
  newId: () => string,
): Decision {
  const decision: Decision = { changed: new Map(), gone: [], changes: [] }
  for (const reading of readings) {
    const standing = before.get(reading.key) ?? null
    const step = advance(standing, reading, now, newId)
    if (step.change) decision.changes.push(step.change)
    if (step.standing) decision.changed.set(reading.key, step.standing)
    else if (standing) decision.gone.push(reading.key)
  }
  const read = new Set(readings.map(({ key }) => key))
  for (const [key, { alert }] of before) {
    if (read.has(key)) continue
    // What it was about is no more, or is not watched any more.
    decision.gone.push(key)
    if (alert) decision.changes.push(ended(alert, now))
  }
  return decision
}

type Step = { standing: Standing | null; change: Change | null }

const atRest: Step = { standing: null, change: null }

function advance(standing: Standing | null, reading: Reading, now: number, newId: () => string): Step {
  if (reading.level === 'unknown') return waitForNews(standing, now)
  if (standing?.alert) return goOn(standing, standing.alert, reading, now)
  if (reading.level !== 'over') return atRest
  const overSince = standing?.overSince != null && now - standing.seen <= GAP_MS ? standing.overSince : now
  const over: Standing = { overSince, underSince: null, seen: now, alert: null }
  return now - overSince >= reading.forMs ? begin(over, reading, now, newId) : { standing: over, change: null }
}

function begin(over: Standing, { kind, subject, mark, text }: Reading, now: number, newId: () => string): Step {
  const alert: Alert = { id: newId(), kind, ...subject, since: over.overSince ?? now, until: null, mark, text }
  return { standing: { ...over, alert }, change: { news: 'began', alert } }
}

function goOn(standing: Standing, alert: Alert, { level, mark, text, easeMs }: Reading, now: number): Step {
  if (level === 'over' && mark > alert.mark) {
    const worse = { ...alert, mark, text }
    return {
      standing: { ...standing, underSince: null, seen: now, alert: worse },
      change: { news: 'worsened', alert: worse },
    }
  }
  if (level !== 'under') return { standing: { ...standing, underSince: null, seen: now }, change: null }
  const isNew = standing.underSince === null || now - standing.seen > GAP_MS
  const underSince = isNew ? now : (standing.underSince ?? now)
  if (now - underSince >= easeMs) return { standing: null, change: ended(alert, now) }
  return { standing: { ...standing, underSince, seen: now }, change: null }
}

/** Neither better nor worse, but not for ever. */
function waitForNews(standing: Standing | null, now: number): Step {
  if (!standing?.alert) return atRest
  if (now - standing.seen > UNKNOWN_MS) return { standing: null, change: ended(standing.alert, now) }
  return { standing, change: null }
}

const ended = (alert: Alert, now: number): Change => ({ news: 'ended', alert: { ...alert, until: now } })
