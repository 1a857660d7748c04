/**
 * Roots of sandboxes with Debian runtimes: each image mounted once, and one read-only overlay for each stack with each set
 * of them, shared by all apps of the host. What is mounted outlives the agent, and is found again by its place.
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { mountPoints, mountReadOnly, unmount } from '../sandbox/mounts.ts'

export type Roots = {
  /**
   * @param base the mounted stack
   * @param images squashfs files of runtimes over it
   * @returns the folder of the overlay; the base itself where there is nothing to lay over it
   */
  over(base: string, images: string[]): Promise<string>
  /** Where the overlay for these is, or would be. */
  placeOf(base: string, images: string[]): string
  /** Unmounts what none of these roots needs and nobody asked for in the last ten minutes. */
  collect(needed: Set<string>): Promise<void>
}

const KEEP_UNUSED_MS = 10 * 60_000

/** @param folder of this Berth alone */
export function openRoots(folder: string, now: () => number): Roots {
  const imagesFolder = join(folder, 'images')
  const rootsFolder = join(folder, 'roots')
  // Two sandboxes that start at once must not mount one thing twice.
  const underWay = new Map<string, Promise<string>>()
  // Nor may one be unmounted that somebody has just found to be mounted.
  const goingAway = new Map<string, Promise<void>>()
  const asked = new Map<string, number>()
  const opened = now()

  function once(target: string, mount: () => Promise<void>): Promise<string> {
    const running = underWay.get(target)
    if (running) return running
    const work = (async () => {
      await goingAway.get(target)?.catch(() => undefined)
      if (!(await mountPoints()).includes(target)) {
        await mkdir(target, { recursive: true, mode: 0o711 })
        await mount()
      }
      return target
    })().finally(() => underWay.delete(target))
    underWay.set(target, work)
    return work
  }

  /** To be called in the same moment in which nobody was found to use it. */
  async function giveUp(target: string): Promise<void> {
    const leaving = remove(target).finally(() => goingAway.delete(target))
    goingAway.set(target, leaving)
    await leaving
  }

  const mountImage = (file: string): Promise<string> => {
    const target = join(imagesFolder, nameOf(file))
    return once(target, () => mountReadOnly(file, target))
  }

  const placeOf = (base: string, images: string[]): string =>
    images.length === 0 ? base : join(rootsFolder, rootName(base, images))

  return {
    placeOf,
    async over(base, images) {
      const target = placeOf(base, images)
      if (target === base) return base
      asked.set(target, now())
      return once(target, async () => {
        const lower = await Promise.all([...images].sort().map(mountImage))
        await run(mountRootCommand([...lower, base], target))
      })
    },
    async collect(needed) {
      const idle = (target: string) =>
        !needed.has(target) && !underWay.has(target) && now() - (asked.get(target) ?? opened) > KEEP_UNUSED_MS
      for (const name of await namesIn(rootsFolder)) {
        const target = join(rootsFolder, name)
        if (!idle(target)) continue
        asked.delete(target)
        await giveUp(target)
      }
      if ((await namesIn(rootsFolder)).length > 0) return
      for (const name of await namesIn(imagesFolder)) {
        if (asked.size > 0 || underWay.size > 0) return
        await giveUp(join(imagesFolder, name))
      }
    },
  }
}

const nameOf = (file: string): string => basename(file, '.squashfs')

/** `debian-13-…+ruby@3.3+toolchain@14.2`: the images' own names end with that of the stack. */
export const rootName = (base: string, images: string[]): string =>
  [basename(base), ...images.map((file) => nameOf(file).replace(`-${basename(base)}-`, '-')).sort()].join('+')

/** Read-only, since there is nothing above; the first folder is on top. */
export const mountRootCommand = (lower: string[], target: string): [string, ...string[]] => [
  'mount',
  '-t',
  'overlay',
  'overlay',
  '-o',
  `ro,nosuid,nodev,lowerdir=${lower.join(':')}`,
  target,
]

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

async function remove(target: string): Promise<void> {
  await unmount(target)
  await rm(target, { recursive: true, force: true })
}
