/**
 * Makes a Debian runtime: its packages are installed over the stack, in an overlay whose upper layer is then all that they
 * add and change. That layer, packed, is laid over the stack in the sandboxes that use it; once per host and stack.
 */
import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import type { DebianRuntimeName } from '#core/domain/slug.ts'
import { DEBIAN_RELEASE } from '#core/domain/stack.ts'
import type { Log } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import { exists } from '../exists.ts'
import { inRoot } from '../in-root.ts'
import { markUsed } from '../machine-store/index.ts'
import { stepBack } from '../sandbox/cgroup.ts'
import { makeImage, mountImageCommand } from '../sandbox/filesystem.ts'
import { unmountBelow } from '../sandbox/mounts.ts'
import { packCommand, runVisibly, SUITE, withLock, type DebianMirrors, type Progress, type Visible } from '../stack.ts'
import { aptOptions, packageEnv, prepareRoot } from '../stack-build.ts'
import { isOfVersion, versionsOf, type DebianRuntime } from './packages.ts'

export type DebianContext = {
  cacheDir: string
  /** For preparing alone, on a file system of this Berth's. */
  folder: string
  /** The cgroup tree that the work is light in; null: none, for a set-up that nothing runs beside. */
  slot: number | null
  mirrors: DebianMirrors
  log: Log
}

/** Which runtime over which stack. @property root of the mounted stack; the last part of its path names its content */
export type DebianRequest = { name: DebianRuntimeName; version: string; root: string }

/** A change of how they are made is another image. */
const RECIPE = 1
const PREPARING_MB = 6144

export const nameOf = ({ name, version, root }: DebianRequest): string =>
  `${name}@${version}-${basename(root)}-${recipeOf({ name, version })}`

/** What is in them may change with each release of Berth, for one runtime and not for the others. */
function recipeOf({ name, version }: Pick<DebianRequest, 'name' | 'version'>): string {
  const runtime = versionsOf(DEBIAN_RELEASE, name).find((one) => one.version === version)
  return createHash('sha256')
    .update(JSON.stringify([RECIPE, unused, runtime]))
    .digest('hex')
    .slice(0, 8)
}
export const fileOf = (request: DebianRequest, { cacheDir }: Pick<DebianContext, 'cacheDir'>): string =>
  join(cacheDir, 'runtimes', `${nameOf(request)}.squashfs`)

/**
 * Makes the image of a runtime unless it is there. Two Berths on one machine share it: one makes it, the other waits.
 * @throws an Error that names the runtime, the mirror and what apt said
 */
export async function ensureDebianRuntime(
  request: DebianRequest,
  context: DebianContext,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<string> {
  const file = fileOf(request, context)
  if (await exists(file)) {
    await markUsed(file)
    return file
  }
  const title = `${request.name} ${request.version}`
  await mkdir(join(context.cacheDir, 'runtimes'), { recursive: true })
  await withLock({ file: `${file}.lock`, what: title, onProgress, signal }, async () => {
    if (await exists(file)) return
    const began = performance.now()
    onProgress(`${title} from Debian ${SUITE} is being prepared on this host, once: about half a minute`)
    await prepare(request, file, context, onProgress, signal)
    const tookMs = Math.round(performance.now() - began)
    onProgress(`${title} is ready after ${(tookMs / 1000).toFixed(1)} s`)
    context.log.info('runtime prepared', { runtime: nameOf(request), tookMs, bytes: (await stat(file)).size })
  })
  return file
}

async function prepare(
  request: DebianRequest,
  file: string,
  context: DebianContext,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const runtime = versionsOf(DEBIAN_RELEASE, request.name).find(({ version }) => version === request.version)
  if (!runtime) throw new Error(`Debian ${SUITE} has no ${request.name} ${request.version}.`)
  const work = join(context.folder, nameOf(request))
  const unfinished = `${file}.${process.pid}.new`
  // What an agent that was killed in the middle left.
  await clearPreparing(work)
  // Those above it are passed through by sandboxes' own users.
  await mkdir(work, { recursive: true, mode: 0o711 })
  try {
    const { upper, merged } = await openOverlay(work, request.root)
    await install(merged, runtime, context, { onProgress, signal })
    await run(['umount', merged])
    await clean(upper)
    onProgress('packing it')
    await visibly([...packCommand(upper, unfinished), '-mem', PACKING_MEMORY], context, { onProgress, signal })
    await chmod(unfinished, 0o444)
    await rename(unfinished, file)
  } finally {
    await rm(unfinished, { force: true })
    await clearPreparing(work)
  }
}

/** @param folder of preparations, or of one of them */
export async function clearPreparing(folder: string): Promise<void> {
  await unmountBelow(folder)
  await rm(folder, { recursive: true, force: true, maxRetries: 10 })
}

/** An image of its own holds what is written: an overlay cannot lie on every file system, and this one is gone at once. */
async function openOverlay(work: string, root: string): Promise<{ upper: string; merged: string }> {
  const image = join(work, 'image.ext4')
  const disk = join(work, 'disk')
  const [upper, inside, merged] = [join(disk, 'upper'), join(disk, 'work'), join(work, 'merged')]
  await makeImage(image, PREPARING_MB)
  for (const folder of [disk, merged]) await mkdir(folder)
  await run(mountImageCommand(image, disk))
  for (const folder of [upper, inside]) await mkdir(folder)
  // It becomes the root folder of sandboxes, whatever the agent's umask.
  await chmod(upper, 0o755)
  const options = `noatime,lowerdir=${root},upperdir=${upper},workdir=${inside},redirect_dir=off,metacopy=off,index=off`
  await run(['mount', '-t', 'overlay', 'overlay', '-o', options, merged])
  return { upper, merged }
}

// ── installing ───────────────────────────────────────────────────────────────────────────────────────────────────────

type Following = { onProgress: Progress; signal: AbortSignal }

/**
 * Nobody reads them in a sandbox, and debugging a compiler, linking all of ICU statically or a Java of one's own (jmods) is not
 * worth 200 MB.
 */
const unused = [
  ...['doc', 'info', 'lintian', 'locale', 'man'].map((name) => `/usr/share/${name}/*`),
  '/usr/bin/*lto-dump*',
  '/usr/lib/*/libicu*.a',
  '/usr/lib/jvm/*/jmods/*',
]

async function install(
  root: string,
  { packages, counts, version, finish }: DebianRuntime,
  context: DebianContext,
  following: Following,
): Promise<void> {
  const { mirrors } = context
  await prepareRoot(root, mirrors)
  // The stack knows only those users that sandboxes have; packages expect Debian's own.
  for (const name of ['passwd', 'group'])
    await copyFile(join(root, `usr/share/base-passwd/${name}.master`), join(root, 'etc', name))
  // The stack has no manuals, and update-alternatives ends where it cannot link to one.
  for (let section = 1; section <= 8; section++)
    await mkdir(join(root, `usr/share/man/man${section}`), { recursive: true })
  // No package may start a service of its own, and none finds one to talk to.
  await writeFile(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  const options = [...aptOptions, ...unused.flatMap((glob) => ['-o', `Dpkg::Options::=--path-exclude=${glob}`])]
  const apt = (...args: string[]) => visibly(inRoot(root, 'apt-get', ...options, ...args), context, following)
  try {
    await apt('update')
    await apt('--yes', '--no-install-recommends', 'install', ...packages)
  } catch (cause) {
    following.signal.throwIfAborted()
    throw notPrepared(mirrors, cause)
  }
  const { stdout } = await run(inRoot(root, 'dpkg-query', '--show', '--showformat=${Version}', counts))
  if (!isOfVersion(stdout, version))
    throw new Error(`Debian ${SUITE} has ${counts} ${stdout}, where ${version} was expected.`)
  if (finish) await visibly(inRoot(root, ...finish), context, following)
}

const notPrepared = ({ main, security }: DebianMirrors, cause: unknown): Error =>
  new Error(
    `The packages could not be installed from ${main} and ${security}: ${messageOf(cause)}. Are the mirrors reachable from this host? Set BERTH_DEBIAN_MIRROR and BERTH_DEBIAN_SECURITY_MIRROR to others.`,
    { cause },
  )

/** A host that serves apps meanwhile must not lose a quarter of its memory to it, as it would by itself. */
const PACKING_MEMORY = '256M'

const PHASES = /^(Need to get .+|Fetched .+)\.?$/gm

/** Behind what tenants run. unshare holds back SIGTERM while its program runs; killed, it takes the whole pid namespace with it. */
function visibly(argv: [string, ...string[]], { slot }: DebianContext, following: Following): Promise<void> {
  const visible: Visible = {
    ...following,
    phases: PHASES,
    env: packageEnv(),
    killSignal: 'SIGKILL',
    onStart: (pid) => (slot === null ? undefined : stepBack(slot, pid)),
  }
  return runVisibly(argv, visible)
}

// ── packing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the stack says of itself stays, and what belongs to the packages' management and to this machine goes. */
const unwanted = [
  'dev',
  'etc/.pwd.lock',
  'etc/apt',
  'etc/group',
  'etc/group-',
  'etc/gshadow',
  'etc/gshadow-',
  'etc/hosts',
  'etc/ld.so.cache',
  'etc/machine-id',
  'etc/mtab',
  'etc/passwd',
  'etc/passwd-',
  'etc/resolv.conf',
  'etc/shadow',
  'etc/shadow-',
  'etc/subgid',
  'etc/ssh',
  'etc/subuid',
  'etc/systemd',
  'home',
  'proc',
  'root',
  'run',
  'sys',
  'tmp',
  'usr/sbin/policy-rc.d',
  'usr/share/doc',
  'usr/share/info',
  'usr/share/lintian',
  'usr/share/locale',
  'usr/share/man',
  'var/cache',
  'var/lib/apt',
  'var/lib/dpkg',
  'var/log',
  'var/tmp',
]

/**
 * Nothing may raise its rights, as in the stack itself: no setuid, no setgid, no capabilities (packed without attributes),
 * no devices but overlayfs's own sign for a file that is gone (character device 0/0).
 */
async function clean(upper: string): Promise<void> {
  for (const path of unwanted) await rm(join(upper, path), { recursive: true, force: true })
  await run(['find', upper, '-xdev', '-type', 'f', '-perm', '/6000', '-exec', 'chmod', 'ug-s', '{}', '+'])
  const { stdout } = await run(['find', upper, '-xdev', '(', '-type', 'b', '-o', '-type', 'c', ')', '-print0'])
  for (const path of stdout.split('\0').filter((one) => one !== '')) {
    const status = await stat(path)
    if (!status.isCharacterDevice() || status.rdev !== 0) await rm(path)
  }
}
