/**
 * One-off runs: places each that is accepted, once, and writes down how it ended before its instance is forgotten. An end
 * that nobody can tell any more (a lost host, a lost instance) is told as `lost`; nothing is run again.
 */
import type { App } from '#core/domain/app.ts'
import type { AppId, HostId, InstanceId } from '#core/domain/ids.ts'
import { type Desired, type Instance, type ReasonCode } from '#core/domain/instance.ts'
import { endOf, onceOf, PLACE_WITHIN_MS, RUN_GRACE_MS, runsOnce, type Run, type RunEnd } from '#core/domain/run.ts'
import { describeShortage, place } from '../placement/placement.ts'
import { reserve, type Room } from '../placement/room.ts'
import { adjust, termsOf } from './adjust.ts'
import type { Step } from './plan.ts'
import { retire } from './retire.ts'
import { haltOf, hasEnded, type World } from './world.ts'

type Planned = { steps: Step[]; rooms: Room[] }

/** @param rooms what the apps' own instances left */
export function planRuns(world: World, rooms: Room[]): Planned {
  const apps = new Map(world.apps.map((app) => [app.id, app]))
  const instances = new Map(world.instances.map((instance) => [instance.desired.id, instance]))
  const steps: Step[] = []
  let left = rooms
  for (const run of [...world.runs].sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))) {
    const app = apps.get(run.appId)
    const end = app ? ending(world, app, run, instances.get(run.id)) : told(world, 'stopped', 'Its app was destroyed.')
    if (end) steps.push({ kind: 'endRun', run, end, unheard: !hasTold(instances.get(run.id)) })
    else if (app && run.host === null) {
      const placed = placeOne(world, app, run, left)
      left = placed.rooms
      steps.push(...placed.steps)
    }
  }
  for (const app of apps.values()) steps.push(...lookAfter(world, app))
  return { steps, rooms: left }
}

/** Has its agent said how it ended? Then people have heard of it. */
const hasTold = (instance: Instance | undefined): boolean => hasEnded(instance?.reported ?? null)

/** @returns how it ended; null while it goes on or waits */
function ending(world: World, app: App, run: Run, instance: Instance | undefined): RunEnd | null {
  if (run.host === null) return endBeforeStart(world, app, run)
  if (!instance) return told(world, 'lost', 'Its host does not know it any more; whether it ran is not known.')
  if (instance.reported && hasEnded(instance.reported)) return endOf(instance.reported)
  if (!world.lost.has(run.host)) return null
  return told(world, 'lost', `Its host ${run.host} was lost; whether it ran to its end is not known.`)
}

function endBeforeStart(world: World, app: App, run: Run): RunEnd | null {
  if (run.stop) return told(world, 'stopped', `It was stopped by ${run.stop.by} before it began.`)
  const halt = haltOf(world, app)
  if (halt === 'paused') return told(world, 'notPlaced', `It was not begun: ${app.name} is paused.`)
  if (halt === 'suspended') return told(world, 'notPlaced', `It was not begun: ${app.tenantId} is suspended.`)
  return null
}

const told = ({ now }: World, reason: ReasonCode, detail: string): RunEnd => ({
  at: now,
  reason,
  exitCode: null,
  detail,
})

function placeOne(world: World, app: App, run: Run, rooms: Room[]): Planned {
  const request = { group: `${run.appId}/${run.processType}`, size: run.size }
  const placement = place(request, rooms)
  if (placement.placed) {
    const instance = newInstance(world, app, run, placement.hostId)
    return { steps: [{ kind: 'placeRun', instance }], rooms: reserve(request, placement.hostId, rooms) }
  }
  if (world.now - run.createdAt < PLACE_WITHIN_MS) return { steps: [], rooms }
  const why = placement.because === 'capacity' ? describeShortage(run.size, placement.short) : 'all hosts are busy'
  const end = told(world, 'notPlaced', `It was not begun within ${PLACE_WITHIN_MS / 1000} s: ${why}.`)
  return { steps: [{ kind: 'endRun', run, end, unheard: true }], rooms }
}

const newInstance = (world: World, app: App, run: Run, hostId: HostId): Desired => ({
  id: run.id,
  appId: app.id,
  appName: app.name,
  tenantId: app.tenantId,
  hostId,
  processType: run.processType,
  number: run.number,
  release: run.release,
  generation: 0,
  uidBase: app.uidBase,
  size: run.size,
  ...termsOf(world, app),
  paused: false,
  stack: world.stack,
  epoch: 1,
  intent: 'run',
  since: world.now,
  graceMs: RUN_GRACE_MS,
  onExit: 'fail',
  once: onceOf(run),
})

/** The instances of an app's runs: those that go on are held to their tenant's plan, the others leave. */
function lookAfter(world: World, app: App): Step[] {
  const open = new Map(world.runs.filter(({ appId }) => appId === app.id).map((run) => [run.id, run]))
  // Of one that has ended, the end is written down first.
  const instances = (world.byApp.get(app.id) ?? []).filter(
    ({ desired, reported }) => runsOnce(desired) && !(open.has(desired.id) && hasEnded(reported)),
  )
  const suspended = haltOf(world, app) === 'suspended'
  const kept = new Set(suspended ? [] : [...open.values()].filter(({ stop }) => stop === null).map(({ id }) => id))
  const leaving = retire(world, { instances, kept, counts: new Map(), held: () => false })
  const going = new Set<InstanceId>(leaving.map(({ instance }) => instance.id))
  const staying = instances.filter(({ desired }) => !going.has(desired.id))
  return [
    ...adjust(world, app, staying).map((instance): Step => ({ kind: 'adjust', instance })),
    ...leaving.map(({ how, instance }): Step => ({ kind: how, instance })),
  ]
}

/** What the reconciler fills the formation with: all but what runs once. */
export const keptRunning = (world: World, app: AppId): Instance[] =>
  (world.byApp.get(app) ?? []).filter(({ desired }) => !runsOnce(desired))
