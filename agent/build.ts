/**
 * One build: the source goes into a workspace of its own, the buildpacks run in the sandbox (detect, then compile), and
 * when every process of the tenant's is dead, the platform packs what they left into layers.
 */
import { constants } from 'node:fs'
import { chown, mkdir, open, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildPlan, buildRelease, type BuildPlan, type BuildRelease } from '#core/contract/buildpack.ts'
import type { BuildSpec } from '#core/contract/internal.ts'
import { parse } from '#core/contract/schema.ts'
import { APP_UID } from '#core/domain/app.ts'
import { messageOf, notPackable } from '#core/domain/errors.ts'
import type { AppId, DeployId, TenantId } from '#core/domain/ids.ts'
import type { BuildReport, Deploy } from '#core/domain/release.ts'
import { buildResources, defaultCeilings } from '#core/domain/resources.ts'
import { packagedRuntimes, type Layer, type RuntimeRef, type Slug } from '#core/domain/slug.ts'
import { debianOf } from '#core/domain/stack.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import type { ControllerClient } from './controller-client.ts'
import { followOutput } from './logs.ts'
import type { Meter } from './metering.ts'
import type { Places } from './ports.ts'
import type { Runtimes } from './runtimes.ts'
import { buildCgroupPath } from './sandbox/cgroup.ts'
import { makeImage, mountImageCommand } from './sandbox/filesystem.ts'
import { unmount } from './sandbox/mounts.ts'
import { createSandbox, logOf, removeSandbox, stopSandbox, waitForSandbox, type SandboxHost } from './sandbox/index.ts'
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
  resolve(request: { name: RuntimeRef['name']; range: string }): Promise<RuntimeRef>
  places: Places
  meter: Pick<Meter, 'track' | 'countOutput' | 'finish'>
  print(deploy: DeployId, lines: string[]): Promise<void>
  report(deploy: DeployId, report: BuildReport): Promise<boolean>
  now: () => number
}

/** Runs a deploy's build to its end and reports it. Run again for the same epoch, it starts from a clean workspace. */
export async function build(context: BuildContext, deploy: Deploy, signal: AbortSignal): Promise<void> {
  const { log, now } = context
  const epoch = deploy.buildEpoch
  if (!(await context.report(deploy.id, { epoch, state: 'running', at: now() }))) return
  const timeout = AbortSignal.timeout(context.config.buildTimeoutMs)
  const ending = AbortSignal.any([signal, timeout])
  try {
    const spec = await context.controller.build(deploy.id, ending)
    const slug = await buildSlug(context, deploy, spec, ending)
    await context.report(deploy.id, { epoch, state: 'succeeded', at: now(), slug })
    log.info('build succeeded', { deploy: deploy.id, app: deploy.appId, buildpack: slug.buildpack })
  } catch (error) {
    if (signal.aborted) return
    const why = timeout.aborted
      ? `The build took longer than ${context.config.buildTimeoutMs / 1000} s and was stopped.`
      : messageOf(error)
    log.info('build failed', { deploy: deploy.id, app: deploy.appId, error })
    await context.report(deploy.id, { epoch, state: 'failed', at: now(), error: why.slice(0, 1000) })
  }
}

/** The story of a build. */
async function buildSlug(context: BuildContext, deploy: Deploy, spec: BuildSpec, signal: AbortSignal): Promise<Slug> {
  const stack = { name: spec.stack ?? context.stacks.own.name, root: await context.stacks.rootOf(spec.stack, signal) }
  const workspace = await openWorkspace(context, deploy.id, spec)
  try {
    await context.controller.downloadSource(deploy.id, workspace.source, signal)
    await chown(workspace.source, spec.uidBase + APP_UID, spec.uidBase + APP_UID)
    if (spec.ready) return await adoptSlug(context, spec.ready, { deploy, spec, stack, workspace, signal })
    await runPhase(context, { phase: 'detect', deploy, spec, stack, workspace, binds: [], env: {}, signal })
    const plan = parse(buildPlan, await readOutput(workspace, 'plan.json'), 'plan of the buildpack')
    const runtimes = await resolveRuntimes(context, deploy.id, plan)
    const { binds, path } = await context.runtimes.mounts(runtimes, signal)
    const reused = await reusableLayer(context, spec, plan, runtimes, signal)
    const reuse = reused ? await mountReused(context, plan, reused, workspace, signal) : []
    const env = {
      ...spec.env,
      PATH: [...path, '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
      ...(reused ? { BERTH_DEPENDENCIES: 'reused' } : {}),
    }
    await runPhase(context, {
      phase: 'compile',
      deploy,
      spec,
      stack,
      workspace,
      binds: [...binds, ...reuse],
      env,
      signal,
    })
    const release = parse(buildRelease, await readOutput(workspace, 'release.json'), 'release of the buildpack')
    return await packSlug(context, { deploy, spec, stack, plan, release, runtimes, reused, workspace, signal })
  } finally {
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
  making: Pick<Phase, 'deploy' | 'spec' | 'stack' | 'workspace' | 'signal'>,
): Promise<Slug> {
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
  return packSlug(context, { ...making, plan, release: { processes, env, health, cron }, runtimes, reused: null })
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
  cacheImage: string
  cache: string
}

/** An image with a hard limit for what the build writes, and the app's cache, an image with one of its own. */
async function openWorkspace(context: BuildContext, id: DeployId, spec: BuildSpec): Promise<Workspace> {
  const folder = join(context.folder, id)
  const root = join(folder, 'root')
  const workspace: Workspace = {
    folder,
    image: join(folder, 'workspace.ext4'),
    root,
    app: join(root, 'app'),
    build: join(root, 'build'),
    temporary: join(root, 'tmp'),
    source: join(folder, 'source.tar'),
    cacheImage: join(context.cacheFolder, `${spec.appId}.ext4`),
    cache: join(context.cacheFolder, spec.appId),
  }
  await closeWorkspace(workspace)
  await mkdir(root, { recursive: true, mode: 0o711 })
  await makeImage(workspace.image, context.config.buildDiskMb)
  await run(mountImageCommand(workspace.image, root))
  const owner = spec.uidBase + APP_UID
  for (const path of [workspace.app, workspace.build, workspace.temporary]) {
    await mkdir(path)
    await chown(path, owner, owner)
  }
  await openCache(workspace, owner)
  return workspace
}

const CACHE_MB = 2048

async function openCache({ cache, cacheImage }: Workspace, owner: number): Promise<void> {
  await mkdir(cache, { recursive: true, mode: 0o711 })
  if (!(await stat(cacheImage).catch(() => null))) {
    await makeImage(`${cacheImage}.new`, CACHE_MB)
    await rename(`${cacheImage}.new`, cacheImage)
  }
  await run(mountImageCommand(cacheImage, cache))
  await mkdir(join(cache, 'files'), { recursive: true })
  await chown(join(cache, 'files'), owner, owner)
}

async function closeWorkspace({ folder, root, cache }: Workspace): Promise<void> {
  await unmount(root)
  await unmount(cache)
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
  signal: AbortSignal
}

async function runPhase(
  context: BuildContext,
  { phase, deploy, spec, stack, workspace, binds, env, signal }: Phase,
): Promise<void> {
  const { host, places, meter } = context
  const id = `b-${phase === 'compile' ? 'c' : 'd'}-${deploy.id}`
  const size = { ...buildResources, memoryMb: context.config.buildMemoryMb, diskMb: context.config.buildDiskMb }
  const index = places.take()
  const cgroup = buildCgroupPath(host.slot, spec.tenantId, spec.appId, id)
  // What an agent that was killed in the middle left of the same build.
  await meter.finish({ id })
  await removeSandbox(host, id, index, null, cgroup)
  try {
    const sandbox = await createSandbox(host, {
      id,
      tenantId: spec.tenantId,
      appId: spec.appId,
      uidBase: spec.uidBase,
      rootPath: stack.root,
      hostname: 'build',
      argv: ['/usr/bin/tini', '-g', '--', '/opt/berth-node/bin/node', '/berth/buildpacks/main.ts', phase],
      env: { ...context.baseEnv, PATH: '/usr/local/bin:/usr/bin:/bin', ...env, ...buildEnv(context, stack.name) },
      size,
      ceilings: defaultCeilings,
      share: spec.share,
      files: { kind: 'workspace', app: workspace.app, temporary: workspace.temporary },
      binds: [
        { source: workspace.build, target: '/build', readOnly: false },
        { source: join(workspace.cache, 'files'), target: '/cache', readOnly: false },
        { source: workspace.source, target: '/source.tar', readOnly: true },
        ...context.platformBinds,
        ...binds,
      ],
      index,
      published: null,
      preparedFolder: null,
    })
    meter.track(
      { tenantId: spec.tenantId as TenantId, appId: spec.appId as AppId, instanceId: null, kind: 'build' },
      sandbox,
      workspace.root,
    )
    const output = followOutput(logOf(host, id), { offset: 0, kbPerSecond: defaultCeilings.logKbPerSecond }, (lines) =>
      context.print(
        deploy.id,
        lines.map(({ line }) => line),
      ),
    )
    meter.countOutput(sandbox, () => output.bytes())
    const exitCode = await waitForSandbox(host, sandbox, signal)
    await stopSandbox(host, sandbox, 0)
    await output.stop()
    const sample = await meter.finish(sandbox)
    signal.throwIfAborted()
    if (exitCode !== 0) throw new Error(await explain(context, phase, exitCode ?? -1, sample?.oomKills ?? 0, workspace))
  } finally {
    await meter.finish({ id })
    await removeSandbox(host, id, index, null, cgroup)
    places.release(index)
  }
}

const buildEnv = ({ config }: BuildContext, stack: string): Record<string, string> => ({
  HOME: '/tmp/home',
  STACK: stack,
  BERTH_CACHE_DIR: '/cache',
  BERTH_BUILD_DIR: '/build',
  BERTH_SOURCE: '/source.tar',
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
  if (await isFull(workspace.root)) return `The build needed more than its ${config.buildDiskMb} MB of disk.`
  if (oomKills > 0) return `The build needed more than its ${config.buildMemoryMb} MB of memory.`
  const known: Record<number, string> = {
    10: 'No buildpack accepts this source; the log says what each looked for.',
    11: 'The commit holds no files.',
    12: 'A file of the app cannot be used as it is; the log says which.',
    13: 'A step of the build failed; the log says which.',
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
    const runtime = await context.resolve({ name, range })
    await context.print(deploy, [`       ${name} ${runtime.version} (${reason})`])
    resolved.push(runtime)
  }
  return resolved
}

// ── dependencies ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Which layer holds the dependencies of which key, beside the app's cache, where only the platform writes. */
type DependencyNote = { key: string; runtimes: string; layer: Layer }

const noteFile = (context: BuildContext, spec: BuildSpec) =>
  join(context.cacheFolder, `${spec.appId}.dependencies.json`)
const runtimeKey = (runtimes: RuntimeRef[]) =>
  runtimes
    .map(({ name, version }) => `${name}@${version}`)
    .sort()
    .join(' ')

async function reusableLayer(
  context: BuildContext,
  spec: BuildSpec,
  plan: BuildPlan,
  runtimes: RuntimeRef[],
  signal: AbortSignal,
): Promise<Layer | null> {
  if (!plan.dependencies) return null
  const text = await readFile(noteFile(context, spec), 'utf8').catch(() => null)
  const note = text === null ? null : (JSON.parse(text) as DependencyNote)
  if (note?.key !== plan.dependencies.key || note.runtimes !== runtimeKey(runtimes)) return null
  // Long after the last release that had it, it may have been collected.
  return (await context.layers.renew(note.layer.digest, signal)) ? note.layer : null
}

async function mountReused(
  context: BuildContext,
  plan: BuildPlan,
  layer: Layer,
  workspace: Workspace,
  signal: AbortSignal,
): Promise<BindMount[]> {
  const [folder = ''] = await context.layers.mount([layer], signal)
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
    await writeFile(`${noteFile(context, spec)}.new`, JSON.stringify(note))
    await rename(`${noteFile(context, spec)}.new`, noteFile(context, spec))
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
  // npm installs; at run time only the language itself is needed.
  return {
    layers,
    runtimes: runtimes.filter(({ name }) => name !== 'npm'),
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
