/**
 * One build: the source goes into a workspace of its own, the buildpacks run in the sandbox (detect, then compile), and
 * when every process of the tenant's is dead, the platform packs what they left into layers.
 */
import { type BuildPlan, type BuildRelease, buildPlan, buildRelease } from '#core/contract/buildpack.ts'
import type { BuildSpec } from '#core/contract/internal.ts'
import { parse } from '#core/contract/schema.ts'
import { messageOf } from '#core/domain/errors.ts'
import type { DeployId } from '#core/domain/ids.ts'
import { type Manifest, emptyManifest } from '#core/domain/manifest.ts'
import type { Deploy } from '#core/domain/release.ts'
import { type RuntimeRef, type Slug, packagedRuntimes } from '#core/domain/slug.ts'
import { debianOf } from '#core/domain/stack.ts'
import { bringOffered } from './build-settings.ts'
import { describeCache } from './builds/cache.ts'
import type { BuildContext } from './builds/context.ts'
import { reuseDependencies } from './builds/dependencies.ts'
import { requireDisk } from './builds/disk.ts'
import { type Laps, startLaps } from './builds/laps.ts'
import { capOutput } from './builds/output-cap.ts'
import type { Leftovers } from './builds/leftovers.ts'
import { packSlug } from './builds/packing.ts'
import { type Phase, runPhase } from './builds/phase.ts'
import { openWorkspace, readOutput, workspaceOf } from './builds/workspace.ts'

/**
 * Runs a deploy's build to its end and reports it. Run again for the same epoch, it starts from a clean workspace.
 * @param leftovers is told what there is to remove, whatever the end
 * @param waitedMs for its turn
 */
export async function build(
  outer: BuildContext,
  deploy: Deploy,
  signal: AbortSignal,
  leftovers: Leftovers,
  waitedMs: number,
): Promise<void> {
  const output = capOutput()
  const context: BuildContext = { ...outer, print: (id, lines) => outer.print(id, output.take(lines)) }
  const { log, now } = context
  const epoch = deploy.buildEpoch
  if (!(await context.report(deploy.id, { epoch, state: 'running', at: now() }))) return
  const timeout = AbortSignal.timeout(context.config.buildTimeoutMs)
  const ending = AbortSignal.any([signal, timeout])
  const laps = startLaps(now, [{ name: 'queue', ms: waitedMs }])
  try {
    const spec = await context.controller.build(deploy.id, ending)
    const { slug, manifest } = await buildSlug(context, { deploy, spec, laps, leftovers, signal: ending })
    await outer.print(deploy.id, output.end())
    await context.report(deploy.id, { epoch, state: 'succeeded', at: now(), slug, manifest, phases: laps.all() })
    log.info('build succeeded', { deploy: deploy.id, app: deploy.appId, buildpack: slug.buildpack })
  } catch (error) {
    if (signal.aborted) return
    const why = timeout.aborted
      ? `The build took longer than ${context.config.buildTimeoutMs / 1000} s and was stopped.`
      : messageOf(error)
    log.info('build failed', { deploy: deploy.id, app: deploy.appId, error })
    await outer.print(deploy.id, output.end())
    await context.report(deploy.id, {
      epoch,
      state: 'failed',
      at: now(),
      error: why.slice(0, 1000),
      phases: laps.all(),
    })
  }
}

type Built = { slug: Slug; manifest: Manifest }
type Building = { deploy: Deploy; spec: BuildSpec; laps: Laps; leftovers: Leftovers; signal: AbortSignal }

/** The story of a build. */
async function buildSlug(context: BuildContext, { deploy, spec, laps, leftovers, signal }: Building): Promise<Built> {
  await requireDisk(context.folder, context.config.hostId)
  const stack = { name: spec.stack ?? context.stacks.own.name, root: await context.stacks.rootOf(spec.stack, signal) }
  const workspace = workspaceOf(context, deploy.id, spec)
  leftovers.workspace = workspace
  const { removals } = leftovers
  try {
    const found = await openWorkspace(context, workspace, deploy.id, spec, signal)
    await context.print(deploy.id, [describeCache(found)])
    laps.lap('prepare')
    const common = { deploy, spec, stack, workspace, removals, signal }
    if (spec.ready) return await adoptSlug(context, spec.ready, common)
    await runPhase(context, { ...common, phase: 'detect', binds: [], env: {} })
    const plan = parse(buildPlan, await readOutput(workspace, 'plan.json'), 'plan of the buildpack')
    laps.lap('detect')
    await bringOffered(context.controller, plan.offered, workspace.build, signal)
    const runtimes = await resolveRuntimes(context, deploy.id, plan)
    const onProgress = (line: string) => void context.print(deploy.id, [`       ${line}`]).catch(() => undefined)
    const { root, binds, path } = await context.runtimes.mounts(runtimes, { root: stack.root, onProgress, signal })
    const { reused, mounts } = await reuseDependencies(context, { deploy, plan, runtimes, workspace, signal })
    laps.lap('runtimes')
    const env = {
      ...spec.env,
      PATH: [...path, '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
      ...(reused ? { BERTH_DEPENDENCIES: 'reused' } : {}),
    }
    await runPhase(context, {
      ...common,
      phase: 'compile',
      stack: { ...stack, root },
      binds: [...binds, ...mounts],
      env,
    })
    const release = parse(buildRelease, await readOutput(workspace, 'release.json'), 'release of the buildpack')
    laps.lap('compile')
    const slug = await packSlug(context, { deploy, spec, stack, plan, release, runtimes, reused, workspace, signal })
    // What a build wrote onto a disk that was full may be gone by now, without a word.
    await requireDisk(context.folder, context.config.hostId)
    laps.lap('pack')
    return { slug, manifest: release.manifest }
  } catch (error) {
    // Whatever failed: on a full disk that is why, and the workspace is still there to be counted.
    await requireDisk(context.folder, context.config.hostId)
    throw error
  }
}

/**
 * A ready slug is unpacked by the app's own user, inside the sandbox, and packed anew: what somebody sends is no image that
 * a kernel should mount, and its files belong to another app.
 */
async function adoptSlug(
  context: BuildContext,
  ready: NonNullable<BuildSpec['ready']>,
  making: Pick<Phase, 'deploy' | 'spec' | 'stack' | 'workspace' | 'removals' | 'signal'>,
): Promise<Built> {
  const { deploy, workspace, stack } = making
  if (debianOf(ready.stack) !== debianOf(stack.name))
    await context.print(deploy.id, [
      ` !     This slug was built on ${ready.stack}, and runs on ${stack.name}: programs in it may miss libraries.`,
    ])
  await runPhase(context, { ...making, phase: 'adopt', binds: [], env: {} })
  const found = parse(buildPlan, await readOutput(workspace, 'plan.json'), 'plan of the ready slug')
  const plan: BuildPlan = { ...found, buildpack: ready.buildpack, runtimes: ready.runtimes.map(runtimeRequest) }
  const runtimes = await resolveRuntimes(context, deploy.id, plan)
  const { processes, env, health, cron } = ready
  const release: BuildRelease = { processes, env, health, cron, manifest: { postdeploy: null, formation: {}, env: {} } }
  const slug = await packSlug(context, { ...making, plan, release, runtimes, reused: null })
  return { slug, manifest: emptyManifest }
}

/** Exactly the version where one is like another; of Debian's packages, which move with security fixes, the same line. */
const runtimeRequest = ({ name, version }: RuntimeRef): BuildPlan['runtimes'][number] => ({
  name,
  range: (packagedRuntimes as readonly string[]).includes(name) ? version : (/^\d+(\.\d+)?/.exec(version)?.[0] ?? '*'),
  reason: 'the ready slug was built with it',
})

async function resolveRuntimes(context: BuildContext, deploy: DeployId, plan: BuildPlan): Promise<RuntimeRef[]> {
  const resolved: RuntimeRef[] = []
  for (const { name, range, reason } of plan.runtimes) {
    const runtime = await context.runtimes.resolve({ name, range })
    await context.print(deploy, [`       ${name} ${runtime.version} (${reason})`])
    resolved.push(runtime)
  }
  return resolved
}
