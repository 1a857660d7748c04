/**
 * What a start needs and no app decides, made before the job arrives: a link with its network namespace, and a writable
 * image of the ordinary size, mounted. A few are kept ready; a start that finds none makes its own.
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { defaultResources } from '#core/domain/resources.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Places } from './ports.ts'
import type { SandboxHost } from './sandbox/index.ts'
import { prepareScratch, scratchOf } from './sandbox/filesystem.ts'
import { linkOf } from './sandbox/link.ts'
import { unmountBelow } from './sandbox/mounts.ts'
import { prepareLink, removePreparedLink } from './sandbox/network.ts'

export type Prepared = { index: number; /** Holds the mounted image; renamed to the sandbox's own. */ folder: string }

export type Preparations = {
  /** @returns null when none is ready, or none of this size */
  take(diskMb: number): Prepared | null
  /** Waits for what is being made and removes what nobody took. */
  stop(): Promise<void>
}

const READY = 4
/** Starts come in groups; making the next ones waits until this one is over. */
const PAUSE_MS = 300

/** @param folder of its own, on the same file system as the sandboxes' folders */
export async function openPreparations(
  context: { host: SandboxHost; places: Places; log: Log },
  folder: string,
): Promise<Preparations> {
  const { host, places, log } = context
  const ready: Prepared[] = []
  let stopped = false
  let filling: Promise<void> | null = null
  await clear(folder)

  async function make(): Promise<void> {
    const index = places.take()
    const mine: Prepared = { index, folder: join(folder, String(index)) }
    try {
      await mkdir(mine.folder, { recursive: true, mode: 0o711 })
      await Promise.all([
        prepareLink(linkOf(host.slot, index)),
        prepareScratch(scratchOf(mine.folder), defaultResources.diskMb),
      ])
      ready.push(mine)
    } catch (error) {
      await discard(mine)
      throw error
    }
  }

  async function discard(mine: Prepared): Promise<void> {
    await removePreparedLink(linkOf(host.slot, mine.index))
    await unmountBelow(mine.folder)
    await rm(mine.folder, { recursive: true, force: true })
    places.release(mine.index)
  }

  function fill(): void {
    if (stopped || filling) return
    filling = (async () => {
      while (!stopped && ready.length < READY) await make()
    })()
      .catch((error: unknown) => log.warn('nothing prepared', { error }))
      .finally(() => (filling = null))
  }

  fill()
  return {
    take(diskMb) {
      const taken = diskMb === defaultResources.diskMb ? (ready.shift() ?? null) : null
      setTimeout(fill, PAUSE_MS).unref()
      return taken
    },
    async stop() {
      stopped = true
      await filling
      await Promise.all(ready.splice(0).map(discard))
    },
  }
}

/** What an agent that was killed left. Its links are swept with all that no instance uses. */
async function clear(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o711 })
  await unmountBelow(folder)
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true })
}
