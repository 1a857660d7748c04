/**
 * One build: the source goes into a workspace of its own, the buildpacks run in the sandbox (detect, then compile), and
 * when every process of the tenant's is dead, the platform packs what they left into layers.
 */
import { constants, existsSync } from 'node:fs'
import { chown, mkdir, open, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildPlan, buildRelease, type BuildPlan, type BuildRelease } from '#core/contract/buildpack.ts'
import type { BuildSpec } from '#core/contract/internal.ts'
import { parse } from '#core/contract/schema.ts'
import { APP_UID } from '#core/domain/app.ts'
import { messageOf, notPackable } from '#core/domain/errors.ts'
import type { AppId, DeployId, TenantId } from '#core/domain/ids.ts'
import { emptyManifest, type Manifest } from '#core/domain/manifest.ts'
import type { BuildReport, Deploy } from '#core/domain/release.ts'
import { buildResources, defaultCeilings, defaultResources } from '#core/domain/resources.ts'
import { packagedRuntimes, runsWithApps, type Layer, type RuntimeRef, type Slug } from '#core/domain/slug.ts'
import { debianOf } from '#core/domain/stack.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import { bringOffered, settingsOf } from './build-settings.ts'
import { cacheOf, describeCache, isCacheFull, openCache, type Cache, type CacheFound } from './builds/cache.ts'
import { requireDisk } from './builds/disk.ts'
import { startLaps, type Laps } from './builds/laps.ts'
import { capOutput } from './builds/output-cap.ts'
import type { ControllerClient } from './controller-client.ts'
import { followOutput } from './logs.ts'
import type { Meter } from './metering.ts'
import { compiledEnv } from './platform.ts'
import type { Places } from './ports.ts'
import type { Preparations } from './prepared.ts'
import type { Runtimes } from './runtimes/index.ts'
import { buildCgroupPath } from './sandbox/cgroup.ts'
import { makeImage, mountImageCommand } from './sandbox/filesystem.ts'
import { unmount } from './sandbox/mounts.ts'
import {
  createSandbox,
  folderOf,
  logOf,
  removeSandbox,
  stopSandbox,
  waitForSandbox,
  type SandboxHost,
} from './sandbox/index.ts'
import type { BindMount } from './sandbox/spec.ts'
import { dependencyTime, pack, type Layers } from './slug.ts'
import { sourceTime } from './source-time.ts'
import { checkTree, folderAt } from './tree.ts'
import type { Stacks } from './stacks.ts'

export type BuildContext = {
  log: Log
  config: Config
  host: SandboxHost
  /** Folders of workspaces and of the apps' caches. */
  folder: string
  cacheFolder: string
  /** The buildpacks' own code and the Node that runs it, mounted read-only into every build. */
  platformBinds: BindMount[]
  stacks: Stacks
  baseEnv: Record<string, string>
  controller: ControllerClient
  layers: Layers
  runtimes: Runtimes
  places: Places
  /** Networks that are made already; null: there are none. */
  preparations: Pick<Preparations, 'take'> | null
  meter: Pick<Meter, 'track' | 'countOutput' | 'finish'>
  print(deploy: DeployId, lines: string[]): Promise<void>
  report(deploy: DeployId, report: BuildReport): Promise<boolean>
  now: () => number
}

/**
 * Runs a deploy's build to its end and reports it. Run again for the same epoch, it starts from a clean workspace.
 * @param waitedMs for its turn
 */
export async function build(
  outer: BuildContext,
  deploy: Deploy,
  signal: AbortSignal,
  { waitedMs = 0 }: { waitedMs?: number } = {},
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
    const { slug, manifest } = await buildSlug(context, deploy, spec, laps, ending)
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

/** The story of a build. */
async function buildSlug(
  context: BuildContext,
  deploy: Deploy,
  spec: BuildSpec,
  laps: Laps,
  signal: AbortSignal,
): Promise<Built> {
  await requireDisk(context.folder, context.config.hostId)
  const stack = { name: spec.stack ?? context.stacks.own.name, root: await context.stacks.rootOf(spec.stack, signal) }
  const workspace = workspaceOf(context, deploy.id, spec)
  const removals: Promise<void>[] = []
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
  } finally {
    await Promise.all(removals)
    await closeWorkspace(workspace)
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

// ── workspace ────────────────────────────────────────────────────────────────────────────────────────────────────────

type Workspace = {
  folder: string
  image: string
  root: string
  app: string
  build: string
  temporary: string
  source: string
  cache: Cache
}

function workspaceOf(context: BuildContext, id: DeployId, spec: BuildSpec): Workspace {
  const folder = join(context.folder, id)
  const root = join(folder, 'root')
  return {
    folder,
    image: join(folder, 'workspace.ext4'),
    root,
    app: join(root, 'app'),
    build: join(root, 'build'),
    temporary: join(root, 'tmp'),
    source: join(folder, 'source.tar'),
    cache: cacheOf(context.cacheFolder, spec.appId),
  }
}

/** An image with a hard limit for what the build writes, the app's cache, an image with one of its own, and the source. */
async function openWorkspace(
  context: BuildContext,
  workspace: Workspace,
  id: DeployId,
  spec: BuildSpec,
  signal: AbortSignal,
): Promise<CacheFound> {
  const owner = spec.uidBase + APP_UID
  await closeWorkspace(workspace)
  await mkdir(workspace.root, { recursive: true, mode: 0o711 })
  // All of them to their ends, so that nothing is made any more when the workspace is closed after a failure of one.
  const works = [
    openCache(workspace.cache, { owner, generation: spec.cacheGeneration, sizeMb: context.config.buildCacheMb }),
    makeFolders(workspace, owner, context.config.buildDiskMb),
    fetchSource(context, workspace, owner, id, signal),
  ] as const
  await Promise.allSettled(works)
  return (await Promise.all(works))[0]
}

async function makeFolders({ image, root, app, build, temporary }: Workspace, owner: number, diskMb: number) {
  await makeImage(image, diskMb)
  await run(mountImageCommand(image, root))
  for (const path of [app, build, temporary]) {
    await mkdir(path)
    await chown(path, owner, owner)
  }
}

async function fetchSource(
  { controller }: BuildContext,
  { source }: Workspace,
  owner: number,
  id: DeployId,
  signal: AbortSignal,
): Promise<void> {
  await controller.downloadSource(id, source, signal)
  await chown(source, owner, owner)
}

async function closeWorkspace({ folder, root, cache }: Workspace): Promise<void> {
  await unmount(root)
  await unmount(cache.folder)
  await rm(folder, { recursive: true, force: true })
}

const MAX_OUTPUT_BYTES = 256 * 1024

/** A file that the sandbox left for us: a plain file of bounded size, never through a link. */
async function readOutput(workspace: Workspace, name: string): Promise<unknown> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(join(workspace.build, name), flags).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`The build left no ${name} that is a plain file (${error.code}).`, { cause: error })
  })
  try {
    const status = await file.stat()
    if (!status.isFile() || status.size > MAX_OUTPUT_BYTES)
      throw new Error(`The build left a ${name} that is not a plain file of at most ${MAX_OUTPUT_BYTES} bytes.`)
    return JSON.parse(await file.readFile('utf8')) as unknown
  } finally {
    await file.close()
  }
}

// ── running the buildpacks ───────────────────────────────────────────────────────────────────────────────────────────

type Phase = {
  phase: 'detect' | 'compile' | 'adopt'
  deploy: Deploy
  spec: BuildSpec
  stack: { name: string; root: string }
  workspace: Workspace
  binds: BindMount[]
  env: Record<string, string>
  /** Where the removal of its sandbox goes, which the next phase need not wait for. */
  removals: Promise<void>[]
  signal: AbortSignal
}

async function runPhase(
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
      argv: ['/usr/bin/tini', '-g', '--', '/opt/berth-node/bin/node', '/berth/buildpacks/main.ts', phase],
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
    const removal = removeSandbox(host, id, index, null, cgroup).then(() => places.release(index))
    removals.push(removal.catch((error: unknown) => context.log.warn('sandbox of a build not removed', { id, error })))
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

async function resolveRuntimes(context: BuildContext, deploy: DeployId, plan: BuildPlan): Promise<RuntimeRef[]> {
  const resolved: RuntimeRef[] = []
  for (const { name, range, reason } of plan.runtimes) {
    const runtime = await context.runtimes.resolve({ name, range })
    await context.print(deploy, [`       ${name} ${runtime.version} (${reason})`])
    resolved.push(runtime)
  }
  return resolved
}

// ── dependencies ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Which layer holds the dependencies of which key, beside the app's cache, where only the platform writes. */
type DependencyNote = { key: string; runtimes: string; layer: Layer }

const runtimeKey = (runtimes: RuntimeRef[]) =>
  runtimes
    .map(({ name, version }) => `${name}@${version}`)
    .sort()
    .join(' ')

type Reusing = {
  deploy: Deploy
  plan: BuildPlan
  runtimes: RuntimeRef[]
  workspace: Workspace
  signal: AbortSignal
}

/** The layer of an earlier build that holds the same dependencies, mounted where they belong; null: there is none. */
async function reuseDependencies(
  context: BuildContext,
  { deploy, plan, runtimes, workspace, signal }: Reusing,
): Promise<{ reused: Layer | null; mounts: BindMount[] }> {
  const noted = await reusableLayer(context, workspace.cache, plan, runtimes, signal)
  if (!noted) return { reused: null, mounts: [] }
  const folder = await context.layers.mount([noted], signal).then(
    ([mounted]) => mounted,
    (error: unknown) => {
      signal.throwIfAborted()
      context.log.info('dependencies not there any more', { deploy: deploy.id, layer: noted.digest, error })
    },
  )
  if (folder === undefined) {
    await context.print(deploy.id, ['       the dependencies of the build before are not there any more'])
    return { reused: null, mounts: [] }
  }
  return { reused: noted, mounts: await mountReused(plan, folder, workspace) }
}

async function reusableLayer(
  context: BuildContext,
  cache: Cache,
  plan: BuildPlan,
  runtimes: RuntimeRef[],
  signal: AbortSignal,
): Promise<Layer | null> {
  if (!plan.dependencies) return null
  const text = await readFile(cache.dependencies, 'utf8').catch(() => null)
  const note = text === null ? null : (JSON.parse(text) as DependencyNote)
  if (note?.key !== plan.dependencies.key || note.runtimes !== runtimeKey(runtimes)) return null
  // Long after the last release that had it, it may have been collected.
  return (await context.layers.renew(note.layer.digest, signal)) ? note.layer : null
}

async function mountReused(plan: BuildPlan, folder: string, workspace: Workspace): Promise<BindMount[]> {
  const paths = plan.dependencies?.paths ?? []
  // The OCI runtime follows links on the host's side of a mount.
  for (const path of paths) if ((await folderAt(folder, path)) !== 'folder') throw notAFolder(path)
  await existing(workspace.app, paths)
  return paths.map((path) => ({
    source: join(folder, path),
    target: `/app/${path}`,
    readOnly: true,
  }))
}

// ── packing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

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

async function packSlug(
  context: BuildContext,
  { deploy, spec, stack, plan, release, runtimes, reused, workspace, signal }: Packable,
): Promise<Slug> {
  const began = context.now()
  const owner = spec.uidBase + APP_UID
  const paths = plan.dependencies?.paths ?? []
  await checkTree(workspace.app, context.config.buildDiskMb * 1024 * 1024, signal)
  const there = reused ? [] : await existing(workspace.app, paths)
  let dependencies = reused
  if (there.length > 0) {
    const output = join(workspace.folder, 'dependencies.squashfs')
    await pack({ folder: workspace.app, output, owner, only: there, without: [] }, signal)
    dependencies = { ...(await context.layers.add(output, signal)), kind: 'dependencies' }
    const note: DependencyNote = {
      key: plan.dependencies?.key ?? '',
      runtimes: runtimeKey(runtimes),
      layer: dependencies,
    }
    await writeFile(`${workspace.cache.dependencies}.new`, JSON.stringify(note))
    await rename(`${workspace.cache.dependencies}.new`, workspace.cache.dependencies)
  }
  const output = join(workspace.folder, 'app.squashfs')
  const time = await sourceTime(workspace.source, Math.floor(began / 1000))
  await pack({ folder: workspace.app, output, owner, only: null, without: paths, time }, signal)
  const app: Layer = { ...(await context.layers.add(output, signal)), kind: 'app' }
  const layers = dependencies ? [dependencies, app] : [app]
  const size = layers.reduce((sum, { bytes }) => sum + bytes, 0)
  const shared = reused ? ', dependencies shared with the release before' : ''
  await context.print(deploy.id, [
    `-----> Slug: ${(size / 1024 / 1024).toFixed(1)} MB${shared} (packed in ${((context.now() - began) / 1000).toFixed(1)} s)`,
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

/**
 * Those of the paths that are there.
 * @throws NOT_PACKABLE when one is, or lies behind, something else than a folder
 */
async function existing(folder: string, paths: string[]): Promise<string[]> {
  const found: string[] = []
  for (const path of paths) {
    const what = await folderAt(folder, path)
    if (what === 'other') throw notAFolder(path)
    if (what === 'folder') found.push(path)
  }
  return found
}

const notAFolder = (path: string) => notPackable(`${path} is not a folder but a link or a file`)
