/** Layers on this host: fetched once, verified before they are mounted, mounted once for all. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { slugCorrupt } from '#core/domain/errors.ts'
import { isDigest, type LayerDigest } from '#core/domain/ids.ts'
import type { Layer } from '#core/domain/slug.ts'
import type { Log } from '#core/runtime/log.ts'
import { exists } from './exists.ts'
import type { ControllerClient } from './controller-client.ts'
import { evicted, type CachedLayer } from './layer-cache.ts'
import { mountPoints, mountReadOnly, unmount } from './sandbox/mounts.ts'

export type Layers = {
  /** Fetches, verifies and mounts; returns the mounted folders, the lowest first. */
  mount(layers: Pick<Layer, 'digest'>[], signal: AbortSignal): Promise<string[]>
  /** Is it on this host? */
  has(digest: LayerDigest): Promise<boolean>
  /** Takes a freshly packed image in and stores it with the controller. */
  add(file: string, signal: AbortSignal): Promise<Omit<Layer, 'kind'>>
  /**
   * Makes sure that the controller has a layer that an earlier build has made, for a build that names it again.
   * @returns false when it is neither there nor here
   */
  renew(digest: LayerDigest, signal: AbortSignal): Promise<boolean>
  /** Unmounts what no slug in `needed` uses, and deletes of it what has not been used for longest and is beyond the budget. */
  collect(needed: Set<LayerDigest>): Promise<void>
  /** What is on this host's disk: digest → bytes. */
  stored(): Promise<Record<LayerDigest, number>>
}

const KEEP_UNUSED_MS = 10 * 60_000
/** Half a layer is given up when nobody has gone on with it for so long. */
const KEEP_PARTIAL_MS = 24 * 3600_000
/** From the time when all were squashfs; what an image is, it says itself (see imageKind). */
const IMAGE = '.squashfs'
const PARTIAL = '.squashfs.part'

/** @param budgetBytes for layers that nothing uses; without one they are deleted soon after their last use */
export function openLayers(folder: string, controller: ControllerClient, log: Log, budgetBytes = 0): Layers {
  const fileOf = (digest: LayerDigest) => join(folder, digest + IMAGE)
  const partialOf = (digest: LayerDigest) => join(folder, digest + PARTIAL)
  const mountOf = (digest: LayerDigest) => join(folder, 'mounted', digest)
  // Two instances that start at once must not fetch or mount one layer twice.
  const underWay = new Map<LayerDigest, Promise<string>>()
  // Nor must one be taken away between the look that found it and the start that was promised it.
  const goingAway = new Map<LayerDigest, Promise<void>>()
  /** The clearing away (they are numbered) during or after which a layer was asked for last. */
  const askedIn = new Map<LayerDigest, number>()
  let clearing = 0

  async function ensure({ digest }: Pick<Layer, 'digest'>, signal: AbortSignal): Promise<string> {
    await goingAway.get(digest)?.catch(() => undefined)
    const mounted = mountOf(digest)
    const file = fileOf(digest)
    if (!(await mountPoints()).includes(mounted)) {
      if (!(await exists(file))) await fetchLayer(digest, file, signal)
      const found = await digestOf(file)
      if (found !== digest) {
        log.error('layer refused: its bytes are not those that were built', { digest, found })
        await rm(file, { force: true })
        throw slugCorrupt(digest, found)
      }
      await mkdir(mounted, { recursive: true })
      await mountReadOnly(file, mounted)
    }
    // The time of a file's last change says when it was used last, also to the next life of the agent.
    await utimes(file, new Date(), new Date()).catch(() => {})
    return mounted
  }

  async function fetchLayer(digest: LayerDigest, file: string, signal: AbortSignal): Promise<void> {
    await mkdir(folder, { recursive: true })
    const partial = partialOf(digest)
    const resumed = await exists(partial)
    await controller.downloadLayer(digest, partial, signal)
    // A beginning from another day may have been spoilt since: then only a download of the whole tells.
    if (resumed && (await digestOf(partial)) !== digest) {
      await rm(partial, { force: true })
      await controller.downloadLayer(digest, partial, signal)
    }
    await rename(partial, file)
  }

  function once(layer: Pick<Layer, 'digest'>, signal: AbortSignal): Promise<string> {
    askedIn.set(layer.digest, clearing)
    const running = underWay.get(layer.digest)
    if (running) return running
    const work = ensure(layer, signal).finally(() => {
      underWay.delete(layer.digest)
      askedIn.set(layer.digest, clearing)
    })
    underWay.set(layer.digest, work)
    return work
  }

  /** Does away with something of a layer, unless somebody has begun to use it since this clearing began. */
  async function giveUp(digest: LayerDigest, work: () => Promise<void>): Promise<void> {
    if (underWay.has(digest) || askedIn.get(digest) === clearing) return
    askedIn.delete(digest)
    const leaving = work().finally(() => goingAway.delete(digest))
    goingAway.set(digest, leaving)
    await leaving
  }

  async function list(): Promise<CachedLayer[]> {
    const names = await readdir(folder).catch(() => [])
    const found = await Promise.all(names.map((name) => layerAt(folder, name)))
    return found.filter((layer) => layer !== null)
  }

  async function sweepPartials(): Promise<void> {
    for (const name of await readdir(folder).catch(() => [])) {
      if (!name.endsWith('.part') || underWay.has(name.slice(0, -PARTIAL.length) as LayerDigest)) continue
      const status = await stat(join(folder, name)).catch(() => null)
      if (status && Date.now() - status.mtimeMs > KEEP_PARTIAL_MS) await rm(join(folder, name), { force: true })
    }
  }

  return {
    mount: (layers, signal) => Promise.all(layers.map((layer) => once(layer, signal))),
    has: (digest) => exists(fileOf(digest)),
    async add(file, signal) {
      const digest = (await digestOf(file)) as LayerDigest
      const { size } = await stat(file)
      await mkdir(folder, { recursive: true })
      await rename(file, fileOf(digest))
      await controller.uploadLayer(digest, fileOf(digest), size, signal)
      return { digest, bytes: size }
    },
    async renew(digest, signal) {
      if (await controller.hasLayer(digest, signal)) return true
      const status = await stat(fileOf(digest)).catch(() => null)
      if (!status || (await digestOf(fileOf(digest))) !== digest) return false
      await controller.uploadLayer(digest, fileOf(digest), status.size, signal)
      return true
    },
    async collect(needed) {
      clearing += 1
      const stored = await list()
      // A layer that was just built or fetched is about to be used.
      const recent = Date.now() - KEEP_UNUSED_MS
      const kept = new Set([
        ...needed,
        ...underWay.keys(),
        ...stored.filter(({ usedAt }) => usedAt > recent).map(({ digest }) => digest),
      ])
      for (const { digest } of stored) {
        if (kept.has(digest)) continue
        await giveUp(digest, async () => {
          await unmount(mountOf(digest))
          await rm(mountOf(digest), { recursive: true, force: true })
        })
      }
      for (const { digest, bytes } of evicted(stored, kept, budgetBytes))
        await giveUp(digest, async () => {
          await rm(fileOf(digest), { force: true })
          log.debug('layer deleted: others were used more recently', { digest, bytes })
        })
      await sweepPartials()
    },
    stored: async () => Object.fromEntries((await list()).map(({ digest, bytes }) => [digest, bytes])),
  }
}

async function layerAt(folder: string, name: string): Promise<CachedLayer | null> {
  const digest = name.slice(0, -IMAGE.length)
  if (!name.endsWith(IMAGE) || !isDigest(digest)) return null
  const status = await stat(join(folder, name)).catch(() => null)
  return status && { digest, bytes: status.size, usedAt: status.mtimeMs }
}

export async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
