/** One run of the buildpacks in the sandbox. */
import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import type { BuildSpec } from '#core/contract/internal.ts'
import type { AppId, TenantId } from '#core/domain/ids.ts'
import type { Deploy } from '#core/domain/release.ts'
import { buildResources, defaultCeilings, defaultResources } from '#core/domain/resources.ts'
import { settingsOf } from '../build-settings.ts'
import { followOutput } from '../logs.ts'
import { compiledEnv } from '../platform.ts'
import { buildCgroupPath } from '../sandbox/cgroup.ts'
import { createSandbox, folderOf, logOf, removeSandbox, stopSandbox, waitForSandbox } from '../sandbox/index.ts'
import type { BindMount } from '../sandbox/spec.ts'
import { dependencyTime } from '../pack.ts'
import { isCacheFull } from './cache.ts'
import type { BuildContext } from './context.ts'
import type { Leftovers } from './leftovers.ts'
import { requireDisk } from './disk.ts'
import type { Workspace } from './workspace.ts'

export type Phase = {
  phase: 'detect' | 'compile' | 'adopt'
  deploy: Deploy
  spec: BuildSpec
  stack: { name: string; root: string }
  workspace: Workspace
  binds: BindMount[]
  env: Record<string, string>
  /** Where the removal of its sandbox goes. */
  removals: Leftovers['removals']
  signal: AbortSignal
}

export async function runPhase(
  context: BuildContext,
  { phase, deploy, spec, stack, workspace, binds, env, removals, signal }: Phase,
): Promise<void> {
  const { host, places, meter } = context
  signal.throwIfAborted()
  const id = `b-${phase === 'compile' ? 'c' : 'd'}-${deploy.id}`
  const size = { ...buildResources, memoryMb: context.config.buildMemoryMb, diskMb: context.config.buildDiskMb }
  const cgroup = buildCgroupPath(host.slot, spec.tenantId, spec.appId, id)
  // What a build that could not be removed left of the same deploy.
  if (existsSync(folderOf(host, id))) await removeSandbox(host, id, null, null, cgroup)
  const prepared = context.preparations?.take(defaultResources.diskMb) ?? null
  const index = prepared?.index ?? places.take()
  try {
    const sandbox = await createSandbox(host, {
      id,
      tenantId: spec.tenantId,
      appId: spec.appId,
      uidBase: spec.uidBase,
      rootPath: stack.root,
      hostname: 'build',
      argv: ['/usr/bin/tini', '-g', '--', '/opt/berth-node/bin/node', '/berth/main.mjs', phase],
      env: {
        ...context.baseEnv,
        PATH: '/usr/local/bin:/usr/bin:/bin',
        ...env,
        ...buildEnv(context, stack.name),
        ...settingsOf(spec),
      },
      size,
      ceilings: defaultCeilings,
      share: spec.share,
      files: { kind: 'workspace', app: workspace.app, temporary: workspace.temporary },
      binds: [
        { source: workspace.build, target: '/build', readOnly: false },
        { source: workspace.cache.files, target: '/cache', readOnly: false },
        { source: workspace.source, target: '/source.tar', readOnly: true },
        ...context.platformBinds,
        ...binds,
      ],
      index,
      published: null,
      preparedFolder: prepared?.folder ?? null,
    })
    meter.track(
      { tenantId: spec.tenantId as TenantId, appId: spec.appId as AppId, instanceId: null, kind: 'build' },
      sandbox,
      workspace.root,
    )
    const limits = { from: { file: null, offset: 0 }, kbPerSecond: defaultCeilings.logKbPerSecond }
    const output = followOutput(logOf(host, id), limits, async ({ lines, isLast }) => {
      const shown = context.print(
        deploy.id,
        lines.map(({ line }) => line),
      )
      // At its end a build does not wait for a store that is away.
      return shown.then(
        () => 'taken',
        () => (isLast ? 'taken' : 'away'),
      )
    })
    meter.countOutput(sandbox, () => output.bytes())
    const exitCode = await waitForSandbox(host, sandbox, signal)
    await stopSandbox(host, sandbox, 0)
    await output.stop()
    const sample = await meter.finish(sandbox)
    signal.throwIfAborted()
    if (exitCode !== 0) throw new Error(await explain(context, phase, exitCode ?? -1, sample?.oomKills ?? 0, workspace))
  } finally {
    await meter.finish({ id })
    removals.push(() =>
      removeSandbox(host, id, index, null, cgroup)
        .then(() => places.release(index))
        .catch((error: unknown) => context.log.warn('sandbox of a build not removed', { id, error })),
    )
  }
}

const buildEnv = ({ config }: BuildContext, stack: string): Record<string, string> => ({
  ...compiledEnv,
  HOME: '/tmp/home',
  STACK: stack,
  BERTH_CACHE_DIR: '/cache',
  BERTH_BUILD_DIR: '/build',
  BERTH_SOURCE: '/source.tar',
  BERTH_MEMORY_MB: String(config.buildMemoryMb),
  NPM_CONFIG_REGISTRY: config.npmRegistry,
  // Packing gives all files one time. Python's compiled files then go by the source's content instead of its time
  // (PEP 552), and tools that write times into what they make write always the same (reproducible-builds.org).
  SOURCE_DATE_EPOCH: String(dependencyTime),
})

/** The buildpacks said the details in the log; this is the sentence for the deploy. */
async function explain(
  context: BuildContext,
  phase: string,
  exitCode: number,
  oomKills: number,
  workspace: Workspace,
): Promise<string> {
  const { config } = context
  await requireDisk(context.folder, config.hostId)
  if (await isFull(workspace.root)) return `The build needed more than its ${config.buildDiskMb} MB of disk.`
  if (await isCacheFull(workspace.cache))
    return `The build filled its cache of ${config.buildCacheMb} MB, which is cleared before the next one. Push again.`
  if (oomKills > 0) return `The build needed more than its ${config.buildMemoryMb} MB of memory.`
  const known: Record<number, string> = {
    10: 'No buildpack accepts this source; the log says what each looked for.',
    11: 'The commit holds no files.',
    12: 'A file of the app cannot be used as it is; the log says which.',
    13: 'A step of the build failed; the log says which.',
    14: 'The network failed while the build fetched something, however often it tried; the log says what. Push again later: nothing of the app needs to change.',
    15: 'Config vars that app.json requires are not set; the log names them.',
  }
  return known[exitCode] ?? `The build's ${phase} phase ended with exit code ${exitCode}.`
}

const FULL_BLOCKS = 256

async function isFull(folder: string): Promise<boolean> {
  const { bavail, ffree } = await statfs(folder)
  return bavail < FULL_BLOCKS || ffree < 16
}
