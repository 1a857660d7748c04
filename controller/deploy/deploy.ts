/**
 * THE deploy story: build, release, run the release command, roll out, run what comes after a first one. It can be killed at any line and is taken up again by whichever controller
 * leads next: each step first asks whether its work is done, and how far it got stands in the deploy's record.
 */
import type { App, SealedConfig } from '#core/domain/app.ts'
import { internal, messageOf } from '#core/domain/errors.ts'
import type { AppEvent } from '#core/domain/event.ts'
import { makeId, type AppId, type DeployId, type HostId } from '#core/domain/ids.ts'
import { codeOf, describePhases, isOver, type Deploy, type DeployKind } from '#core/domain/release.ts'
import { createDeploy, loadDeploy, loadOpenDeploys, saveDeploy, unassignBuild } from '#core/store/deploys.ts'
import { appendEvent } from '#core/store/events.ts'
import { addToOutbox } from '#core/store/outbox.ts'
import { withLease } from '../reconcile/lease.ts'
import { build } from './build.ts'
import { abandon, cancel, eventOfCancel, tellBuilder } from './cancel.ts'
import { watchChanges } from './changes.ts'
import type { DeployContext, WalkContext } from './context.ts'
import { runReleasePhase } from './release-phase.ts'
import { runPostdeploy } from './postdeploy.ts'
import { release } from './release.ts'
import { rollOut } from './rollout.ts'
import { beginWalk, Cancelled, OverAlready, patiently, seconds, type Outcome, type Walk } from './walk.ts'

export type { DeployContext }

export type DeployRequest = {
  app: App
  kind: DeployKind
  actor: string
  description: string
  commit: string | null
  /** What the commit says of itself. */
  subject?: string
  /** SHA-256 of the source archive, for kind push. */
  source: string | null
  id?: DeployId
  /** Whose slug is released again; null: the newest release's. */
  fromRelease: number | null
  /** For a rollback that nobody asked for: the release that crashed. */
  leaves?: number
  /** The config of the new release; null: the app's (for a rollback, that of the release). */
  config: SealedConfig | null
}

export type Deploys = {
  /** Accepts a deploy and begins it. Once this returns, it will end: succeeded, or failed with a reason. */
  submit(request: DeployRequest): Promise<Deploy>
  /** Takes up the deploys that were left open by a controller that ended. */
  resumeOpen(): Promise<void>
  /** Has a deploy ended, wherever it is run. @returns false when it is over already */
  cancel(deploy: Deploy, by: string): Promise<boolean>
  /** Ends all open deploys of an app that is about to be removed. */
  cancelApp(appId: AppId): Promise<void>
  /** Lets go of all deploys; they stay open, for whoever leads next. */
  stop(): Promise<void>
}

/** An app's deploys in this process, one after the other. */
type Lane = { tail: Promise<void>; length: number; cancelling: AbortController }

export function createDeploys(context: DeployContext): Deploys {
  const { store, log, random, now } = context
  const owner = makeId('c', random(13))
  const stopping = new AbortController()
  const changes = watchChanges(context.config.redisUrl)
  const lanes = new Map<AppId, Lane>()
  const adopted = new Set<DeployId>()

  function adopt({ id, appId }: Deploy): void {
    if (adopted.has(id) || stopping.signal.aborted) return
    adopted.add(id)
    const lane = lanes.get(appId) ?? { tail: Promise.resolve(), length: 0, cancelling: new AbortController() }
    lanes.set(appId, lane)
    lane.length++
    const signal = AbortSignal.any([stopping.signal, lane.cancelling.signal])
    lane.tail = lane.tail
      .then(() => runAlone(id, appId, signal))
      .catch((error: unknown) => log.error('deploy lost its controller', { deploy: id, error }))
      .finally(() => {
        adopted.delete(id)
        lane.length--
        if (lane.length === 0 && lanes.get(appId) === lane) lanes.delete(appId)
      })
  }

  /** One deploy of an app at a time, in all controllers together. */
  async function runAlone(id: DeployId, appId: AppId, signal: AbortSignal): Promise<void> {
    const lease = { store, name: `deploy-${appId}`, owner }
    let ended = false
    while (!ended && !signal.aborted) {
      ended = (await withLease(lease, signal, (held) => run({ ...context, changes }, id, held))) === true
    }
  }

  return {
    async submit(request) {
      const deploy = newDeploy(request, request.id ?? (makeId('d', random(13)) as DeployId), now())
      await createDeploy(store, deploy)
      adopt(deploy)
      return deploy
    },

    async resumeOpen() {
      const open = await loadOpenDeploys(store)
      for (const deploy of open.sort((a, b) => a.createdAt - b.createdAt)) {
        if (!adopted.has(deploy.id)) log.info('deploy taken up', { deploy: deploy.id, state: deploy.state })
        adopt(deploy)
      }
    },

    cancel: (deploy, by) => cancel(context, deploy, by),

    async cancelApp(appId) {
      const lane = lanes.get(appId)
      lanes.delete(appId)
      lane?.cancelling.abort()
      await lane?.tail
      const open = (await loadOpenDeploys(store)).filter((deploy) => deploy.appId === appId)
      for (const deploy of open) {
        if (deploy.buildHost !== null) await unassignBuild(store, deploy.buildHost as HostId, deploy.id)
        await saveDeploy(store, { ...deploy, state: 'failed', error: 'The app was destroyed.', endedAt: now() })
      }
    },

    async stop() {
      stopping.abort()
      await Promise.all([...lanes.values()].map(({ tail }) => tail))
      await changes.stop()
    },
  }
}

const newDeploy = (request: DeployRequest, id: DeployId, now: number): Deploy => ({
  id,
  appId: request.app.id,
  kind: request.kind,
  actor: request.actor,
  description: request.description,
  createdAt: now,
  state: 'queued',
  ...codeOf(request),
  source: request.source,
  fromRelease: request.fromRelease,
  ...(request.leaves === undefined ? {} : { leaves: request.leaves }),
  config: request.config,
  release: null,
  buildHost: null,
  buildEpoch: 0,
  startedAt: null,
  phases: [],
  releaseRun: null,
  postdeployRun: null,
  error: null,
  endedAt: null,
})

/** @returns whether the deploy is over; false when the signal ended the walk before that */
async function run(context: WalkContext, id: DeployId, signal: AbortSignal): Promise<boolean> {
  try {
    const deploy = await patiently(context, signal, () => loadDeploy(context.store, id))
    if (!deploy || isOver(deploy)) return true
    const walk = beginWalk(context, deploy, signal)
    await finish(walk, await tell(walk).catch((error: unknown) => unfinished(walk, error)))
    return true
  } catch (error) {
    if (error instanceof OverAlready) return true
    if (signal.aborted) return false
    throw error
  }
}

/** The story. */
async function tell(walk: Walk): Promise<Outcome<number>> {
  await walk.goOn()
  if (walk.deploy.state === 'queued') await walk.reach(() => announceStart(walk))
  if (walk.deploy.release === null) {
    const slug = await build(walk)
    if (!slug.ok) return slug
    const made = await release(walk, slug.value)
    if (!made.ok) return made
  }
  const ready = await runReleasePhase(walk)
  if (!ready.ok) return ready
  const live = await rollOut(walk)
  if (live.ok) await runPostdeploy(walk)
  return live
}

/** A controller that is killed right here tells it twice. */
function announceStart({ context: { store, now }, deploy }: Walk): Promise<void> {
  const { id, appId, actor, description } = deploy
  return addToOutbox(store, { kind: 'deployStarted', appId, deployId: id, actor, text: description, at: now() })
}

async function finish(walk: Walk, outcome: Outcome<number>): Promise<void> {
  const { context } = walk
  const endedAt = context.now()
  // Before the deploy is over, so that a controller that is killed in between says it twice rather than never.
  await walk.reach(() => appendEvent(context.store, walk.deploy.appId, eventOf(walk.deploy, outcome, endedAt)))
  const phases = describePhases(walk.deploy.phases)
  if (phases !== '') await walk.say(`       ${phases}`)
  if (outcome.ok) {
    await walk.say(`-----> v${outcome.value} is live (${seconds(endedAt - walk.deploy.createdAt)})`)
    await walk.save({ state: 'succeeded', endedAt })
    context.log.info('deploy succeeded', { deploy: walk.deploy.id, app: walk.deploy.appId, release: outcome.value })
  } else {
    await walk.say(` !     ${outcome.why}`)
    await walk.save({ state: outcome.cancelled ? 'cancelled' : 'failed', error: outcome.why, endedAt })
    tellBuilder(walk)
    context.log.info('deploy failed', { deploy: walk.deploy.id, app: walk.deploy.appId, reason: outcome.why })
  }
}

function eventOf(deploy: Deploy, outcome: Outcome<number>, at: number): AppEvent {
  if (!outcome.ok && outcome.cancelled) return eventOfCancel(deploy, outcome.why, deploy.actor, at)
  return {
    at,
    kind: outcome.ok ? 'released' : 'releaseFailed',
    process: null,
    instance: null,
    host: null,
    release: deploy.release,
    actor: deploy.actor,
    text: outcome.ok ? `v${outcome.value} is live: ${deploy.description}` : outcome.why,
    lastOutput: [],
  }
}

/** A step did not come to its end: somebody cancelled the deploy, or a promise of the platform's own was broken. */
async function unfinished(walk: Walk, error: unknown): Promise<Outcome<number>> {
  if (error instanceof Cancelled) return abandon(walk, error)
  if (error instanceof OverAlready) throw error
  return broken(walk, error)
}

/** A promise of the platform's own was broken: the deploy ends all the same. */
function broken(walk: Walk, error: unknown): Outcome<number> {
  walk.signal.throwIfAborted()
  walk.context.log.error('deploy broke', { deploy: walk.deploy.id, error, reason: messageOf(error) })
  return { ok: false, why: messageOf(internal(error)) }
}
