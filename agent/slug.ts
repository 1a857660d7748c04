/** Layers on this host: packed by the platform, fetched once, verified before they are mounted, mounted once for all. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { slugCorrupt } from '#core/domain/errors.ts'
import type { LayerDigest } from '#core/domain/ids.ts'
import type { Layer } from '#core/domain/slug.ts'
import type { Log } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import type { ControllerClient } from './controller-client.ts'
import { mountPoints, mountReadOnlyCommand, unmount } from './sandbox/mounts.ts'

export type Layers = {
  /** Fetches, verifies and mounts; returns the mounted folders, the lowest first. */
  mount(layers: Pick<Layer, 'digest'>[], signal: AbortSignal): Promise<string[]>
  /** Is it on this host? */
  has(digest: LayerDigest): Promise<boolean>
  /** Takes a freshly packed image in and stores it with the controller. */
  add(file: string, signal: AbortSignal): Promise<Omit<Layer, 'kind'>>
  /** Unmounts and deletes what no slug in `needed` uses. */
  collect(needed: Set<LayerDigest>): Promise<void>
}

const KEEP_UNUSED_MS = 10 * 60_000

export function openLayers(folder: string, controller: ControllerClient, log: Log): Layers {
  const fileOf = (digest: LayerDigest) => join(folder, `${digest}.squashfs`)
  const mountOf = (digest: LayerDigest) => join(folder, 'mounted', digest)
  // Two instances that start at once must not fetch or mount one layer twice.
  const underWay = new Map<LayerDigest, Promise<string>>()

  async function ensure(layer: Pick<Layer, 'digest'>, signal: AbortSignal): Promise<string> {
    const mounted = mountOf(layer.digest)
    if ((await mountPoints()).includes(mounted)) return mounted
    const file = fileOf(layer.digest)
    if (!(await exists(file))) await fetchLayer(layer.digest, file, signal)
    const found = await digestOf(file)
    if (found !== layer.digest) {
      log.error('layer refused: its bytes are not those that were built', { digest: layer.digest, found })
      await rm(file, { force: true })
      throw slugCorrupt(layer.digest, found)
    }
    await mkdir(mounted, { recursive: true })
    await run(mountReadOnlyCommand(file, mounted))
    return mounted
  }

  async function fetchLayer(digest: LayerDigest, file: string, signal: AbortSignal): Promise<void> {
    await mkdir(folder, { recursive: true })
    const partial = `${file}.${process.hrtime.bigint()}.part`
    try {
      await controller.downloadLayer(digest, partial, signal)
      await rename(partial, file)
    } finally {
      await rm(partial, { force: true })
    }
  }

  function once(layer: Pick<Layer, 'digest'>, signal: AbortSignal): Promise<string> {
    const running = underWay.get(layer.digest)
    if (running) return running
    const work = ensure(layer, signal).finally(() => underWay.delete(layer.digest))
    underWay.set(layer.digest, work)
    return work
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
    async collect(needed) {
      for (const name of await readdir(folder).catch(() => [])) {
        const digest = name.slice(0, -'.squashfs'.length) as LayerDigest
        if (!name.endsWith('.squashfs') || needed.has(digest) || underWay.has(digest)) continue
        const status = await stat(fileOf(digest)).catch(() => null)
        // A layer that was just built or fetched is about to be used.
        if (!status || Date.now() - status.ctimeMs < KEEP_UNUSED_MS) continue
        await unmount(mountOf(digest))
        await rm(mountOf(digest), { recursive: true, force: true })
        await rm(fileOf(digest), { force: true })
      }
    },
  }
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

export async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

export type Packing = {
  folder: string
  output: string
  owner: number
  only: string[] | null
  without: string[]
  /** What all files' times become, in seconds since 1970; left out: `dependencyTime`. */
  time?: number
}

/** That of every file in npm's packages, which for the same reason carry no time of their own: 26 October 1985, 8:15 UTC. */
export const dependencyTime = 499_162_500

/**
 * Packs files that a tenant's build left into an image: by the platform, after the tenant's processes are dead. Every file
 * belongs to the app's user and has the same time, none is setuid or setgid; names are kept as they are, links are never
 * followed. The same files make the same bytes, whatever their inodes and in whichever order they were written.
 */
export function packCommand({ output, owner, only, without, time = dependencyTime }: Packing): [string, ...string[]] {
  const what = only === null ? ['.'] : only
  const layout = only === null ? [] : ['-no-strip']
  const exclude = without.length === 0 ? [] : ['-wildcards', '-e', ...without]
  return [
    'mksquashfs',
    ...what,
    output,
    ...layout,
    '-noappend',
    '-quiet',
    '-no-progress',
    '-no-xattrs',
    '-comp',
    'zstd',
    '-Xcompression-level',
    '3',
    '-force-uid',
    String(owner),
    '-force-gid',
    String(owner),
    '-mkfs-time',
    String(time),
    '-all-time',
    String(time),
    '-action',
    'chmod(ug-s)@true',
    '-processors',
    '1',
    // Not a quarter of the host's memory, as it would take by itself.
    '-mem',
    '256M',
    ...exclude,
  ]
}

export async function pack(packing: Packing, signal: AbortSignal): Promise<void> {
  await rm(packing.output, { force: true })
  await run(packCommand(packing), { cwd: packing.folder, signal, timeoutMs: 10 * 60_000 })
}
