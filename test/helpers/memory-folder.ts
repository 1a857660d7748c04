/** Temporary folders for what a test writes much of, and would not be another thing on a disk. */
import { mkdtemp, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MEMORY = '/dev/shm'
/** A container has 64 MiB there as a rule. */
const ENOUGH_BYTES = 2 * 1024 ** 3

/** A new folder that lies in memory where there is room: to write there takes a tenth of the processor that a disk's file system does. */
export async function memoryFolder(prefix: string): Promise<string> {
  return mkdtemp(join((await hasRoom()) ? MEMORY : tmpdir(), prefix))
}

async function hasRoom(): Promise<boolean> {
  const memory = await statfs(MEMORY).catch(() => null)
  return memory !== null && memory.bavail * memory.bsize >= ENOUGH_BYTES
}
