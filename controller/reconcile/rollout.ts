/** How far the newest target of an app got: still rolling, done, or failed and why. */
import type { App } from '#core/domain/app.ts'
import { processName, type Instance } from '#core/domain/instance.ts'
import { sameTarget, type Rollout, type Target } from '#core/domain/release.ts'
import type { Progress } from './world.ts'

/** What of a target should run, and what of that does its work. */
export type Standing = { wanted: number; available: number; instances: Instance[] }

/** The target that instances are made for: a target that failed gives way to the last one that worked. */
export function effectiveTarget(app: Pick<App, 'target' | 'current' | 'rollout'>): Target | null {
  return hasFailed(app) ? app.current : app.target
}

/** Did the effective target work once? Until then, the instances of the one before are kept. */
export const isAccepted = (app: Pick<App, 'target' | 'current' | 'rollout'>): boolean =>
  sameTarget(effectiveTarget(app), app.current)

const hasFailed = ({ target, rollout }: Pick<App, 'target' | 'rollout'>): boolean =>
  rollout?.state === 'failed' && sameTarget(rollout.target, target)

/** Is there a target whose rollout is not over? */
export function isRolling<A extends Pick<App, 'target' | 'rollout'>>(app: A): app is A & { target: Target } {
  const { target, rollout } = app
  return target !== null && (rollout === null || rollout.state === 'rolling' || !sameTarget(rollout.target, target))
}

/** Something came further: an instance was placed, or one more does its work. Going back is no progress. */
export function progressOf(target: Target, standing: Standing, before: Progress | undefined, now: number): Progress {
  const reached = standing.available + standing.instances.length
  if (before && sameTarget(before.target, target) && before.reached >= reached) return before
  return { target, reached, at: now }
}

/**
 * The verdict on a rolling target.
 * @returns null while it goes on
 */
export function judge(
  app: Pick<App, 'target' | 'current' | 'rollout'>,
  standing: Standing,
  progress: Progress,
  limits: Patience,
  now: number,
): Extract<Rollout, { state: 'done' | 'failed' }> | null {
  const { target } = progress
  if (standing.available >= standing.wanted) return { target, state: 'done', at: now }
  // What worked once is restarted, whatever happens to it.
  if (sameTarget(target, app.current)) return null
  const failed = standing.instances.find(({ reported }) => reported?.state === 'failed')
  if (failed) return { target, state: 'failed', at: now, reason: reasonOf(failed) }
  const patience = patienceWith(standing, limits)
  if (now - progress.at > patience) return { target, state: 'failed', at: now, reason: stuck(app, patience) }
  return null
}

/** How long nothing may move; longer while a host brings something up, which ends that itself in time. */
export type Patience = { noProgressMs: number; startWithinMs: number }

const patienceWith = ({ instances }: Standing, { noProgressMs, startWithinMs }: Patience): number =>
  instances.some(({ reported }) => reported?.state === 'starting')
    ? Math.max(noProgressMs, startWithinMs)
    : noProgressMs

const reasonOf = ({ desired, reported }: Instance): string => reported?.detail ?? `${processName(desired)} failed`

function stuck({ rollout }: Pick<App, 'rollout'>, noProgressMs: number): string {
  const waitedFor = rollout?.state === 'rolling' ? rollout.waitingFor : 'its instances'
  return `nothing moved for ${Math.round(noProgressMs / 1000)} s while waiting for ${waitedFor}`
}
