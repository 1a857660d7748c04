/**
 * When a release that went live crashes in its first minutes, the one before it is brought back. It happens once: the
 * release that comes back has nothing behind it that worked, and so is not left again.
 */
import type { App } from '#core/domain/app.ts'
import { processName, type Instance } from '#core/domain/instance.ts'
import { sameTarget, WEB, type Target } from '#core/domain/release.ts'
import { isLive, type World } from './world.ts'

/** How long a new release is watched. */
export const WATCHED_MS = 5 * 60_000
/** As many exits of an instance, in as long, are a crash loop: three come within seconds (agent/instance/restart.ts). */
const CRASHES = 3

export type Fallback = {
  /** The release that crashes, and the one to go back to. */
  from: number
  to: number
  /** A sentence for people. */
  because: string
}

/**
 * The release that served before a target was accepted, if it worked then: what to go back to.
 * @param instances all of the app that are kept running
 */
export function soundBefore(world: World, app: App, target: Target, instances: Instance[]): number | null {
  const { current } = app
  if (current === null) return null
  // Started anew, a release has behind it what it had before.
  if (current.release === target.release) return app.rollout?.state === 'done' ? (app.rollout.before ?? null) : null
  const judged = judgedOf(app, instances, current)
  return judged.length > 0 && isMost(judged.filter((instance) => works(world, instance)).length, judged.length)
    ? current.release
    : null
}

/** @returns null while there is nothing to leave, or nothing to go back to */
export function fallBack(world: World, app: App, instances: Instance[]): Fallback | null {
  const { target, rollout } = app
  if (!app.autoRollback || target === null || rollout?.state !== 'done' || !sameTarget(rollout.target, target))
    return null
  const to = rollout.before ?? null
  // A restart is somebody's wish, and its code is the one that ran.
  if (to === null || target.generation > 0 || world.now - rollout.at > WATCHED_MS) return null
  const judged = judgedOf(app, instances, target)
  const crashing = judged.filter(isCrashing)
  if (judged.length === 0 || !isMost(crashing.length, judged.length)) return null
  return { from: target.release, to, because: describe(target.release, to, crashing) }
}

/** The instances by which a release is judged: what serves, or all, where nothing does. */
function judgedOf({ formation }: App, instances: Instance[], { release, generation }: Target): Instance[] {
  const serves = (formation[WEB]?.count ?? 0) > 0
  return instances.filter(
    ({ desired }) =>
      desired.release === release &&
      desired.generation === generation &&
      desired.intent === 'run' &&
      (!serves || desired.processType === WEB),
  )
}

const isMost = (some: number, all: number): boolean => some * 2 > all

/** What could not even be started is the host's fault, not the release's. */
function isCrashing({ reported }: Instance): boolean {
  if (reported === null || reported.reason === 'startFailed') return false
  return reported.state === 'failed' || reported.restarts >= CRASHES
}

const works = (world: World, instance: Instance): boolean =>
  isLive(world, instance) && instance.reported?.state === 'running' && instance.reported.restarts < CRASHES

function describe(from: number, to: number, crashing: Instance[]): string {
  const [first] = [...crashing].sort((a, b) => a.desired.number - b.desired.number)
  const last = first ? (first.reported?.detail ?? `${processName(first.desired)} ended again and again`) : ''
  return `v${from} crashes, and gives way to v${to}: ${last}`
}
