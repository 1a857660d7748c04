/** Files that must be there whole or not at all, and that nobody else may read. */
import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { link, open, readFile, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { bodyTooLarge } from '#core/domain/errors.ts'

/**
 * Writes a file (mode 0600) that must not exist yet. After a power cut it is there whole or not at all.
 * @returns false when a file of that name exists; it is left as it is
 */
export async function writeOnce(path: string, content: string | Uint8Array): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}`
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    // A link, unlike a rename, does not replace what another process made in the meantime.
    await link(temporary, path)
    await syncFolder(dirname(path))
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    await unlink(temporary)
  }
}

/** @returns null when there is no such file */
export async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/** Makes names that were added to or removed from a folder outlive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/**
 * Streams to a new file (0600) and syncs it to disk.
 * @returns the SHA-256 of what was written, in hex
 * @throws BODY_TOO_LARGE
 */
export async function writeStream(content: Readable, path: string, maxBytes: number): Promise<string> {
  const hash = createHash('sha256')
  let bytes = 0
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      hash.update(chunk)
      done(bytes > maxBytes ? bodyTooLarge(maxBytes) : null, chunk)
    },
  })
  await pipeline(content, meter, createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }))
  return hash.digest('hex')
}

/** The `ENOENT` of a system error. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
