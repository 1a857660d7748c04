/** The last step of a deploy: wait until the reconciler has rolled the release out, and tell the pusher how it goes. */
import type { App, Formation } from '#core/domain/app.ts'
import type { InstanceId } from '#core/domain/ids.ts'
import { processName, type Instance } from '#core/domain/instance.ts'
import { sameTarget, type Target } from '#core/domain/release.ts'
import { loadApp } from '#core/store/apps.ts'
import { loadInstances } from '#core/store/instances.ts'
import type { Outcome, Walk } from './walk.ts'

const LOOK_EVERY_MS = 100
const TELL_EVERY_MS = 500
/** After so long without news, say what the rollout waits for. */
const QUIET_MS = 10_000

/** Ends with the rollout: the reconciler ends every one, by success, by failure, or because nothing moves any more. */
export async function rollOut(walk: Walk): Promise<Outcome<number>> {
  const { store, now, wake } = walk.context
  const version = walk.deploy.release ?? 0
  const told = newsTold()
  const began = now()
  wake()
  for (let lookedAt = -Infinity; ; await walk.pause(LOOK_EVERY_MS)) {
    const app = await walk.reach(() => loadApp(store, walk.deploy.appId))
    if (app === null) return { ok: false, why: 'The app was destroyed.' }
    if (walk.deploy.state !== 'rolling') {
      await walk.say(`-----> Starting ${describeFormation(app.formation)}`)
      await walk.save({ state: 'rolling' })
    }
    const outcome = outcomeOf(walk, app, version)
    if (outcome === null && now() - lookedAt < TELL_EVERY_MS) continue
    lookedAt = now()
    const instances = await walk.reach(() => loadInstances(store))
    await walk.say(
      ...told.news(
        app,
        instances.filter((instance) => belongs(instance, app, version)),
        lookedAt,
      ),
    )
    if (outcome !== null) {
      walk.took({ name: 'start', ms: lookedAt - began })
      return outcome
    }
  }
}

/** @returns null while it goes on */
function outcomeOf({ deploy }: Walk, app: App, version: number): Outcome<number> | null {
  const { target, rollout } = app
  if (target?.release !== version)
    return { ok: false, why: `v${version} was superseded by v${target?.release ?? 0} before it was live.` }
  if (rollout === null || rollout.state === 'rolling' || !sameTarget(rollout.target, target)) return null
  if (rollout.state === 'done') return { ok: true, value: version }
  return { ok: false, why: describeFailure(version, rollout.reason, app.current, deploy.kind === 'config') }
}

/** For people: what happened, what serves now, what to do. */
export function describeFailure(version: number, reason: string, current: Target | null, config: boolean): string {
  const cause = `v${version} did not go live: ${reason.replace(/[.\s]+$/, '')}.`
  if (current === null) return `${cause} Nothing serves yet; repair it and push again.`
  const kept = `v${current.release} keeps serving`
  return config
    ? `${cause} ${kept}, with its own config vars; the changed ones stay set and go into the next release.`
    : `${cause} ${kept}.`
}

export function describeFormation(formation: Formation): string {
  const parts = Object.entries(formation).flatMap(([type, process]) =>
    process && process.count > 0 ? [`${type}=${process.count}`] : [],
  )
  return parts.sort().join(' ') || 'nothing: every process type is scaled to 0'
}

const belongs = ({ desired }: Instance, app: App, version: number): boolean =>
  desired.appId === app.id && desired.release === version && desired.generation === app.target?.generation

/** Remembers what was said, so that each change is said once. */
function newsTold() {
  const said = new Map<InstanceId, string>()
  let waitedFor = ''
  let saidAt: number | null = null
  return {
    news(app: App, instances: Instance[], now: number): string[] {
      saidAt ??= now
      const lines = instances.flatMap((instance) => {
        const line = describeInstance(instance)
        if (line === null || said.get(instance.desired.id) === line) return []
        said.set(instance.desired.id, line)
        return [`       ${line}`]
      })
      const waiting = app.rollout?.state === 'rolling' ? app.rollout.waitingFor : ''
      if (lines.length === 0 && waiting !== '' && waiting !== waitedFor && now - saidAt >= QUIET_MS) {
        waitedFor = waiting
        lines.push(`       still waiting for ${waiting}`)
      }
      if (lines.length > 0) saidAt = now
      return lines.sort()
    },
  }
}

/** @returns null for what is not worth a line */
export function describeInstance({ desired, reported }: Instance): string | null {
  const name = processName(desired)
  switch (reported?.state) {
    case 'starting':
      return reported.restarts > 0 ? (reported.detail ?? `${name} restarts`) : `${name} starting on ${desired.hostId}`
    case 'running':
      return reported.readyMs === null ? `${name} running` : `${name} running after ${Math.round(reported.readyMs)} ms`
    case 'failed':
      return reported.detail ?? `${name} failed`
    case 'pending':
    case 'draining':
    case 'stopped':
    case undefined:
      return null
  }
}
