/**
 * How sandboxes' processes end. conmon writes an exit code into a folder that is watched; what nobody writes (a conmon
 * that was killed, a missed notice) is found by one round over all sandboxes, cheap enough for hundreds of them.
 */
import { readFileSync, watch, type FSWatcher } from 'node:fs'
import { readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** Where conmon leaves what is needed here. */
export type ExitFiles = { id: string; exits: string; conmonPidFile: string }

const ROUND_MS = 2_000
/** When the process or its conmon is gone, conmon gets this long to say how it ended. */
const LAST_WORD_MS = 300
const UNKNOWN_EXIT = 255

type Waiter = {
  files: ExitFiles
  pid: number
  startTime: string
  conmon: number
  goneAt: number | null
  settle(code: number | null): void
}

/** Waits for the end of a sandbox's process. @returns its exit code; 128 + n after signal n; 255 when nobody saw it; null when the signal ended the wait */
export function waitForExit(
  files: ExitFiles,
  pid: number,
  startTime: string,
  signal: AbortSignal,
): Promise<number | null> {
  return new Promise((resolve) => {
    const folder = watched.get(files.exits) ?? watchFolder(files.exits)
    const conmon = Number(readText(files.conmonPidFile) ?? 0)
    const waiter: Waiter = { files, pid, startTime, conmon, goneAt: null, settle }
    function settle(code: number | null): void {
      signal.removeEventListener('abort', onAbort)
      folder.remove(waiter)
      resolve(code)
    }
    const onAbort = () => settle(null)
    if (signal.aborted) return resolve(null)
    signal.addEventListener('abort', onAbort, { once: true })
    folder.add(waiter)
    if (!hasEnded(waiter)) look(waiter)
  })
}

type Folder = { add(waiter: Waiter): void; remove(waiter: Waiter): void }
const watched = new Map<string, Folder>()

/** One watcher and one timer for a folder, as long as anybody waits. */
function watchFolder(path: string): Folder {
  const waiters = new Set<Waiter>()
  let watcher: FSWatcher | null = null
  let round: NodeJS.Timeout | null = null
  const folder: Folder = {
    add(waiter) {
      waiters.add(waiter)
      watcher ??= watch(path, (_event, name) => {
        for (const one of [...waiters]) if (one.files.id === name) hasEnded(one)
      }).on('error', () => {})
      round ??= setInterval(() => [...waiters].forEach(look), ROUND_MS)
    },
    remove(waiter) {
      // One that was settled already must not end what others wait for by now.
      if (!waiters.delete(waiter) || waiters.size > 0) return
      watcher?.close()
      if (round) clearInterval(round)
      watched.delete(path)
    },
  }
  watched.set(path, folder)
  return folder
}

/** Settles the waiter if conmon has written the exit code. */
function hasEnded(waiter: Waiter): boolean {
  const code = exitCodeIn(readText(join(waiter.files.exits, waiter.files.id)))
  if (code !== null) waiter.settle(code)
  return code !== null
}

/** Without its conmon a sandbox has neither log nor exit code: it counts as ended, and is replaced. */
function look(waiter: Waiter): void {
  const runs = startTimeIn(readText(`/proc/${waiter.pid}/stat`)) === waiter.startTime && isThere(waiter.conmon)
  if (runs) return
  if (waiter.goneAt === null) {
    waiter.goneAt = performance.now()
    setTimeout(() => look(waiter), LAST_WORD_MS)
    return
  }
  if (performance.now() - waiter.goneAt >= LAST_WORD_MS - 1 && !hasEnded(waiter)) waiter.settle(UNKNOWN_EXIT)
}

const exitCodeIn = (text: string | null): number | null =>
  text === null || text.trim() === '' ? null : Number(text.trim())

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function isThere(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch {
    return false
  }
}

/** When a process started, in clock ticks since boot: with the pid, it names a process once and for all (proc(5), field 22). */
export async function startTimeOf(pid: number): Promise<string | null> {
  return startTimeIn(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null))
}

/** @returns null for a process that is gone, or a zombie: it has ended, and its namespaces are gone */
export function startTimeIn(stat: string | null): string | null {
  const fields = stat === null ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null)
}

/** One that is ending has no namespaces any more, some time before it is a zombie. */
export const isRunning = async (pid: number, startTime: string): Promise<boolean> =>
  (await startTimeOf(pid)) === startTime &&
  (await readlink(`/proc/${pid}/ns/net`).then(
    () => true,
    () => false,
  ))
