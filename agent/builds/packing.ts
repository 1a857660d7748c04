/** When every process of the build is dead, what it left becomes layers. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuildPlan, BuildRelease } from '#core/contract/buildpack.ts'
import type { BuildSpec } from '#core/contract/internal.ts'
import { APP_UID } from '#core/domain/app.ts'
import type { Deploy } from '#core/domain/release.ts'
import { type Layer, type RuntimeRef, type Slug, runsWithApps } from '#core/domain/slug.ts'
import { pack } from '../pack.ts'
import { packAmongBuilds } from '../sandbox/cgroup.ts'
import { sourceTime } from '../source-time.ts'
import { checkTree } from '../tree.ts'
import type { BuildContext } from './context.ts'
import { type DependencyNote, existing, runtimeKey, setApart } from './dependencies.ts'
import type { Workspace } from './workspace.ts'

type Packable = {
  deploy: Deploy
  spec: BuildSpec
  stack: { name: string }
  plan: BuildPlan
  release: BuildRelease
  runtimes: RuntimeRef[]
  reused: Layer | null
  workspace: Workspace
  signal: AbortSignal
}

export async function packSlug(
  context: BuildContext,
  { deploy, spec, stack, plan, release, runtimes, reused, workspace, signal }: Packable,
): Promise<Slug> {
  const began = context.now()
  const onStart = (pid: number) => packAmongBuilds(context.host.slot, pid)
  const how = { signal, log: context.log, onStart }
  const owner = spec.uidBase + APP_UID
  const paths = plan.dependencies?.paths ?? []
  const size = await checkTree(workspace.app, context.config.buildDiskMb * 1024 * 1024, signal)
  const there = reused ? [] : await existing(workspace.app, paths)
  let dependencies = reused
  if (there.length > 0) {
    const output = join(workspace.folder, 'dependencies.image')
    await setApart(workspace.app, workspace.apart, there)
    await pack({ folder: workspace.apart, output, owner, without: [], size }, how)
    dependencies = { ...(await context.layers.add(output, signal)), kind: 'dependencies' }
    const note: DependencyNote = {
      key: plan.dependencies?.key ?? '',
      runtimes: runtimeKey(runtimes),
      layer: dependencies,
    }
    await writeFile(`${workspace.cache.dependencies}.new`, JSON.stringify(note))
    await rename(`${workspace.cache.dependencies}.new`, workspace.cache.dependencies)
  }
  const output = join(workspace.folder, 'app.image')
  const time = await sourceTime(workspace.source, Math.floor(began / 1000))
  await pack({ folder: workspace.app, output, owner, without: paths, time, size }, how)
  const app: Layer = { ...(await context.layers.add(output, signal)), kind: 'app' }
  const layers = dependencies ? [dependencies, app] : [app]
  const bytes = layers.reduce((sum, layer) => sum + layer.bytes, 0)
  const shared = reused ? ', dependencies shared with the release before' : ''
  await context.print(deploy.id, [
    `-----> Slug: ${(bytes / 1024 / 1024).toFixed(1)} MB${shared} (packed in ${((context.now() - began) / 1000).toFixed(1)} s)`,
  ])
  return {
    layers,
    runtimes: runtimes.filter(runsWithApps),
    processes: release.processes,
    env: release.env,
    health: release.health,
    cron: release.cron,
    buildpack: plan.buildpack,
    stack: stack.name,
  }
}
