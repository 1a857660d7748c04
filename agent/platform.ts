/** The platform's own code inside build sandboxes. */
import { chmod, cp, mkdir, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import type { BindMount } from './sandbox/spec.ts'

/** The program that unpacks ready slugs: an image that somebody sent is not for the kernel to read. */
const UNPACKER = '/usr/bin/unsquashfs'

/** What buildpacks/main.ts needs, as paths in the repository and below /berth in the sandbox. */
const parts = ['buildpacks', 'core/domain', 'package.json']
/** Libraries of the buildpacks, found by them in a folder of their own; none needs another. */
const libraries = ['js-yaml']

/**
 * Copies it anew and says where to mount it. Copies, since the host's root executes the originals: a tenant must not read
 * an inode whose pages the host shares with it.
 */
export async function copyPlatform(root: string, folder: string): Promise<BindMount[]> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o711 })
  for (const part of parts) await cp(join(root, part), join(folder, part), { recursive: true })
  await copyUnpacker(join(folder, 'buildpacks', 'unsquashfs'))
  for (const name of libraries)
    await cp(join(root, 'node_modules', name), join(folder, 'buildpacks/node_modules', name), { recursive: true })
  return parts.map((part) => ({ source: join(folder, part), target: `/berth/${part}`, readOnly: true }))
}

/** With its libraries and their loader, so that it runs on every stack. */
async function copyUnpacker(folder: string): Promise<void> {
  const { stdout } = await run(['ldd', UNPACKER])
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? '')
  await mkdir(folder)
  for (const path of [UNPACKER, ...libraries]) {
    const name = basename(path).startsWith('ld-linux') ? 'loader' : basename(path)
    await cp(path, join(folder, name), { dereference: true })
  }
}

/** What Node made of the code, by its version; portable, since it lies elsewhere in the sandbox. */
const COMPILED = 'buildpacks/compiled'

/** For the environment of what runs main.ts in a sandbox (Node, "Module compile cache"). */
export const compiledEnv = { NODE_COMPILE_CACHE: `/berth/${COMPILED}`, NODE_COMPILE_CACHE_PORTABLE: '1' }

/**
 * Has Node compile the buildpacks' code once, beside its copy: each of a build's two processes starts in half the time.
 * Read-only in the sandbox, so no build can leave code there for another.
 * @param folder as copyPlatform had it
 * @param node the folder of the Node that runs in sandboxes: what another one made is not read
 */
export async function compilePlatform(folder: string, node: string): Promise<void> {
  const compiled = join(folder, COMPILED)
  const env = { NODE_COMPILE_CACHE: compiled, NODE_COMPILE_CACHE_PORTABLE: '1' }
  // It ends with the phases that there are; by then all of its code is loaded.
  await run([join(node, 'bin/node'), join(folder, 'buildpacks/main.ts'), 'none'], { env }).catch(() => undefined)
  await mkdir(compiled, { recursive: true })
  await chmodBelow(compiled)
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
