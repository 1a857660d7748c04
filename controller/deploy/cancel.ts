/**
 * Cancelling a deploy. Anybody may ask, through any controller: the wish is noted in the store. A deploy that waits for its
 * turn ends with the note; one under way ends where it waits next (walk.ts), and what it began elsewhere is ended here.
 */
import type { AppEvent } from '#core/domain/event.ts'
import type { HostId } from '#core/domain/ids.ts'
import { cancelledBy, type Deploy } from '#core/domain/release.ts'
import { cancelDeploy, unassignBuild } from '#core/store/deploys.ts'
import { appendEvent } from '#core/store/events.ts'
import { stopRun } from '#core/store/runs.ts'
import type { DeployContext } from './context.ts'
import type { Cancelled, Outcome, Walk } from './walk.ts'

/**
 * @param deploy as it was read last
 * @returns false when it is over already
 */
export async function cancel(
  { store, log, now }: Pick<DeployContext, 'store' | 'log' | 'now'>,
  deploy: Deploy,
  by: string,
): Promise<boolean> {
  const wish = { at: now(), by }
  const answer = await cancelDeploy(store, deploy, wish)
  if (answer === 'ended') await appendEvent(store, deploy.appId, eventOfCancel(deploy, cancelledBy(wish), by, wish.at))
  if (answer !== 'over') log.info('deploy cancelled', { deploy: deploy.id, app: deploy.appId, by })
  return answer !== 'over'
}

/** Ends what a deploy under way has begun: its build, or the run of its release command. */
export async function abandon(walk: Walk, { cancel: { at, by }, message }: Cancelled): Promise<Outcome<never>> {
  const { context, deploy, reach } = walk
  const { buildHost, releaseRun } = deploy
  if (buildHost !== null) await reach(() => unassignBuild(context.store, buildHost as HostId, deploy.id))
  if (releaseRun !== null) await reach(() => stopRun(context.store, releaseRun, { at, by }))
  return { ok: false, why: message, cancelled: true }
}

/** Tells the host that built for a deploy, which looks at the deploy and ends its build. Its sync finds the same. */
export function tellBuilder({ context: { queues, log }, deploy }: Walk): void {
  const host = deploy.buildHost as HostId | null
  if (host === null) return
  queues
    .send(host, { kind: 'build', deployId: deploy.id, epoch: deploy.buildEpoch })
    .catch((error: unknown) => log.debug('job not queued', { host, deploy: deploy.id, error }))
}

export const eventOfCancel = (deploy: Deploy, text: string, actor: string, at: number): AppEvent => ({
  at,
  kind: 'releaseFailed',
  process: null,
  instance: null,
  host: null,
  release: deploy.release,
  actor,
  text: `${deploy.description}: ${text}`,
  lastOutput: [],
})
