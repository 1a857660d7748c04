/** The controller's copy of every slug layer, named by the SHA-256 of its bytes: builders send them, hosts fetch them. */
import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { layerMismatch } from '#core/domain/errors.ts'
import type { LayerDigest } from '#core/domain/ids.ts'
import { codeOf, syncFolder, writeStream } from './files.ts'

export type Layers = {
  /** @returns its size in bytes, or null when it is not here */
  size(digest: LayerDigest): Promise<number | null>
  read(digest: LayerDigest): Readable
  /** Takes a layer in; nothing is kept unless its bytes match. @throws LAYER_MISMATCH, BODY_TOO_LARGE */
  write(digest: LayerDigest, content: Readable): Promise<void>
  /** For what nothing refers to any more. */
  remove(digest: LayerDigest): Promise<void>
}

const MAX_BYTES = 8 * 1024 ** 3
const INCOMING = '.incoming-'

export async function openLayers(folder: string, maxBytes = MAX_BYTES): Promise<Layers> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await sweep(folder)
  const pathOf = (digest: LayerDigest) => join(folder, `${digest}.squashfs`)
  return {
    async size(digest) {
      try {
        return (await stat(pathOf(digest))).size
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null
        throw error
      }
    },
    remove: (digest) => rm(pathOf(digest), { force: true }),
    read: (digest) => createReadStream(pathOf(digest)),
    async write(digest, content) {
      const temporary = join(folder, INCOMING + randomUUID())
      try {
        const found = await writeStream(content, temporary, maxBytes)
        if (found !== digest) throw layerMismatch(digest, found)
        await rename(temporary, pathOf(digest))
        await syncFolder(folder)
      } finally {
        await rm(temporary, { force: true })
      }
    },
  }
}

/** What an earlier life of this process had begun to receive. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.startsWith(INCOMING)) await rm(join(folder, name), { force: true })
}
