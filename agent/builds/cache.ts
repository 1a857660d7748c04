/**
 * What an app's builds keep for each other on this host: one image per app, so that its size is limited by the kernel. Nothing
 * depends on it: one that is full, cannot be read, or was purged is made anew.
 */
import { chown, mkdir, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { exists } from '../exists.ts'
import { makeImage, mountImageCommand } from '../sandbox/filesystem.ts'
import { backingFiles } from '../sandbox/loops.ts'
import { unmount } from '../sandbox/mounts.ts'

/** Where an app's cache lies; `note` says of which generation it is, `dependencies` which layer holds them (build.ts). */
export type Cache = { folder: string; files: string; image: string; note: string; dependencies: string }

export function cacheOf(caches: string, appId: string): Cache {
  const folder = join(caches, appId)
  return {
    folder,
    files: join(folder, 'files'),
    image: `${folder}.ext4`,
    note: `${folder}.cache.json`,
    dependencies: `${folder}.dependencies.json`,
  }
}

/** Why it is empty, or how much is in it. */
export type CacheFound =
  { state: 'kept'; bytes: number } | { state: 'new' } | { state: 'purged' } | { state: 'full' } | { state: 'broken' }

/**
 * Mounts an app's cache, made anew where it cannot be used.
 * @param owner host uid and gid of the app's user
 * @param generation rises when somebody purges the app's caches; one of another generation is not used any more
 */
export async function openCache(
  cache: Cache,
  { owner, generation, sizeMb }: { owner: number; generation: number; sizeMb: number },
): Promise<CacheFound> {
  await unmount(cache.folder)
  await mkdir(cache.folder, { recursive: true, mode: 0o711 })
  const found = await mountKept(cache, generation)
  if (found.state !== 'kept') {
    await removeContent(cache)
    await makeCache(cache, generation, sizeMb)
  }
  await mkdir(cache.files, { recursive: true })
  await chown(cache.files, owner, owner)
  await noteUse(cache, generation)
  return found
}

/** The line for the pusher. */
export function describeCache(found: CacheFound): string {
  switch (found.state) {
    case 'kept':
      return `-----> Cache: ${Math.max(1, Math.round(found.bytes / 1024 / 1024))} MB from the build before`
    case 'new':
      return '-----> Cache: none yet on this host'
    case 'purged':
      return '-----> Cache: purged, begun anew'
    case 'full':
      return '-----> Cache: was full, cleared'
    case 'broken':
      return '-----> Cache: could not be read, begun anew'
  }
}

async function mountKept(cache: Cache, generation: number): Promise<CacheFound> {
  if (!(await exists(cache.image))) return { state: 'new' }
  if ((await readGeneration(cache)) !== generation) return { state: 'purged' }
  try {
    // Writes only what an interrupted build left undone; more than that is not repaired, since it is only a cache.
    await checkImage(cache.image)
    await run(mountImageCommand(cache.image, cache.folder))
  } catch {
    return { state: 'broken' }
  }
  const { blocks, bfree, bavail, bsize, files, ffree } = await statfs(cache.folder)
  const isFull = bavail < blocks * LEFT_AT_LEAST || ffree < files * LEFT_AT_LEAST
  return isFull ? { state: 'full' } : { state: 'kept', bytes: (blocks - bfree) * bsize }
}

/** e2fsck(8): 1 means that what was wrong is right now. An image that is still mounted somewhere is not touched. */
async function checkImage(image: string): Promise<void> {
  // A mount that another sandbox copied while it was made keeps the device for a moment after ours is gone.
  if ((await backingFiles()).has(image)) return
  await run(['e2fsck', '-p', image]).catch((error: Error) => {
    if ((error.cause as { code?: number }).code !== 1) throw error
  })
}

/** Of its blocks and of its inodes, for the next build. */
const LEFT_AT_LEAST = 0.05

async function makeCache(cache: Cache, generation: number, sizeMb: number): Promise<void> {
  await rm(`${cache.image}.new`, { force: true })
  await makeImage(`${cache.image}.new`, sizeMb)
  // The note first: an image without one is of the first generation.
  await noteUse(cache, generation)
  await rename(`${cache.image}.new`, cache.image)
  await run(mountImageCommand(cache.image, cache.folder))
}

const noteUse = ({ note }: Cache, generation: number): Promise<void> => writeFile(note, JSON.stringify({ generation }))

/** What an earlier version made has no note. @returns null when the note cannot be read */
async function readGeneration({ note }: Cache): Promise<number | null> {
  const text = await readFile(note, 'utf8').catch(() => '{"generation":0}')
  try {
    return (JSON.parse(text) as { generation: number }).generation
  } catch {
    return null
  }
}

async function removeContent(cache: Cache): Promise<void> {
  await unmount(cache.folder)
  for (const file of [cache.image, cache.dependencies, cache.note]) await rm(file, { force: true })
}

/** Whether builds can write nothing more into a cache that is mounted. */
export async function isCacheFull({ folder }: Cache): Promise<boolean> {
  const { bavail, ffree } = await statfs(folder)
  return bavail < FULL_BLOCKS || ffree < 16
}

const FULL_BLOCKS = 256

// ── those that nobody needs ──────────────────────────────────────────────────────────────────────────────────────────

const UNUSED_MS = 30 * 24 * 3600_000

/**
 * Removes the caches of apps that are gone, and those that no build has used for 30 days.
 * @param isBuilding whether a build of the app has its cache mounted now
 */
export async function collectCaches(
  caches: string,
  {
    isThere,
    isBuilding,
    now,
  }: { isThere: (appId: string) => Promise<boolean>; isBuilding: (appId: string) => boolean; now: number },
): Promise<string[]> {
  const ids = new Set((await readdir(caches)).map((name) => name.split('.')[0] ?? ''))
  const removed: string[] = []
  for (const id of ids) {
    const cache = cacheOf(caches, id)
    const usedAt = (await stat(cache.note).catch(() => null))?.mtimeMs ?? now
    if (now - usedAt < UNUSED_MS && (await isThere(id))) continue
    if (isBuilding(id)) continue
    await removeContent(cache)
    await rm(`${cache.image}.new`, { force: true })
    await rm(cache.folder, { recursive: true, force: true })
    removed.push(id)
  }
  return removed
}
