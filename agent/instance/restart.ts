/** Whether, and when, an instance that ended is started again. */

export type End = {
  onExit: 'restart' | 'fail'
  /** Was it ready at some time of this life? */
  wasReady: boolean
  /** How long this life was. */
  upMs: number
  /** Restarts since the counter was last reset. */
  restarts: number
}
export type Decision = { kind: 'fail' } | { kind: 'restart'; delayMs: number; restarts: number }

const QUICK = 3
const FIRST_DELAY_MS = 1000
const BASE_DELAY_MS = 30_000
const MAX_DELAY_MS = 16 * 60_000
const MAX_RESTARTS = 200
const STABLE_MS = 5 * 60_000

/**
 * Three quick restarts, then 30 s doubling to 16 min, and an end after 200, as Cloud Foundry's Diego does
 * (bbs, models/restart_calculator.go); five minutes of running wipe the slate. A release that never served is not retried:
 * its deploy fails, and the release before keeps serving.
 */
export function afterExit({ onExit, wasReady, upMs, restarts: before }: End): Decision {
  if (onExit === 'fail' && !wasReady) return { kind: 'fail' }
  const restarts = wasReady && upMs >= STABLE_MS ? 1 : before + 1
  if (restarts > MAX_RESTARTS) return { kind: 'fail' }
  const delayMs =
    restarts <= QUICK ? FIRST_DELAY_MS : Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** (restarts - QUICK - 1))
  return { kind: 'restart', delayMs, restarts }
}
