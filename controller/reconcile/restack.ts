/** Moves apps to another stack: one instance of an app after the other, each replaced before it goes. */
import type { App } from '#core/domain/app.ts'
import type { Desired, Instance } from '#core/domain/instance.ts'
import type { Target } from '#core/domain/release.ts'
import { isRolling } from './rollout.ts'
import { hasEnded, type World } from './world.ts'

/**
 * The instance of an app whose turn it is to be replaced by one on the wanted stack. It no longer fills its slot, but works
 * on until its successor does; only then comes the next one's turn. How many apps do this at a time is limited by how many
 * starts a host takes.
 * @param instances the app's
 * @returns null when there is none, or while a release rolls out: that brings the wanted stack with it
 */
export function dueForStack(world: World, app: App, target: Target | null, instances: Instance[]): Instance | null {
  if (target === null || isRolling(app)) return null
  const onAnother = instances.filter(
    ({ desired, reported }) =>
      desired.stack !== world.stack &&
      desired.release === target.release &&
      desired.generation === target.generation &&
      desired.intent === 'run' &&
      !hasEnded(reported) &&
      !world.lost.has(desired.hostId),
  )
  const [first] = onAnother.sort((a, b) => inOrder(a.desired, b.desired))
  return first ?? null
}

function inOrder(a: Desired, b: Desired): number {
  if (a.processType !== b.processType) return a.processType < b.processType ? -1 : 1
  return a.number - b.number || (a.id < b.id ? -1 : 1)
}
