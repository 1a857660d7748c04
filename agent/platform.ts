/** The platform's own code inside build sandboxes: one folder, mounted at /berth. */
import { cp, mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { COMPILED, platformCode } from './platform-code.ts'

const BUILDPACKS = join(import.meta.dirname, '../buildpacks')

/** The programs that unpack ready slugs: an image that somebody sent is not for the kernel to read. */
const UNPACKERS = ['/usr/bin/fsck.erofs', '/usr/bin/unsquashfs']

/** For the environment of what runs main.mjs in a sandbox (Node, "Module compile cache"). */
export const compiledEnv = { NODE_COMPILE_CACHE: `/berth/${COMPILED}`, NODE_COMPILE_CACHE_PORTABLE: '1' }

/**
 * Makes the folder anew: the buildpacks as one file, what they put into apps, and the unpackers. Copies, since the host's root
 * executes the originals: a tenant must not read an inode whose pages the host shares with it.
 * @param cacheDir where the machine's Berths keep the one file
 * @param node the folder of the Node that runs in sandboxes
 */
export async function preparePlatform(folder: string, cacheDir: string, node: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o711 })
  await Promise.all([
    platformCode(cacheDir, node).then((code) => cp(code, folder, { recursive: true })),
    cp(join(BUILDPACKS, 'assets'), join(folder, 'assets'), { recursive: true }),
    copyUnpackers(join(folder, 'unpackers')),
  ])
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
