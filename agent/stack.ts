/**
 * The stack image: the read-only root of every sandbox, built from Debian packages, shared by all apps of the host but
 * never with the host itself, so that no tenant reads an inode that host root executes.
 */
import { createHash } from 'node:crypto'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setInterval } from 'node:timers'
import { messageOf } from '#core/domain/errors.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import { mountPoints, mountReadOnlyCommand } from './sandbox/mounts.ts'

export type StackImage = { name: string; file: string }
export type StackContext = { cacheDir: string; mirror: string; onProgress: (line: string) => void; log: Log }

const SUITE = 'trixie'
const packages = ['ca-certificates', 'curl', 'libatomic1', 'libstdc++6', 'procps', 'python3', 'tini', 'xz-utils']

/** Folders and files that sandboxes mount over. */
const folders = [
  'app',
  'build',
  'cache',
  'berth/buildpacks',
  'berth/core/domain',
  'opt/berth-node',
  'opt/runtimes/node',
  'opt/runtimes/npm',
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
const recipeHash = createHash('sha256')
  .update(JSON.stringify([RECIPE, SUITE, packages, folders, files, etc, secrets, ballast]))
  .digest('hex')
  .slice(0, 12)

export const STACK_NAME = `debian-13-${recipeHash}`

/**
 * Builds the image unless it is there. Two Berths on one machine share it: one builds, the other waits.
 * @throws an Error that names the mirror and what mmdebstrap said
 */
export async function ensureStack({ cacheDir, mirror, onProgress, log }: StackContext): Promise<StackImage> {
  const folder = join(cacheDir, 'stacks')
  const image: StackImage = { name: STACK_NAME, file: join(folder, `${STACK_NAME}.squashfs`) }
  await mkdir(folder, { recursive: true })
  await withLock(`${image.file}.lock`, onProgress, async () => {
    if (await exists(image.file)) return
    const began = performance.now()
    onProgress(`building the stack image ${image.name} from Debian ${SUITE} (once per machine, about a minute)`)
    await buildImage(image, folder, mirror, onProgress)
    log.info('stack image built', { stack: image.name, tookMs: Math.round(performance.now() - began) })
  })
  return image
}

async function buildImage(
  image: StackImage,
  folder: string,
  mirror: string,
  onProgress: (line: string) => void,
): Promise<void> {
  const work = await mkdtemp(join(folder, 'building-'))
  const root = join(work, 'root')
  try {
    await runVisibly(bootstrapCommand(root, mirror), onProgress).catch((cause: unknown) => {
      throw new Error(
        `The stack image could not be built from ${mirror}: ${messageOf(cause)}. Is the mirror reachable? Set BERTH_DEBIAN_MIRROR to another.`,
        { cause },
      )
    })
    await clean(root)
    onProgress('packing it')
    const packed = join(work, 'stack.squashfs')
    await run(
      [
        'mksquashfs',
        root,
        packed,
        '-comp',
        'zstd',
        '-Xcompression-level',
        '3',
        '-all-root',
        '-no-xattrs',
        '-noappend',
        '-quiet',
        '-no-progress',
      ],
      { timeoutMs: 300_000 },
    )
    await chmod(packed, 0o444)
    await rename(packed, image.file)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

const bootstrapCommand = (root: string, mirror: string): [string, ...string[]] => [
  'mmdebstrap',
  '--variant=minbase',
  '--mode=root',
  `--include=${packages.join(',')}`,
  SUITE,
  root,
  mirror,
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

/** Runs a long program; says its phases and, in between, that it still runs. */
function runVisibly([program, ...args]: [string, ...string[]], onProgress: (line: string) => void): Promise<void> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    let tail = ''
    const child = execFile(program, args, { maxBuffer: 64 * 1024 * 1024 }, (error) => {
      clearInterval(ticking)
      if (error) reject(new Error(tail.trim().split('\n').slice(-3).join(' | ') || error.message, { cause: error }))
      else resolve()
    })
    const ticking = setInterval(
      () => onProgress(`still building, ${Math.round((performance.now() - began) / 1000)} s`),
      TICK_MS,
    )
    child.stderr?.on('data', (chunk: string) => {
      tail = (tail + chunk).slice(-4000)
      for (const [, phase] of chunk.matchAll(/^I: (.+)$/gm)) if (phase) onProgress(phase)
    })
  })
}

/** Holds a lock file with our pid while `work` runs; a lock whose owner is dead is taken over. */
async function withLock(file: string, onProgress: (line: string) => void, work: () => Promise<void>): Promise<void> {
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
        if (waited % 20 === 0) onProgress(`waiting for the Berth with pid ${owner}, which builds the stack image`)
        await sleep(250)
      }
    }
  }
  try {
    await work()
  } finally {
    await rm(file, { force: true })
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** Mounts an image read-only; idempotent. */
export async function mountStack(image: StackImage, mountPoint: string): Promise<void> {
  if ((await mountPoints()).includes(mountPoint)) return
  await mkdir(mountPoint, { recursive: true })
  await run(mountReadOnlyCommand(image.file, mountPoint))
}
