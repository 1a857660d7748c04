/** The one loop that moves instances: look, plan, do. It runs in one controller at a time, the one that holds the lease. */
import { makeId } from '#core/domain/ids.ts'
import type { Config } from '#core/runtime/config.ts'
import { sleep } from '#core/runtime/clock.ts'
import { subscribe } from '#core/store/connection.ts'
import { apply, type ApplyContext } from './apply.ts'
import { createBell, type Bell } from './bell.ts'
import { withLease } from './lease.ts'
import { plan, type Settings } from './plan.ts'
import { createSnapshots, type Snapshots } from './snapshot.ts'
import { newMemory, rememberChange, see, type Memory } from './world.ts'

export type ReconcilerContext = ApplyContext & {
  config: Config
  /** Called each time this process has become the leader; until it succeeds. */
  onLeader: () => Promise<void>
  /** What else the leader does, as long as it leads; it does not throw. */
  whileLeading?: (held: AbortSignal) => Promise<void>
}

export type Reconciler = {
  /** Something changed: look now. */
  wake(): void
  stop(): Promise<void>
}

const LOOK_EVERY_MS = 1_000
/** Between two looks, so that a burst of announcements is answered by one plan and not by one each. */
const MIN_PAUSE_MS = 10
const MAX_PAUSE_MS = 250
const NO_PROGRESS_MS = 5 * 60_000
/** A slow start may take all of its time, and then some for the report. */
const AFTER_BOOT_MS = 60_000

export function startReconciler(context: ReconcilerContext): Reconciler {
  const { store, config, log, random } = context
  const stopping = new AbortController()
  const bell = createBell()
  const lease = { store, name: 'reconciler', owner: makeId('r', random(13)) }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await withLease(lease, stopping.signal, (held) =>
        Promise.all([lead(context, bell, held), context.whileLeading?.(held)]),
      )
      if (!stopping.signal.aborted) log.warn('reconciler lost its lease', { owner: lease.owner })
    }
  }

  const subscription = subscribe(config.redisUrl, ['changed', 'acknowledged'], () => bell.ring())
  const running = run().catch((error: unknown) => log.error('reconciler ended', { error }))
  return {
    wake: () => bell.ring(),
    async stop() {
      stopping.abort()
      await subscription.stop()
      await running
    },
  }
}

/** Reconciles until the lease is lost. */
async function lead(context: ReconcilerContext, bell: Bell, held: AbortSignal): Promise<void> {
  const { log, now, store } = context
  log.info('reconciler leads')
  const snapshots = createSnapshots(store)
  const settings: Settings = {
    domain: context.config.domain,
    noProgressMs: NO_PROGRESS_MS,
    startWithinMs: context.config.bootTimeoutMs + AFTER_BOOT_MS,
  }
  let memory = newMemory(now())
  let greeted = false
  let outage = false
  while (!held.aborted) {
    const began = performance.now()
    try {
      memory = await look(context, snapshots, settings, memory, held)
      if (outage) log.info('reconciler sees the store again')
      outage = false
      greeted ||= await greet(context)
    } catch (error) {
      if (!outage) log.warn('reconciler cannot look', { error })
      outage = true
      // While the store was away no lease was renewed: what lapsed meanwhile says nothing.
      memory = newMemory(now())
    }
    const took = performance.now() - began
    await sleep(Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, took)), held)
    await bell.wait(LOOK_EVERY_MS, held)
  }
}

async function greet({ onLeader, log }: ReconcilerContext): Promise<boolean> {
  try {
    await onLeader()
    return true
  } catch (error) {
    log.warn('work that was left open could not be taken up yet', { error })
    return false
  }
}

/** Once: look, plan, do. */
async function look(
  context: ReconcilerContext,
  snapshots: Snapshots,
  settings: Settings,
  memory: Memory,
  held: AbortSignal,
): Promise<Memory> {
  const snapshot = await snapshots.load()
  if (held.aborted) return memory
  const planned = plan(see(snapshot, memory, context.now()), settings)
  const routed = await apply(context, planned.steps, held)
  return routed ? rememberChange(planned.memory, snapshot.table, routed) : planned.memory
}
