/**
 * Ends a sandbox as a whole when one of its processes was killed for want of memory. v2's kernel does so by itself
 * (memory.oom.group); on v1 the rest would go on without it.
 */
import { existsSync, watch } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '#core/runtime/clock.ts'
import { hasOomKills } from './cgroup.ts'
import { killCgroup } from './freezer.ts'

/** conmon listens to the kernel and leaves this file when memory ran out, in the sandbox's cgroup or in one above. */
const NOTICE = 'oom'
/** The notice may come before the kill, and no kill may follow: another of the tenant's instances was chosen. */
const KILL_WITHIN_MS = 1000

/** @param signal ends the watch */
export async function endWhenOutOfMemory(bundle: string, cgroup: string, signal: AbortSignal): Promise<void> {
  const notice = join(bundle, NOTICE)
  while (!signal.aborted) {
    await noticed(bundle, signal)
    await rm(notice, { force: true })
    for (const until = Date.now() + KILL_WITHIN_MS; Date.now() < until && !signal.aborted; await sleep(20, signal))
      if (hasOomKills(cgroup)) return killCgroup(cgroup)
  }
}

function noticed(bundle: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(bundle, { signal }, (_event, name) => {
      if (name === NOTICE) done()
    })
    const done = () => {
      watcher.close()
      resolve()
    }
    // An aborted watch closes; a bundle that is removed ends the sandbox, and with it the watch.
    watcher.on('close', resolve).on('error', done)
    if (existsSync(join(bundle, NOTICE))) done()
  })
}
