/**
 * Turns the difference between what should run and what runs into steps. It is asked again after every change, so each
 * plan holds only what can be done now; what has to wait (for a probe, an acknowledgement, a drain) is left for the next.
 */
import type { App } from '#core/domain/app.ts'
import type { AppId, HostId, InstanceId, ProcessType } from '#core/domain/ids.ts'
import { DEFAULT_GRACE_MS, processName, type Desired, type Instance } from '#core/domain/instance.ts'
import { RELEASE_PROCESS, type Rollout, type Target } from '#core/domain/release.ts'
import { suspensionOf } from '#core/domain/quota.ts'
import { defaultResources, type Resources } from '#core/domain/resources.ts'
import type { RouteChange } from '#core/domain/route.ts'
import type { Run, RunEnd } from '#core/domain/run.ts'
import { describeShortage, hasRoomToGrow, place } from '../placement/placement.ts'
import { groupOf, grow, growthOf, openRooms, reserve, type Room } from '../placement/room.ts'
import { adjust, sameSize, termsOf } from './adjust.ts'
import { dueForDrain } from './drain.ts'
import { fallBack, soundBefore, type Fallback } from './fallback.ts'
import { dueForStack } from './restack.ts'
import { retire, type Leaving } from './retire.ts'
import { effectiveTarget, isAccepted, isRolling, judge, progressOf, type Patience, type Standing } from './rollout.ts'
import { nextTable } from './routes.ts'
import { keptRunning, planRuns } from './runs.ts'
import { haltOf, isAvailable, isLive, releaseKey, type Halt, type Memory, type Progress, type World } from './world.ts'

export type NewInstance = Omit<Desired, 'id' | 'epoch'>

export type Step =
  /** The target works: it is what serves from now on. */
  | { kind: 'accept'; appId: AppId; target: Target; rollout: Rollout }
  | { kind: 'setRollout'; appId: AppId; rollout: Rollout }
  /** Back to the release before, since the one that serves crashes. */
  | { kind: 'fallBack'; appId: AppId; fallback: Fallback }
  | { kind: 'start'; instance: NewInstance }
  /** A one-off run on the host that was chosen for it. */
  | { kind: 'placeRun'; instance: Desired }
  /** `unheard`: no agent has told people of it. */
  | { kind: 'endRun'; run: Run; end: RunEnd; unheard: boolean }
  /** With other limits, or frozen, where it is; the epoch is the one that was read. */
  | { kind: 'adjust'; instance: Desired }
  | { kind: 'unroute'; instance: Desired }
  | { kind: 'putRoutes'; change: RouteChange }
  | { kind: 'stop'; instance: Desired }
  | { kind: 'forget'; instance: Desired }

export type Settings = Patience & { domain: string }
export type Plan = { steps: Step[]; memory: Memory }

/** One slot of the formation: `web.2` of a target, with the size it should have. */
export type Slot = { processType: ProcessType; number: number; size: Resources }

/** A failed instance of a release that works is replaced after this; the agent's own back-off came before. */
export const REPLACE_AFTER_MS = 30_000

export function plan(world: World, settings: Settings): Plan {
  let rooms = openRooms(world.hosts, world.instances)
  const steps: Step[] = []
  const progress = new Map<AppId, Progress>()
  const apps = [...world.apps].sort((a, b) => (a.id < b.id ? -1 : 1))
  for (const app of apps) {
    const planned = planApp(world, app, rooms, settings)
    rooms = planned.rooms
    steps.push(...planned.steps)
    if (planned.progress) progress.set(app.id, planned.progress)
  }
  steps.push(...planRuns(world, rooms).steps)
  for (const instances of ownerless(world)) {
    steps.push(...leave(retire(world, { instances, kept: new Set(), counts: new Map(), held: () => false })))
  }
  return { steps: inOrder(withRoutes(world, settings, steps)), memory: { ...world.memory, progress } }
}

type AppPlan = { steps: Step[]; rooms: Room[]; progress: Progress | null }

/** The walk of one app: judge the rollout, fill the formation's empty slots, let go of what is over. */
function planApp(world: World, read: App, rooms: Room[], settings: Settings): AppPlan {
  const instances = keptRunning(world, read.id)
  const halt = haltOf(world, read)
  if (halt !== null) return { steps: planHalted(world, read, halt, instances), rooms, progress: null }
  const verdict = judgeRollout(world, read, instances, settings)
  if (verdict === null) return { steps: [], rooms, progress: null }
  const { app, progress } = verdict

  const target = effectiveTarget(app)
  const slots = slotsOf(world, app, target)
  if (slots === null) return { steps: verdict.steps, rooms, progress }
  const filled = fillSlots(world, app, target, slots, instances, rooms)
  const leaving = retire(world, {
    instances,
    kept: filled.kept,
    replaced: filled.replaced,
    counts: countByType(slots),
    // The release that serves is not touched before the new one works, except to make room for it on a full host.
    held: ({ desired }) => !isAccepted(app) && !filled.short && isOf(desired, app.current),
  })
  const adjusting = adjust(world, app, stayingOf(instances, leaving), filled.resized)
  return {
    steps: [
      ...verdict.steps,
      ...toFallBack(app, fallBack(world, app, instances)),
      ...waitingStep(world, app, slots, filled),
      ...filled.starts,
      ...adjusting.map(toAdjust),
      ...leave(leaving),
    ],
    rooms: filled.rooms,
    progress,
  }
}

/**
 * Nothing is judged, started or replaced while an app may not run. Paused, its instances stay as they are, the lost and
 * the failed ones too; suspended, all go. What had been told to go before goes on its way.
 */
function planHalted(world: World, app: App, halt: Halt, instances: Instance[]): Step[] {
  const kept = halt === 'paused' ? new Set(instances.map(({ desired }) => desired.id)) : new Set<InstanceId>()
  const leaving = retire(world, { instances, kept, counts: new Map(), held: () => false })
  const adjusting = adjust(world, app, stayingOf(instances, leaving))
  return [...sayWaiting(app, waitsFor(world, app, halt)), ...adjusting.map(toAdjust), ...leave(leaving)]
}

const toFallBack = ({ id }: App, fallback: Fallback | null): Step[] =>
  fallback === null ? [] : [{ kind: 'fallBack', appId: id, fallback }]

const toAdjust = (instance: Desired): Step => ({ kind: 'adjust', instance })

/** One step for one instance: the next plan has what is left to do. */
function stayingOf(instances: Instance[], leaving: Leaving[]): Instance[] {
  const going = new Set(leaving.map(({ instance }) => instance.id))
  return instances.filter(({ desired }) => !going.has(desired.id))
}

function waitsFor(world: World, app: App, halt: Halt): string {
  if (halt === 'paused') return `${app.name} to be resumed: it is paused`
  const tenant = world.tenantById.get(app.tenantId)
  return `${app.tenantId} to be resumed: it is suspended (${(tenant && suspensionOf(tenant)?.reason) ?? ''})`
}

/** The app as it is after this look at its newest target; null when the release cannot be read. */
function judgeRollout(
  world: World,
  app: App,
  instances: Instance[],
  settings: Settings,
): { app: App; steps: Step[]; progress: Progress | null } | null {
  if (!isRolling(app)) return { app, steps: [], progress: null }
  const slots = slotsOf(world, app, app.target)
  if (slots === null) return null
  const standing = standingOf(world, app.target, slots, instances)
  const progress = progressOf(app.target, standing, world.memory.progress.get(app.id), world.now)
  const rollout = judge(app, standing, progress, settings, world.now)
  if (rollout === null) return { app, steps: [], progress }
  if (rollout.state === 'failed') {
    return { app: { ...app, rollout }, steps: [{ kind: 'setRollout', appId: app.id, rollout }], progress: null }
  }
  const done = { ...rollout, before: soundBefore(world, app, app.target, instances) }
  const accept: Step = { kind: 'accept', appId: app.id, target: app.target, rollout: done }
  return { app: { ...app, current: app.target, rollout: done }, steps: [accept], progress: null }
}

function standingOf(world: World, target: Target, slots: Slot[], instances: Instance[]): Standing {
  const mine = instances.filter(({ desired }) => isOf(desired, target) && desired.intent === 'run')
  const available = slots.filter((slot) => mine.some((i) => fills(i.desired, slot) && isAvailable(world, i)))
  return { wanted: slots.length, available: available.length, instances: mine }
}

/** @returns null when the release's process types are not known */
function slotsOf(world: World, app: App, target: Target | null): Slot[] | null {
  if (target === null) return []
  const types = world.processes.get(releaseKey(app.id, target.release))
  if (!types) return null
  return types
    .filter((processType) => processType !== RELEASE_PROCESS)
    .sort()
    .flatMap((processType) => {
      const { count, size } = app.formation[processType] ?? { count: 0, size: defaultResources }
      return Array.from({ length: count }, (_, index) => ({ processType, number: index + 1, size }))
    })
}

type Filled = {
  kept: Set<InstanceId>
  /** Lost instances whose slot is taken by another. */
  replaced: Set<InstanceId>
  starts: Extract<Step, { kind: 'start' }>[]
  /** Those that fill their slot when they get another size where they are. */
  resized: Map<InstanceId, Resources>
  /** Why slots stay empty, as `web.2: no host has 512 MB memory free`. */
  waiting: string[]
  /** Is capacity the reason? */
  short: boolean
  rooms: Room[]
}

function fillSlots(
  world: World,
  app: App,
  target: Target | null,
  slots: Slot[],
  instances: Instance[],
  rooms: Room[],
): Filled {
  const filled: Filled = {
    kept: new Set(),
    replaced: new Set(),
    starts: [],
    resized: new Map(),
    waiting: [],
    short: false,
    rooms,
  }
  const candidates = instances.filter(({ desired }) => isOf(desired, target) && desired.intent === 'run')
  const hasRoomFor = ({ desired }: Instance) => place({ group: groupOf(desired), size: desired.size }, rooms).placed
  const due = dueForStack(world, app, target, instances) ?? dueForDrain(world, app, target, instances, hasRoomFor)
  for (const slot of slots) {
    const mine = candidates.filter((instance) => mayFill(instance.desired, slot) && instance !== due)
    const fitting = mine.filter(({ desired }) => fills(desired, slot))
    const holder = choose(world, fitting) ?? resize(world, mine, slot, filled)
    const taken = holder !== null || startFor(world, app, target, slot, filled)
    if (holder) filled.kept.add(holder.desired.id)
    for (const { desired } of mine) {
      if (!world.lost.has(desired.hostId)) continue
      if (taken) filled.replaced.add(desired.id)
      else filled.kept.add(desired.id)
    }
  }
  return filled
}

/** One that runs and can have the slot's size where it is: no restart, where its host has room. */
function resize(world: World, mine: Instance[], { size }: Slot, filled: Filled): Instance | null {
  const live = mine.filter((instance) => isLive(world, instance))
  const holder = choose(
    world,
    live.filter((instance) => hasRoomToGrow(instance.desired.hostId, growthOf(instance, size), filled.rooms)),
  )
  if (holder === null) return null
  const { id, hostId } = holder.desired
  filled.rooms = grow(hostId, growthOf(holder, size), filled.rooms)
  filled.resized.set(id, size)
  return holder
}

/** Of several instances with one number, the one that works longest stays. One that failed keeps its slot for a while. */
function choose(world: World, instances: Instance[]): Instance | null {
  const holding = instances.filter((instance) => isLive(world, instance) || waitsForReplacement(world, instance))
  const [best] = holding.sort(
    (a, b) =>
      Number(isAvailable(world, b)) - Number(isAvailable(world, a)) ||
      Number(isLive(world, b)) - Number(isLive(world, a)) ||
      a.desired.since - b.desired.since ||
      (a.desired.id < b.desired.id ? -1 : 1),
  )
  return best ?? null
}

function waitsForReplacement({ memory, now, lost }: World, { desired, reported }: Instance): boolean {
  const failedAt = memory.failedAt.get(desired.id)
  return (
    !lost.has(desired.hostId) &&
    reported?.state === 'failed' &&
    failedAt !== undefined &&
    now - failedAt < REPLACE_AFTER_MS
  )
}

/** Adds a start to `filled`, or the reason why there is none. @returns whether there is one */
function startFor(world: World, app: App, target: Target | null, slot: Slot, filled: Filled): boolean {
  if (target === null) return false
  const { release, generation } = target
  const group = groupOf({ appId: app.id, processType: slot.processType, release, generation })
  const request = { group, size: slot.size }
  const placement = place(request, filled.rooms)
  if (!placement.placed) {
    if (placement.because === 'capacity') {
      filled.short = true
      filled.waiting.push(`${processName(slot)}: ${describeShortage(slot.size, placement.short)}`)
    }
    return false
  }
  filled.rooms = reserve(request, placement.hostId, filled.rooms)
  filled.starts.push({ kind: 'start', instance: newInstance(world, app, target, slot, placement.hostId) })
  return true
}

const newInstance = (world: World, app: App, target: Target, slot: Slot, hostId: HostId): NewInstance => ({
  appId: app.id,
  appName: app.name,
  tenantId: app.tenantId,
  hostId,
  processType: slot.processType,
  number: slot.number,
  release: target.release,
  generation: target.generation,
  uidBase: app.uidBase,
  size: slot.size,
  ...termsOf(world, app),
  paused: false,
  stack: world.stack,
  intent: 'run',
  since: world.now,
  graceMs: DEFAULT_GRACE_MS,
  // A target that never worked is not tried again and again: its deploy fails, and the one before stays.
  onExit: isAccepted(app) ? 'restart' : 'fail',
  once: null,
})

/** Says what a rollout waits for, for whoever watches the deploy. */
function waitingStep(world: World, app: App, slots: Slot[], { kept, waiting }: Filled): Step[] {
  if (!isRolling(app)) return []
  const coming = keptRunning(world, app.id)
    .filter((instance) => kept.has(instance.desired.id) && !isAvailable(world, instance))
    .map(({ desired, reported }) => `${processName(desired)} ${wordFor(reported)}`)
  const [first = `${slots.length} instances`, ...others] = [...waiting, ...coming].sort()
  return sayWaiting(app, others.length === 0 ? first : `${first} (and ${others.length} more)`)
}

function sayWaiting(app: App, waitingFor: string): Step[] {
  if (!isRolling(app)) return []
  const before = app.rollout
  if (before?.state === 'rolling' && isOf(app.target, before.target) && before.waitingFor === waitingFor) return []
  return [{ kind: 'setRollout', appId: app.id, rollout: { target: app.target, state: 'rolling', waitingFor } }]
}

const wordFor = (reported: Instance['reported']): string =>
  reported?.state === 'running' ? 'to be known to all routers' : 'to start'

/** Instances whose app is gone. */
function ownerless({ apps, byApp }: World): Instance[][] {
  const owners = new Set(apps.map(({ id }) => id))
  return [...byApp].filter(([id]) => !owners.has(id)).map(([, instances]) => instances)
}

const leave = (leaving: Leaving[]): Step[] => leaving.map(({ how, instance }) => ({ kind: how, instance }))

/** Adds the route table as it is after the other steps. */
function withRoutes(world: World, settings: Settings, steps: Step[]): Step[] {
  const gone = new Set(
    steps
      .filter((step) => step.kind === 'unroute' || step.kind === 'stop' || step.kind === 'forget')
      .map(({ instance }) => instance.id),
  )
  const change = nextTable(world, settings.domain, gone)
  return change ? [...steps, { kind: 'putRoutes', change }] : steps
}

/** New things first, and nothing is stopped before the routes without it are stored. */
const order: Step['kind'][] = [
  'accept',
  'setRollout',
  'fallBack',
  'endRun',
  'start',
  'placeRun',
  'adjust',
  'unroute',
  'putRoutes',
  'stop',
  'forget',
]
const inOrder = (steps: Step[]): Step[] => [...steps].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))

const isOf = (what: Pick<Desired, 'release' | 'generation'>, target: Target | null): boolean =>
  what.release === target?.release && what.generation === target.generation

/** Memory, CPU and pids can be changed while an instance runs; the size of its disk cannot. */
const mayFill = (desired: Desired, slot: Slot): boolean =>
  desired.processType === slot.processType && desired.number === slot.number && desired.size.diskMb === slot.size.diskMb

const fills = (desired: Desired, slot: Slot): boolean => mayFill(desired, slot) && sameSize(desired.size, slot.size)

function countByType(slots: Slot[]): Map<ProcessType, number> {
  const counts = new Map<ProcessType, number>()
  for (const { processType } of slots) counts.set(processType, (counts.get(processType) ?? 0) + 1)
  return counts
}
