/** All processes of a cgroup at once: to stop where they are, to go on, to end. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { sleep } from '#core/runtime/clock.ts'
import { applyWrites, cgroupVersion, folderIn, foldersOf, readerOf, subfolders } from './cgroup.ts'
import { freezerWrites, parseFrozen } from './cgroup-files.ts'

const FREEZE_MS = 5000

/**
 * Stops every process of a cgroup where it is; its memory stays.
 * @throws when a process cannot be stopped within 5 s (one that waits for a broken disk); all go on then
 */
export async function freezeCgroup(path: string): Promise<void> {
  if (await freeze(path, FREEZE_MS)) return
  await thawCgroup(path)
  throw new Error(`Not all processes of ${path} could be frozen within ${FREEZE_MS / 1000} s, so they go on.`)
}

async function freeze(path: string, withinMs: number): Promise<boolean> {
  const version = cgroupVersion()
  applyWrites(path, freezerWrites(version, true))
  const until = Date.now() + withinMs
  while (!parseFrozen(version, readerOf(path))) {
    if (Date.now() > until) return false
    await sleep(5)
  }
  return true
}

/** Lets a cgroup go on, and those below it that were frozen on their own. */
export async function thawCgroup(path: string): Promise<void> {
  const writes = freezerWrites(cgroupVersion(), false)
  applyWrites(path, writes)
  for (const folder of await subfolders(folderIn(writes[0]?.controller ?? '', path)))
    await thawCgroup(join(path, basename(folder)))
}

const KILL_ROUNDS = 50
/** What cannot be frozen by then is killed without. */
const KILL_FREEZE_MS = 200

/** Kills whatever is in a cgroup and below, frozen or not. Nothing forks away: v2 kills in one act, v1 freezes first. */
export async function killCgroup(path: string): Promise<void> {
  const killFile = join(folderIn('', path), 'cgroup.kill')
  for (let round = 0; round < KILL_ROUNDS; round++) {
    const folders = foldersOf(path)
    if ((await pidsBelow(folders)).length === 0) return
    if (existsSync(killFile)) await writeFile(killFile, '1')
    else await freezeAndKill(path, folders)
    await sleep(10)
  }
}

async function freezeAndKill(path: string, folders: string[]): Promise<void> {
  const freezable = existsSync(folderIn('freezer', path))
  if (freezable) await freeze(path, KILL_FREEZE_MS)
  for (const pid of await pidsBelow(folders)) kill(pid)
  // A frozen process dies when it goes on.
  if (freezable) await thawCgroup(path)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself between the listing and now.
  }
}

async function pidsBelow(folders: string[]): Promise<number[]> {
  const lists = await Promise.all(
    folders.map(async (folder) => {
      const own = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '')
      const below = await pidsBelow(await subfolders(folder))
      return [
        ...own
          .split('\n')
          .filter((line) => line !== '')
          .map(Number),
        ...below,
      ]
    }),
  )
  return [...new Set(lists.flat())]
}
