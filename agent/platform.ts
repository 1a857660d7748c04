/** The platform's own code inside build sandboxes: one folder, mounted at /berth. */
import { chmod, cp, mkdir, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { run } from '#core/runtime/process.ts'

const BUILDPACKS = join(import.meta.dirname, '../buildpacks')
const BUNDLER = join(import.meta.dirname, 'platform-bundle.ts')

/** The programs that unpack ready slugs: an image that somebody sent is not for the kernel to read. */
const UNPACKERS = ['/usr/bin/fsck.erofs', '/usr/bin/unsquashfs']

/** What Node made of the code, by its version; portable, since it lies elsewhere in the sandbox. */
const COMPILED = 'compiled'
/** For the environment of what runs main.mjs in a sandbox (Node, "Module compile cache"). */
export const compiledEnv = { NODE_COMPILE_CACHE: `/berth/${COMPILED}`, NODE_COMPILE_CACHE_PORTABLE: '1' }

/**
 * Makes the folder anew: the buildpacks as one file, what they put into apps, and the unpackers. Copies, since the host's root
 * executes the originals: a tenant must not read an inode whose pages the host shares with it.
 * @param node the folder of the Node that runs in sandboxes: what another one compiled is not read
 */
export async function preparePlatform(folder: string, node: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o711 })
  await Promise.all([
    bundle(folder, node),
    cp(join(BUILDPACKS, 'assets'), join(folder, 'assets'), { recursive: true }),
    copyUnpackers(join(folder, 'unpackers')),
  ])
}

/**
 * One file that Node has compiled already: each of a build's two processes starts in 60 ms instead of 250. The bundler takes
 * more memory than the agent, so it is a process of its own. Read-only in the sandbox, so no build can leave code there for
 * another.
 */
async function bundle(folder: string, node: string): Promise<void> {
  const main = join(folder, 'main.mjs')
  await run([process.execPath, BUNDLER, join(BUILDPACKS, 'main.ts'), main])
  const compiled = join(folder, COMPILED)
  const env = { NODE_COMPILE_CACHE: compiled, NODE_COMPILE_CACHE_PORTABLE: '1' }
  // It ends with the phases that there are; by then all of its code is loaded.
  await run([join(node, 'bin/node'), main, 'none'], { env }).catch(() => undefined)
  await mkdir(compiled, { recursive: true })
  await chmodBelow(compiled)
}

/** With their libraries and the loader, so that they run on every stack. */
async function copyUnpackers(folder: string): Promise<void> {
  const { stdout } = await run(['ldd', ...UNPACKERS])
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? '')
  await mkdir(folder)
  for (const path of new Set([...UNPACKERS, ...libraries])) {
    const name = basename(path).startsWith('ld-linux') ? 'loader' : basename(path)
    await cp(path, join(folder, name), { dereference: true })
  }
}

/** Node makes files for its own user alone. */
async function chmodBelow(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await chmodBelow(path)
    else await chmod(path, 0o644)
  }
}
