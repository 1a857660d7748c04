/**
 * The step between a release and its rollout: its `release` command, if it has one, runs once with the new code and config,
 * before anything of the release is started. It is a one-off run of its own, which goes on when this controller ends: the
 * next one finds its id in the deploy's record, and waits for it or reads how it ended. It never runs twice.
 */
import { makeId, type InstanceId } from '#core/domain/ids.ts'
import { processName } from '#core/domain/instance.ts'
import { RELEASE_PROCESS, type Release } from '#core/domain/release.ts'
import type { Run } from '#core/domain/run.ts'
import { loadApp, promoteRelease } from '#core/store/apps.ts'
import { loadRelease } from '#core/store/releases.ts'
import { loadRun } from '#core/store/runs.ts'
import { submitReleaseRun } from '../runs/submit.ts'
import { seconds, type Outcome, type Walk } from './walk.ts'

const LOOK_EVERY_MS = 100
const GONE = 'The app was destroyed.'

/** Ends with the release as the target, or with the reason why it does not become it. */
export async function runReleasePhase(walk: Walk): Promise<Outcome<number>> {
  const { store, now } = walk.context
  const { appId, release: version } = walk.deploy
  if (version === null) throw new Error('a release phase without a release')
  const release = await walk.reach(() => loadRelease(store, appId, version))
  if (!release) return { ok: false, why: GONE }
  if (!hasReleaseCommand(release.slug) || (await isTarget(walk, version))) return { ok: true, value: version }
  const ended = await runCommand(walk, release)
  if (!ended.ok) return ended
  await walk.goOn()
  await walk.reach(() => promoteRelease(store, appId, version, now()))
  return { ok: true, value: version }
}

export const hasReleaseCommand = ({ processes }: Pick<Release['slug'], 'processes'>): boolean =>
  Object.hasOwn(processes, RELEASE_PROCESS)

async function isTarget({ context: { store }, deploy, reach }: Walk, version: number): Promise<boolean> {
  return ((await reach(() => loadApp(store, deploy.appId)))?.target?.release ?? 0) >= version
}

async function runCommand(walk: Walk, release: Release): Promise<Outcome<number>> {
  const { store, now, random } = walk.context
  if (walk.deploy.releaseRun === null) {
    await walk.say(`-----> Running the release command: ${release.slug.processes[RELEASE_PROCESS] ?? ''}`)
    // Written down before the run is made: whoever goes on from here asks for the same one.
    await walk.save({ releaseRun: makeId('i', random(13)) as InstanceId })
  }
  const id = walk.deploy.releaseRun as InstanceId
  const app = await walk.reach(() => loadApp(store, release.appId))
  if (!app) return { ok: false, why: GONE }
  const run = await walk.reach(() => submitReleaseRun(store, app, release, { id, deploy: walk.deploy.id, now: now() }))
  walk.context.wake()
  return run ? awaitEnd(walk, run) : { ok: false, why: GONE }
}

async function awaitEnd(walk: Walk, { id, release }: Run): Promise<Outcome<number>> {
  for (;;) {
    const run = await walk.reach(() => loadRun(walk.context.store, id))
    if (!run) return { ok: false, why: GONE }
    if (run.end?.reason === 'completed') {
      await walk.say(`       release command done in ${seconds(run.end.at - run.createdAt)}`)
      walk.took({ name: 'release', ms: run.end.at - run.createdAt })
      return { ok: true, value: release }
    }
    if (run.end) return { ok: false, why: await describe(walk, run) }
    await walk.pause(LOOK_EVERY_MS)
  }
}

/** For people: why there is no release, and what serves now. */
async function describe({ context: { store }, deploy, reach }: Walk, run: Run): Promise<string> {
  const current = (await reach(() => loadApp(store, deploy.appId)))?.current ?? null
  return describeReleaseFailure(run, current?.release ?? null)
}

export function describeReleaseFailure(
  run: Pick<Run, 'processType' | 'number' | 'end' | 'release'>,
  serving: number | null,
): string {
  const cause = `The release command of v${run.release} failed: ${processName(run)} ${run.end?.detail ?? ''}`.trim()
  return serving === null
    ? `${cause} Nothing serves yet; repair it and push again.`
    : `${cause} v${serving} keeps serving.`
}
