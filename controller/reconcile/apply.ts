/** Does the steps of a plan, one small function per kind. Each is fenced by an epoch or a version, so doing it twice is harmless. */
import { makeId, type AppId, type HostId, type InstanceId } from '#core/domain/ids.ts'
import { processName, type Desired, type Intent } from '#core/domain/instance.ts'
import type { RouteChange } from '#core/domain/route.ts'
import type { Log } from '#core/runtime/log.ts'
import { setCurrent, setRollout } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { assignInstance, changeDesired, forgetInstance } from '#core/store/instances.ts'
import { appendEvent } from '#core/store/events.ts'
import { putChange } from '#core/store/routes.ts'
import { endRun, placeRun } from '#core/store/runs.ts'
import { eventOfApp } from '../events.ts'
import type { HostQueues } from '../queues.ts'
import type { Fallback } from './fallback.ts'
import type { Step } from './plan.ts'

export type ApplyContext = {
  store: Store
  log: Log
  queues: HostQueues
  random: (bytes: number) => Uint8Array
  now: () => number
  /** Begins the rollback to the release before. @returns false where there is one already, or another deploy */
  fallBack: (app: AppId, fallback: Fallback) => Promise<boolean>
}

/**
 * Does the steps in order. A step that fails is logged and does not hold up the others: the next plan has it again.
 * @param held aborts when this process is no longer the leader; nothing is done after that
 * @returns the change of the route table that was stored, if one was
 */
export async function apply(context: ApplyContext, steps: Step[], held: AbortSignal): Promise<RouteChange | null> {
  const executors = executorsFor(context)
  let routed: RouteChange | null = null
  for (const step of steps) {
    if (held.aborted) break
    try {
      const done = await execute(executors, step)
      if (done && step.kind === 'putRoutes') routed = step.change
    } catch (error) {
      context.log.warn('step failed', { step: step.kind, error })
    }
  }
  return routed
}

/** @returns false when the state moved on since the plan was made */
type Executor<K extends Step['kind']> = (step: Extract<Step, { kind: K }>) => Promise<boolean>
type Executors = { [K in Step['kind']]: Executor<K> }

const execute = <K extends Step['kind']>(executors: Executors, step: Extract<Step, { kind: K }>): Promise<boolean> =>
  (executors[step.kind] as Executor<K>)(step)

function executorsFor({ store, log, queues, random, now, fallBack }: ApplyContext): Executors {
  return {
    async accept({ appId, target, rollout }) {
      await setCurrent(store, appId, target)
      await setRollout(store, appId, rollout)
      log.info('release accepted', { app: appId, release: target.release })
      return true
    },

    async setRollout({ appId, rollout }) {
      await setRollout(store, appId, rollout)
      if (rollout.state === 'failed')
        log.warn('release failed', { app: appId, release: rollout.target.release, reason: rollout.reason })
      return true
    },

    fallBack: ({ appId, fallback }) => fallBack(appId, fallback),

    async start({ instance }) {
      const id = makeId('i', random(13)) as InstanceId
      const assigned = await assignInstance(store, { ...instance, id, epoch: 1 })
      if (assigned) tell(instance.hostId, id)
      log.info('instance assigned', {
        instance: id,
        app: instance.appName,
        process: processName(instance),
        release: instance.release,
        host: instance.hostId,
      })
      return assigned
    },

    async placeRun({ instance }) {
      const placed = await placeRun(store, instance)
      if (placed) tell(instance.hostId, instance.id)
      const { id, appName, release, hostId } = instance
      log.info('run placed', { instance: id, app: appName, process: processName(instance), release, host: hostId })
      return placed
    },

    async endRun({ run, end, unheard }) {
      const { reason, exitCode, detail } = end
      const ended = await endRun(store, run.id, end)
      if (ended && unheard) {
        const text = `${processName(run)}: ${detail}`
        const { id: instance, host, release } = run
        const about = { process: processName(run), instance, host, release }
        await appendEvent(store, run.appId, { ...eventOfApp(reason, text, null, end.at), ...about })
      }
      log.info('run ended', { instance: run.id, appId: run.appId, process: processName(run), reason, exitCode })
      return ended
    },

    async adjust({ instance }) {
      const changed = await changeDesired(store, instance, instance)
      if (changed) tell(instance.hostId, instance.id)
      const { size, paused } = instance
      log.info('instance adjusted', { instance: instance.id, app: instance.appName, size, paused })
      return changed
    },

    unroute: ({ instance }) => intend(instance, 'unroute'),

    putRoutes: ({ change }) => putChange(store, change),

    stop: ({ instance }) => intend(instance, 'stop'),

    forget: ({ instance }) => forgetInstance(store, instance),
  }

  async function intend(read: Desired, intent: Intent): Promise<boolean> {
    // What is frozen cannot end its requests, nor itself.
    const changed = await changeDesired(store, read, { ...read, intent, since: now(), paused: false })
    if (changed) tell(read.hostId, read.id)
    return changed
  }

  /** Not awaited: a job is a hint, and the agent's sync comes without it. */
  function tell(host: HostId, instanceId: InstanceId): void {
    queues
      .send(host, { kind: 'instance', instanceId })
      .catch((error: unknown) => log.debug('job not queued', { host, instance: instanceId, error }))
  }
}
