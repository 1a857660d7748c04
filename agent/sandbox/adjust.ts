/** Changing the limits of what runs. Nobody is killed by a change: what is in use is refused. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ceilings, Resources } from '#core/domain/resources.ts'
import { applyWrites, cgroupVersion, folderIn, readerOf, weightOf } from './cgroup.ts'
import {
  cpuWrites,
  ioWrites,
  memoryWrites,
  parseUsed,
  pidsWrites,
  weightWrites,
  type Device,
  type Write,
} from './cgroup-files.ts'

export type Adjusted = { refused: null } | { refused: 'memory'; usedBytes: number }

/**
 * Changes the limits of a running cgroup.
 * @param disks whose reading and writing is bounded
 * @returns refused when it uses more memory than the new limit, in bytes and without file cache; then nothing is changed
 */
export async function adjustCgroup(
  path: string,
  { size, ceilings, disks }: { size: Resources; ceilings: Ceilings; disks: Device[] },
): Promise<Adjusted> {
  const adjusted = await adjustMemory(path, size.memoryMb * MIB)
  if (adjusted.refused) return adjusted
  const version = cgroupVersion()
  applyWrites(path, [
    ...cpuWrites(version, size.cpuMilli),
    ...weightWrites(version, weightOf(size.cpuMilli)),
    ...pidsWrites(size.pids),
    ...ioWrites(version, ceilings.ioMbPerSecond * MIB, disks),
  ])
  return adjusted
}

const MIB = 1024 * 1024

/** Changes a memory limit, of memory and swap together. */
export async function adjustMemory(path: string, bytes: number): Promise<Adjusted> {
  const version = cgroupVersion()
  const before = memoryLimit(path)
  if (before === bytes) return { refused: null }
  const used = () => parseUsed(version, readerOf(path))
  const refusal = (): Adjusted => ({ refused: 'memory', usedBytes: used() })
  if (bytes < before && used() > bytes) return refusal()
  const done: Write[] = []
  try {
    for (const write of memoryWrites(version, bytes, before)) {
      // v2 kills what exceeds memory.max, so what memory.high could not take back is looked at before.
      if (write.file === 'memory.max' && bytes < before && used() > bytes) throw busy()
      await writeFile(join(folderIn(write.controller, path), write.file), write.value)
      done.push(write)
    }
    return { refused: null }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error
    if (version === 'v2') await writeFile(join(folderIn('memory', path), 'memory.high'), 'max')
    else
      for (const { controller, file } of done) await writeFile(join(folderIn(controller, path), file), String(before))
    return refusal()
  }
}

const busy = (): NodeJS.ErrnoException => Object.assign(new Error('in use'), { code: 'EBUSY' })

/** @returns bytes; Infinity without a limit (v1 says a number near 2^63, which is greater than any machine) */
export function memoryLimit(path: string): number {
  const text = readerOf(path)('memory', cgroupVersion() === 'v2' ? 'memory.max' : 'memory.limit_in_bytes').trim()
  return text === 'max' ? Infinity : Number(text)
}
