/** Empties hosts that are cordoned: one instance of an app after the other, each replaced elsewhere before it goes. */
import type { App } from '#core/domain/app.ts'
import type { HostId } from '#core/domain/ids.ts'
import { processName, type Desired, type Instance } from '#core/domain/instance.ts'
import type { Target } from '#core/domain/release.ts'
import { isRolling } from './rollout.ts'
import { hasEnded, type World } from './world.ts'

/**
 * The instance of an app whose turn it is to leave a cordoned host. It no longer fills its slot, but works on until its
 * successor does. One for which no host has room stays where it is and keeps its slot.
 * @param instances the app's
 * @param fits whether some host takes another one of its size now
 * @returns null when there is none, or while a release rolls out: what that starts is placed elsewhere anyway
 */
export function dueForDrain(
  world: World,
  app: App,
  target: Target | null,
  instances: Instance[],
  fits: (instance: Instance) => boolean,
): Instance | null {
  if (target === null || isRolling(app)) return null
  const cordoned = new Set(world.hosts.filter((host) => host.cordoned).map(({ id }) => id))
  if (cordoned.size === 0) return null
  const mine = instances.filter((instance) => isMeant(world, target, instance))
  const succeeded = new Set(mine.filter(isElsewhere(cordoned)).map(({ desired }) => processName(desired)))
  // The room that a successor was promised is taken by itself: what has one goes on leaving, before the next one begins.
  const [first] = mine
    .filter((instance) => !isElsewhere(cordoned)(instance))
    .map((instance) => ({ instance, isLeaving: succeeded.has(processName(instance.desired)) }))
    .filter(({ instance, isLeaving }) => isLeaving || fits(instance))
    .sort((a, b) => Number(b.isLeaving) - Number(a.isLeaving) || inOrder(a.instance.desired, b.instance.desired))
  return first?.instance ?? null
}

const isElsewhere =
  (cordoned: ReadonlySet<HostId>) =>
  ({ desired }: Instance): boolean =>
    !cordoned.has(desired.hostId)

const isMeant = (world: World, target: Target, { desired, reported }: Instance): boolean =>
  desired.release === target.release &&
  desired.generation === target.generation &&
  desired.intent === 'run' &&
  !hasEnded(reported) &&
  !world.lost.has(desired.hostId)

function inOrder(a: Desired, b: Desired): number {
  if (a.processType !== b.processType) return a.processType < b.processType ? -1 : 1
  return a.number - b.number || (a.id < b.id ? -1 : 1)
}
