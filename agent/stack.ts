/**
 * The stack image: the read-only root of every sandbox, built from Debian packages, shared by all apps of the host but
 * never with the host itself, so that no tenant reads an inode that host root executes.
 */
import { createHash } from 'node:crypto'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setInterval } from 'node:timers'
import { messageOf } from '#core/domain/errors.ts'
import { packagedRuntimes } from '#core/domain/slug.ts'
import { DEBIAN_RELEASE } from '#core/domain/stack.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import { exists } from './exists.ts'
import { markUsed } from './machine-store/index.ts'
import { mountPoints, mountReadOnly } from './sandbox/mounts.ts'

export type StackImage = { name: string; file: string }
export type DebianMirrors = { main: string; security: string }
export type Progress = (line: string) => void
export type StackContext = { cacheDir: string; mirrors: DebianMirrors; onProgress: Progress; log: Log }

export const SUITE = 'trixie'
/** With security fixes as they come, not only with the next point release (Debian's release notes, "APT sources"). */
export const sourcesOf = ({ main, security }: DebianMirrors): string[] => [
  `deb ${main} ${SUITE} main`,
  `deb ${main} ${SUITE}-updates main`,
  `deb ${security} ${SUITE}-security main`,
]
const packages = [
  'ca-certificates',
  'curl',
  'libatomic1',
  // Small, and what was compiled against them, in whatever language, finds them wherever it runs.
  'libmariadb3',
  'libpq5',
  'libstdc++6',
  'libyaml-0-2',
  'procps',
  'python3',
  'tini',
  'xz-utils',
]

/** Folders and files that sandboxes mount over. */
const folders = [
  'app',
  'build',
  'cache',
  'berth/buildpacks',
  'berth/core/domain',
  'opt/berth-node',
  ...packagedRuntimes.map((name) => `opt/runtimes/${name}`),
  'sys/fs/cgroup',
]
const files = ['source.tar', 'berth/package.json']

/** What a sandbox's /etc says of itself; nothing of the host. */
const etc: Record<string, string> = {
  passwd:
    'root:x:0:0:root:/root:/usr/sbin/nologin\napp:x:1000:1000:app:/app:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
  group: 'root:x:0:\napp:x:1000:\nnogroup:x:65534:\n',
  hosts: '127.0.0.1 localhost\n',
  hostname: 'berth\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  'resolv.conf': '',
  'machine-id': '',
}
const secrets = [
  'shadow',
  'shadow-',
  'gshadow',
  'gshadow-',
  'passwd-',
  'group-',
  'subuid',
  'subgid',
  'ssh',
  'fstab',
  'mtab',
]
const ballast = [
  'var/cache/apt',
  'var/lib/apt/lists',
  'usr/share/doc',
  'usr/share/man',
  'usr/share/locale',
  'usr/share/info',
  'var/log',
  'boot',
  'home',
  'media',
  'mnt',
]

/** A change of the recipe is another image; raise this when the code below changes what it makes. */
const RECIPE = 1
export const RECIPE_HASH = createHash('sha256')
  .update(
    JSON.stringify([RECIPE, sourcesOf({ main: '', security: '' }), packages, folders, files, etc, secrets, ballast]),
  )
  .digest('hex')
  .slice(0, 12)

export const STACK_NAME = `debian-${DEBIAN_RELEASE}-${RECIPE_HASH}`

/**
 * Builds the image unless it is there. Two Berths on one machine share it: one builds, the other waits.
 * @throws an Error that names the mirror and what mmdebstrap said
 */
export async function ensureStack({ cacheDir, mirrors, onProgress, log }: StackContext): Promise<StackImage> {
  const folder = join(cacheDir, 'stacks')
  const image: StackImage = { name: STACK_NAME, file: join(folder, `${STACK_NAME}.squashfs`) }
  await mkdir(folder, { recursive: true })
  await withLock({ file: `${image.file}.lock`, what: 'the stack image', onProgress }, async () => {
    if (await exists(image.file)) return void (await markUsed(image.file))
    const began = performance.now()
    onProgress(`building the stack image ${image.name} from Debian ${SUITE} (once per machine, about a minute)`)
    await makeStackImage(image.file, (root) => bootstrap(root, mirrors, onProgress), onProgress)
    log.info('stack image built', { stack: image.name, tookMs: Math.round(performance.now() - began) })
  })
  return image
}

/**
 * Fills a folder with a system, takes out what no sandbox may have, and packs it.
 * @param file where the image goes, at once or not at all
 */
export async function makeStackImage(
  file: string,
  fill: (root: string) => Promise<void>,
  onProgress: Progress,
): Promise<void> {
  const work = await mkdtemp(join(dirname(file), 'building-'))
  const root = join(work, 'root')
  try {
    await fill(root)
    await clean(root)
    onProgress('packing it')
    const packed = join(work, 'stack.squashfs')
    await run(packCommand(root, packed), { timeoutMs: 300_000 })
    await chmod(packed, 0o444)
    await rename(packed, file)
  } finally {
    // What was killed may still be ending.
    await rm(work, { recursive: true, force: true, maxRetries: 10 })
  }
}

/** Everything in it belongs to root. */
export const packCommand = (root: string, file: string): [string, ...string[]] => [
  'mksquashfs',
  root,
  file,
  '-comp',
  'zstd',
  '-Xcompression-level',
  '3',
  '-all-root',
  '-no-xattrs',
  '-noappend',
  '-quiet',
  '-no-progress',
]

/** A new system from packages. @throws an Error that names the mirrors */
export async function bootstrap(
  root: string,
  mirrors: DebianMirrors,
  onProgress: Progress,
  signal?: AbortSignal,
): Promise<void> {
  await runVisibly(bootstrapCommand(root, mirrors), { phases: /^I: (.+)$/gm, onProgress, signal }).catch(
    (cause: unknown) => {
      throw notReached(mirrors, cause)
    },
  )
}

export const notReached = ({ main, security }: DebianMirrors, cause: unknown): Error =>
  new Error(
    `The stack image could not be built from ${main} and ${security}: ${messageOf(cause)}. Are the mirrors reachable? Set BERTH_DEBIAN_MIRROR and BERTH_DEBIAN_SECURITY_MIRROR to others.`,
    { cause },
  )

const bootstrapCommand = (root: string, mirrors: DebianMirrors): [string, ...string[]] => [
  'mmdebstrap',
  '--variant=minbase',
  '--mode=root',
  `--include=${packages.join(',')}`,
  SUITE,
  root,
  ...sourcesOf(mirrors),
]

async function clean(root: string): Promise<void> {
  for (const path of ballast) await rm(join(root, path), { recursive: true, force: true })
  for (const name of secrets) await rm(join(root, 'etc', name), { recursive: true, force: true })
  for (const path of [...folders, ...ballast.filter((path) => path !== 'usr/share/info')])
    await mkdir(join(root, path), { recursive: true })
  for (const path of files) await writeFile(join(root, path), '')
  for (const [name, text] of Object.entries(etc)) {
    await rm(join(root, 'etc', name), { force: true })
    await writeFile(join(root, 'etc', name), text)
  }
  // Nothing may raise its rights: no setuid, no setgid, no capabilities (packed without xattrs), no devices.
  await run(['find', root, '-xdev', '-type', 'f', '-perm', '/6000', '-exec', 'chmod', 'ug-s', '{}', '+'])
  await run(['find', root, '-xdev', '(', '-type', 'b', '-o', '-type', 'c', ')', '-delete'])
}

const TICK_MS = 5000

export type Visible = {
  /** Lines of its output that say what it does; the first group is shown. */
  phases: RegExp
  onProgress: Progress
  signal?: AbortSignal | undefined
  env?: NodeJS.ProcessEnv
  /** How it is ended when the signal comes. */
  killSignal?: NodeJS.Signals
  /** Told its process id at once. */
  onStart?: (pid: number) => void
}

/** Runs a long program; says its phases and, in between, that it still runs. */
export function runVisibly(
  [program, ...args]: readonly [string, ...string[]],
  { phases, onProgress, signal, env = process.env, killSignal = 'SIGTERM', onStart }: Visible,
): Promise<void> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    let tail = ''
    const child = execFile(program, args, { maxBuffer: 64 * 1024 * 1024, env }, (error) => {
      clearInterval(ticking)
      signal?.removeEventListener('abort', end)
      if (error) reject(new Error(tail.trim().split('\n').slice(-3).join(' | ') || error.message, { cause: error }))
      else resolve()
    })
    if (child.pid !== undefined) onStart?.(child.pid)
    // By ourselves: execFile knows only SIGTERM for it, and does not wait for the end.
    const end = () => void child.kill(killSignal)
    signal?.addEventListener('abort', end)
    if (signal?.aborted) end()
    const ticking = setInterval(
      () => onProgress(`still building, ${Math.round((performance.now() - began) / 1000)} s`),
      TICK_MS,
    )
    const listen = (chunk: string) => {
      for (const [, phase] of chunk.matchAll(phases)) if (phase) onProgress(phase)
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', (chunk: string) => {
      tail = (tail + chunk).slice(-4000)
      listen(chunk)
    })
  })
}

export type Lock = {
  file: string
  /** What its owner makes. */ what: string
  onProgress: Progress
  signal?: AbortSignal
}

/** Holds a lock file with our pid while `work` runs; a lock whose owner is dead is taken over. */
export async function withLock({ file, what, onProgress, signal }: Lock, work: () => Promise<void>): Promise<void> {
  for (let waited = 0; ; waited++) {
    try {
      const handle = await open(file, 'wx')
      await handle.writeFile(String(process.pid))
      await handle.close()
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const owner = Number(await readFile(file, 'utf8').catch(() => ''))
      if (owner > 0 && !(await exists(`/proc/${owner}`))) await rm(file, { force: true })
      else {
        if (waited % 20 === 0) onProgress(`waiting for the Berth with pid ${owner}, which builds ${what}`)
        await sleep(250, signal)
        signal?.throwIfAborted()
      }
    }
  }
  try {
    await work()
  } finally {
    await rm(file, { force: true })
  }
}

/** Mounts an image read-only; idempotent. */
export async function mountStack(image: StackImage, mountPoint: string): Promise<void> {
  if ((await mountPoints()).includes(mountPoint)) return
  await mkdir(mountPoint, { recursive: true })
  await mountReadOnly(image.file, mountPoint)
}
