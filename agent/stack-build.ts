/**
 * Makes a stack image with today's packages, and stores it with the controller, from where every host takes the same
 * bytes. Usually the packages of the stack in use are brought up to date, which takes seconds; from nothing, a minute.
 */
import { copyFile, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import { DEBIAN_RELEASE, type BuiltStack, type KnownStack, type StackReport } from '#core/domain/stack.ts'
import type { Log } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import { inRoot } from './in-root.ts'
import type { Layers } from './slug.ts'
import {
  bootstrap,
  makeStackImage,
  notReached,
  RECIPE_HASH,
  runVisibly,
  sourcesOf,
  type Visible,
  type DebianMirrors,
} from './stack.ts'
import { debianVersion, type Stacks } from './stacks.ts'

export type StackBuildContext = {
  log: Log
  /** For this alone: emptied before each build. On the file system of the layers. */
  folder: string
  mirrors: DebianMirrors
  stacks: Pick<Stacks, 'rootOf'>
  layers: Pick<Layers, 'add'>
  find: (name: string) => Promise<KnownStack | null>
  print: (name: string, line: string) => Promise<void>
  report: (name: string, report: StackReport) => Promise<boolean>
  now: () => number
}

export type StackBuilds = {
  /** Builds it unless that is done or under way; one after the other. */
  ensure(stack: KnownStack): void
  stop(): Promise<void>
}

/** For better or worse: there is nothing to do any more. */
export const isMade = ({ report }: KnownStack): boolean => report?.state === 'built' || report?.state === 'failed'

export function createStackBuilds(context: StackBuildContext): StackBuilds {
  const stopping = new AbortController()
  const underWay = new Set<string>()
  let last: Promise<void> = Promise.resolve()
  return {
    ensure(stack) {
      const { name } = stack
      if (isMade(stack) || underWay.has(name)) return
      underWay.add(name)
      last = last
        .then(() => buildStack(context, name, stopping.signal))
        .catch((error: unknown) => context.log.error('stack build not reported', { stack: name, error }))
        .finally(() => underWay.delete(name))
    },
    async stop() {
      stopping.abort()
      await last
    },
  }
}

/** To its end, and reports it; cut short by the signal it says nothing, and begins again with the next agent. */
async function buildStack(context: StackBuildContext, name: string, signal: AbortSignal): Promise<void> {
  const { log, now } = context
  const stack = signal.aborted ? null : await context.find(name)
  if (!stack || !(await context.report(name, { state: 'building', at: now() }))) return
  const began = now()
  try {
    const built = await makeImage(context, stack, signal)
    await context.report(name, { state: 'built', at: now(), ...built })
    log.info('stack built', { stack: name, digest: built.digest, tookMs: now() - began })
  } catch (error) {
    if (signal.aborted) return
    log.warn('stack build failed', { stack: name, error })
    await context.report(name, { state: 'failed', at: now(), error: messageOf(error).slice(0, 1000) })
  }
}

async function makeImage(context: StackBuildContext, stack: KnownStack, signal: AbortSignal): Promise<BuiltStack> {
  const { folder, mirrors, layers } = context
  // In order, and a line that is lost is only a line.
  let printed: Promise<void> = Promise.resolve()
  const onProgress = (line: string) => {
    printed = printed.then(() => context.print(stack.name, line)).catch(() => undefined)
  }
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o711 })
  const file = join(folder, `${stack.name}.squashfs`)
  let debian = ''
  try {
    const base = stack.fresh ? null : await usableBase(context, stack, onProgress, signal)
    await makeStackImage(
      file,
      async (root) => {
        if (base === null) await bootstrap(root, mirrors, onProgress, signal)
        else await upgrade(root, base, mirrors, onProgress, signal)
        await checkSystem(root, signal)
        debian = await debianVersion(root)
        await writeFile(join(root, 'etc/berth-stack'), `${stack.name}\n`)
      },
      onProgress,
    )
    signal.throwIfAborted()
    onProgress(`storing it with the controller (${Math.round((await stat(file)).size / 1024 / 1024)} MiB)`)
    const { digest, bytes } = await layers.add(file, signal)
    onProgress(`done: Debian ${debian}, sha256 ${digest}`)
    return { digest, bytes, debian, recipe: RECIPE_HASH }
  } finally {
    await printed
    await rm(folder, { recursive: true, force: true, maxRetries: 10 })
  }
}

/** @returns the mounted root of the base; null where it follows another recipe than ours, so that all is made anew */
async function usableBase(
  { stacks, find }: StackBuildContext,
  { base }: KnownStack,
  onProgress: (line: string) => void,
  signal: AbortSignal,
): Promise<string | null> {
  const report = base === null ? null : (await find(base))?.report
  // The host's own image is always of the recipe of the agent that runs.
  const recipe = base === null ? RECIPE_HASH : report?.state === 'built' ? report.recipe : null
  if (recipe !== RECIPE_HASH) {
    onProgress(`the stack in use follows an older recipe, so this one is made from nothing`)
    return null
  }
  onProgress(`taking ${base ?? "this host's own image"} and bringing its packages up to date`)
  return stacks.rootOf(base, signal)
}

const PHASES = /^(Setting up \S+ \(\S+\)|(?:Get|Hit):\d+ \S+ \S+ InRelease)/gm
/** Proxies that the operator set for this machine; nothing else of the environment reaches packages' scripts. */
const proxySettings = ['http_proxy', 'https_proxy', 'no_proxy']
export const packageEnv = (): NodeJS.ProcessEnv => ({
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  DEBIAN_FRONTEND: 'noninteractive',
  ...Object.fromEntries(proxySettings.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
})

/** Copies a system and installs what is newer, in namespaces of its own, as a package's scripts expect it. */
async function upgrade(
  root: string,
  base: string,
  mirrors: DebianMirrors,
  onProgress: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  await run(['cp', '--archive', '--one-file-system', base, root], { signal, timeoutMs: 300_000 })
  await prepareRoot(root, mirrors)
  // unshare holds back SIGTERM while its program runs; killed, it takes the whole pid namespace with it.
  const visible: Visible = { phases: PHASES, onProgress, signal, env: packageEnv(), killSignal: 'SIGKILL' }
  const apt = (...args: string[]) => runVisibly(inRoot(root, 'apt-get', ...aptOptions, ...args), visible)
  try {
    await apt('update')
    await apt('--yes', 'dist-upgrade')
  } catch (error) {
    throw notReached(mirrors, error)
  } finally {
    await rm(join(root, 'dev/fd'), { force: true })
  }
}

/** What packages' scripts need and the packed image has not; `clean` of agent/stack.ts takes it out again. */
export async function prepareRoot(root: string, mirrors: DebianMirrors): Promise<void> {
  for (const name of ['resolv.conf', 'hosts']) await copyFile(join('/etc', name), join(root, 'etc', name))
  await writeFile(join(root, 'etc/apt/sources.list'), sourcesOf(mirrors).join('\n') + '\n')
  for (const folder of ['var/lib/apt/lists/partial', 'var/cache/apt/archives/partial', 'var/log/apt'])
    await mkdir(join(root, folder), { recursive: true })
  const devices = { null: 3, zero: 5, random: 8, urandom: 9 }
  for (const [name, minor] of Object.entries(devices))
    await run(['mknod', '--mode=666', join(root, 'dev', name), 'c', '1', String(minor)])
  await symlink('/proc/self/fd', join(root, 'dev/fd')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

/** apt's own user is not in the image's list of users, and what is not synced now is synced when the image is packed. */
export const aptOptions = [
  '-o',
  'APT::Sandbox::User=root',
  '-o',
  'Dpkg::Options::=--force-confold',
  '-o',
  'Dpkg::Options::=--force-unsafe-io',
  '-o',
  'Acquire::Retries=1',
  '-o',
  'Acquire::http::Timeout=20',
  // Without it, mirrors that cannot be reached are a warning, and yesterday's packages would pass for today's.
  '-o',
  'APT::Update::Error-Mode=any',
]

/** A stack that cannot start a program, or of another Debian than it says, must not become anybody's root. */
async function checkSystem(root: string, signal: AbortSignal): Promise<void> {
  const [, release] = /^VERSION_ID="?(\d+)"?$/m.exec(await readFile(join(root, 'etc/os-release'), 'utf8')) ?? []
  if (Number(release) !== DEBIAN_RELEASE)
    throw new Error(`The packages are of Debian ${release ?? 'unknown'}, expected ${DEBIAN_RELEASE}.`)
  for (const program of [
    ['/bin/sh', '-c', 'true'],
    ['/usr/bin/tini', '--version'],
    ['/usr/bin/python3', '--version'],
    ['/usr/bin/curl', '--version'],
  ])
    await run(inRoot(root, ...program), { signal, timeoutMs: 20_000 })
}
