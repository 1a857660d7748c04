/** The platform's own code inside build sandboxes. */
import { cp, mkdir, rm } from 'node:fs/promises'
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
