/** Which time the files of an app's layer get: the same for the same commit, another for another one. */
import { open } from 'node:fs/promises'
import { MANIFEST } from '#core/domain/slug-file.ts'

const BLOCK_BYTES = 512
/** Archives of other kinds cannot hold earlier ones (zip begins in 1980), so tools of the app's stumble over them. */
const EARLIEST = Date.UTC(1980, 0, 2) / 1000
const A_DAY = 24 * 3600

/**
 * The commit's time, from the archive that our git made of it; of a ready slug that of the app that it was made for. The ETags of many servers are made of a file's time and
 * size, so a time that never changed would let clients keep what a commit has changed without changing its length.
 * @param now in seconds since 1970: that of archives that tell no commit's, and the bound of those that lie
 */
export async function sourceTime(archive: string, now: number): Promise<number> {
  const file = await open(archive, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, 0)
    return (bytesRead === BLOCK_BYTES ? commitTimeIn(buffer, now) : null) ?? now
  } finally {
    await file.close()
  }
}

/**
 * @param block the archive's first: git begins with a pax global header (IEEE Std 1003.1, "pax Header Block") whose time is
 *   the commit's, and a slug file with its manifest, whose time is that of the files
 */
export function commitTimeIn(block: Buffer, now: number): number | null {
  const isOurs = block.toString('latin1', 156, 157) === 'g' || block.toString('latin1', 0, 14) === `${MANIFEST}\0`
  const octal = /^[0-7]{11}/.exec(block.toString('latin1', 136, 148))?.[0]
  if (!isOurs || octal === undefined) return null
  const time = Number.parseInt(octal, 8)
  return time >= EARLIEST && time <= now + A_DAY ? time : null
}
