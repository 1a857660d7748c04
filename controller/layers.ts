/** The controller's copy of every slug layer in a folder, named by the SHA-256 of its bytes: builders send them, hosts fetch them. */
import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { layerMismatch } from '#core/domain/errors.ts'
import { isDigest, type LayerDigest } from '#core/domain/ids.ts'
import { codeOf, syncFolder, writeStream } from './files.ts'

export type StoredLayer = { digest: LayerDigest; bytes: number }

/** One store of all layers, wherever it keeps them. */
export type Layers = {
  /** @returns its size in bytes, or null when it is not here */
  size(digest: LayerDigest): Promise<number | null>
  /** @param from how many bytes to leave out at its beginning */
  read(digest: LayerDigest, from?: number): Promise<Readable>
  /** Takes a layer in; nothing is kept unless its bytes match. @throws LAYER_MISMATCH, BODY_TOO_LARGE */
  write(digest: LayerDigest, content: Readable): Promise<void>
  /** For what nothing refers to any more. */
  remove(digest: LayerDigest): Promise<void>
  /** In no order. */
  list(): AsyncIterable<StoredLayer>
}

const MAX_BYTES = 8 * 1024 ** 3
const INCOMING = '.incoming-'
/** From the time when all were squashfs: it is part of buckets, backups and slug files. What an image is, it says itself. */
const SUFFIX = '.squashfs'

/** How a layer is called in a folder and in a bucket, so that copying the one to the other is moving house. */
export const layerFileName = (digest: LayerDigest): string => digest + SUFFIX

/** @returns null for what is no layer */
export function digestIn(fileName: string): LayerDigest | null {
  const digest = fileName.slice(0, -SUFFIX.length)
  return fileName.endsWith(SUFFIX) && isDigest(digest) ? digest : null
}

export async function openLayers(folder: string, maxBytes = MAX_BYTES): Promise<Layers> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await sweep(folder)
  const pathOf = (digest: LayerDigest) => join(folder, layerFileName(digest))
  const size = async (digest: LayerDigest) => {
    try {
      return (await stat(pathOf(digest))).size
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null
      throw error
    }
  }
  return {
    size,
    remove: (digest) => rm(pathOf(digest), { force: true }),
    read: (digest, from = 0) => Promise.resolve(createReadStream(pathOf(digest), { start: from })),
    write: (digest, content) =>
      receive(folder, digest, content, maxBytes, async (temporary) => {
        await rename(temporary, pathOf(digest))
        await syncFolder(folder)
      }),
    async *list() {
      for (const name of await readdir(folder)) {
        const digest = digestIn(name)
        const bytes = digest && (await size(digest))
        if (digest !== null && bytes !== null) yield { digest, bytes }
      }
    },
  }
}

/**
 * Writes what comes to a file of its own in the folder, and hands that over only if its bytes are those of the digest.
 * @throws LAYER_MISMATCH, BODY_TOO_LARGE
 */
export async function receive(
  folder: string,
  digest: LayerDigest,
  content: Readable,
  maxBytes: number,
  keep: (file: string) => Promise<void>,
): Promise<void> {
  const temporary = join(folder, INCOMING + randomUUID())
  try {
    const found = await writeStream(content, temporary, maxBytes)
    if (found !== digest) throw layerMismatch(digest, found)
    await keep(temporary)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** What an earlier life of this process had begun to receive. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.startsWith(INCOMING)) await rm(join(folder, name), { force: true })
}
