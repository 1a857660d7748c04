/** The platform's own code inside build sandboxes. */
import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BindMount } from './sandbox/spec.ts'

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
  for (const name of libraries)
    await cp(join(root, 'node_modules', name), join(folder, 'buildpacks/node_modules', name), { recursive: true })
  return parts.map((part) => ({ source: join(folder, part), target: `/berth/${part}`, readOnly: true }))
}
