/** Moving house: layers that lie in one store go over to another, while both are read. */
import { messageOf } from '#core/domain/errors.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Layers } from '../layers.ts'

/** What is written goes to the new store. Moving begins at once and ends by itself; a start after a crash goes on with it. */
export function moveInto(to: Layers, from: Layers, { log, signal }: { log: Log; signal: AbortSignal }): Layers {
  void moveAll(to, from, log, signal)
  return {
    ...to,
    size: async (digest) => (await to.size(digest)) ?? (await from.size(digest)),
    read: async (digest, start) =>
      (await from.size(digest)) === null ? to.read(digest, start) : from.read(digest, start),
    async remove(digest) {
      await Promise.all([to.remove(digest), from.remove(digest)])
    },
    async *list() {
      yield* to.list()
      yield* from.list()
    },
  }
}

async function moveAll(to: Layers, from: Layers, log: Log, signal: AbortSignal): Promise<void> {
  let moved = 0
  try {
    for await (const { digest } of from.list()) {
      if (signal.aborted) return
      if ((await to.size(digest)) === null) await to.write(digest, await from.read(digest))
      await from.remove(digest)
      moved += 1
    }
    if (moved > 0) log.info('slugs moved to the slug store', { layers: moved })
  } catch (error) {
    log.warn('slugs not all moved to the slug store; the next start goes on', { moved, why: messageOf(error) })
  }
}
