/**
 * Lets instances go, by one rule for deploy, scale-down, repair and removal: what does its work goes only while enough
 * others do theirs; web instances leave the routers before they are told to stop.
 */
import type { InstanceId, ProcessType } from '#core/domain/ids.ts'
import type { Desired, Instance } from '#core/domain/instance.ts'
import { WEB } from '#core/domain/release.ts'
import { hasEnded, isAvailable, isLive, isUnrouted, type World } from './world.ts'

export type Leaving = { how: 'unroute' | 'stop' | 'forget'; instance: Desired }

export type Retirement = {
  /** All instances of one app. */
  instances: Instance[]
  /** Those that fill a slot of the formation. */
  kept: ReadonlySet<InstanceId>
  /** Those on lost hosts whose slot another has taken. */
  replaced?: ReadonlySet<InstanceId>
  /** How many of a process type must be available all the time. */
  counts: ReadonlyMap<ProcessType, number>
  /** Not to be let go yet, while they work. */
  held: (instance: Instance) => boolean
}

/** Routers that do not answer for this long do not keep an instance from being stopped. */
export const DRAIN_TIMEOUT_MS = 30_000
/** A stopped instance of a host that does not come back is forgotten; the agent stops what is not assigned to it. */
const FORGET_LOST_MS = 60_000

export function retire(world: World, retirement: Retirement): Leaving[] {
  const { instances, kept } = retirement
  const onTheWay = instances
    .filter(({ desired }) => desired.intent !== 'run')
    .map((instance) => nextOnTheWay(world, instance))
  const letGo = surplus(world, retirement).map((instance) => firstStep(world, instance))
  const over = instances
    .filter(({ desired, reported }) => desired.intent === 'run' && hasEnded(reported) && !kept.has(desired.id))
    .map(({ desired }): Leaving => ({ how: 'forget', instance: desired }))
  return [...onTheWay.filter((leaving) => leaving !== null), ...letGo, ...over]
}

/** Those that may go now. */
function surplus(world: World, { instances, kept, replaced, counts, held }: Retirement): Instance[] {
  const running = instances.filter(({ desired, reported }) => desired.intent === 'run' && !hasEnded(reported))
  const candidates = running
    .filter(({ desired }) => replaced?.has(desired.id) || !kept.has(desired.id))
    .filter((instance) => !held(instance))
    .sort((a, b) => leastUsefulFirst(world, a, b))
  const spare = new Map<ProcessType, number>()
  for (const instance of running) {
    if (isAvailable(world, instance)) add(spare, instance.desired.processType, 1)
  }
  for (const [type, count] of counts) add(spare, type, -count)
  return candidates.filter((instance) => {
    // What runs may serve, even where it is not known to all routers or that cannot be seen yet.
    if (!isLive(world, instance) || instance.reported?.state !== 'running') return true
    const { processType } = instance.desired
    const counted = isAvailable(world, instance) ? 1 : 0
    if ((spare.get(processType) ?? 0) < counted) return false
    add(spare, processType, -counted)
    return true
  })
}

/** What does no work, then older releases, then the highest numbers. */
function leastUsefulFirst(world: World, a: Instance, b: Instance): number {
  return (
    Number(isAvailable(world, a)) - Number(isAvailable(world, b)) ||
    a.desired.release - b.desired.release ||
    a.desired.generation - b.desired.generation ||
    b.desired.number - a.desired.number ||
    (a.desired.id < b.desired.id ? -1 : 1)
  )
}

function add(counts: Map<ProcessType, number>, type: ProcessType, by: number): void {
  counts.set(type, (counts.get(type) ?? 0) + by)
}

function firstStep(world: World, { desired, reported }: Instance): Leaving {
  const mayHaveRequests =
    desired.processType === WEB && reported?.state === 'running' && !world.lost.has(desired.hostId)
  return { how: mayHaveRequests ? 'unroute' : 'stop', instance: desired }
}

function nextOnTheWay(world: World, { desired, reported }: Instance): Leaving | null {
  const { now, lost } = world
  if (hasEnded(reported)) return { how: 'forget', instance: desired }
  const isLost = lost.has(desired.hostId)
  if (desired.intent === 'stop') {
    const nobodyAnswers = isLost && (reported === null || now - desired.since > FORGET_LOST_MS)
    return nobodyAnswers ? { how: 'forget', instance: desired } : null
  }
  const drained = isUnrouted(world, desired.id) || now - desired.since >= DRAIN_TIMEOUT_MS
  return isLost || drained || reported?.state !== 'running' ? { how: 'stop', instance: desired } : null
}
