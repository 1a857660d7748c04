/**
 * The last step of an app's first deploy: app.json's postdeploy script runs once, when the release is live, in a sandbox of
 * its own. Its run was named before the release was made (see manifest.ts), so that whoever takes the deploy up asks for the
 * same one. A script that fails changes nothing of the release: the app serves, and the pusher is told.
 */
import type { ProcessType } from '#core/domain/ids.ts'
import { processName } from '#core/domain/instance.ts'
import type { Run } from '#core/domain/run.ts'
import { loadApp } from '#core/store/apps.ts'
import { loadRelease } from '#core/store/releases.ts'
import { loadRun } from '#core/store/runs.ts'
import { submitReleaseRun } from '../runs/submit.ts'
import { manifestOf } from './manifest.ts'
import { seconds, type Walk } from './walk.ts'

const POSTDEPLOY_PROCESS = 'postdeploy' as ProcessType
const LOOK_EVERY_MS = 100

export async function runPostdeploy(walk: Walk): Promise<void> {
  const { postdeployRun: id, appId, release: version } = walk.deploy
  const { store, now, wake } = walk.context
  const { postdeploy: command } = await manifestOf(walk)
  if (id === null || command === null || version === null) return
  const [app, release] = await walk.reach(() =>
    Promise.all([loadApp(store, appId), loadRelease(store, appId, version)]),
  )
  if (!app || !release) return
  await walk.say(`-----> Running the postdeploy script: ${command}`)
  const order = { id, deploy: walk.deploy.id, now: now(), process: { type: POSTDEPLOY_PROCESS, command } }
  const run = await walk.reach(() => submitReleaseRun(store, app, release, order))
  wake()
  if (run) await walk.say(...describePostdeploy(await ended(walk, run), command))
}

async function ended(walk: Walk, { id }: Run): Promise<Run | null> {
  for (;;) {
    const run = await walk.reach(() => loadRun(walk.context.store, id))
    if (!run || run.end) return run
    await walk.pause(LOOK_EVERY_MS)
  }
}

/** @param run null: the app was destroyed */
export function describePostdeploy(
  run: Pick<Run, 'processType' | 'number' | 'createdAt' | 'end'> | null,
  command: string,
) {
  if (!run?.end) return []
  if (run.end.reason === 'completed') return [`       postdeploy script done in ${seconds(run.end.at - run.createdAt)}`]
  return [
    ` !     The postdeploy script failed: ${processName(run)} ${run.end.detail}`,
    ` !     The release is live all the same. When the cause is repaired: berth run ${JSON.stringify(command)}`,
  ]
}
