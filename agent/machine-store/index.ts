/** The store that all Berths of a machine share, in $BERTH_CACHE: what is used is marked, and what is not used goes. */
import { readdir, realpath, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { RuntimeRef } from '#core/domain/slug.ts'
import { backingFiles } from '../sandbox/loops.ts'
import { outdated, type Stored } from './outdated.ts'

/** Marks something in the store as used now. What is not there, or on a store that is read-only here, is let be. */
export const markUsed = async (path: string): Promise<void> =>
  utimes(path, new Date(), new Date()).catch(() => undefined)

/** Marks the runtimes of what runs here; images are seen to be mounted. */
export async function markRuntimes(cacheDir: string, refs: RuntimeRef[]): Promise<void> {
  for (const name of new Set(refs.map((ref) => `${ref.name}@${ref.version}`)))
    await markUsed(join(cacheDir, 'runtimes', name))
}

/**
 * Removes what nobody has used for long.
 * @param stacks as the names of images have them
 * @returns what went
 */
export async function collectMachineStore(cacheDir: string, stacks: string[], now: number): Promise<string[]> {
  const gone: string[] = []
  for (const folder of ['runtimes', 'stacks', 'platform'].map((kind) => join(cacheDir, kind)))
    for (const name of outdated(await listed(folder), stacks, now)) {
      await rm(join(folder, name), { recursive: true, force: true })
      gone.push(name)
    }
  return gone
}

async function listed(folder: string): Promise<Stored[]> {
  const [mounted, real] = await Promise.all([backingFiles(), realpath(folder).catch(() => folder)])
  const names = await readdir(folder).catch(() => [])
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      const status = await stat(path).catch(() => null)
      return status && { name, usedAt: status.mtimeMs, isMounted: mounted.has(join(real, name)) }
    }),
  )
  return found.filter((one) => one !== null)
}
