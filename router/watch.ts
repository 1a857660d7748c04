/** Keeps the route table current: an announcement brings a change at once, and a periodic look heals what was missed. */
import { messageOf } from '#core/domain/errors.ts'
import { repeat, sleep } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Stoppable } from '#core/runtime/shutdown.ts'
import { subscribe, type Store } from '#core/store/connection.ts'
import { catchUp, loadRouters } from '#core/store/routes.ts'
import { RouteIndex } from './table.ts'

const LOOK_MS = 2_000
const FIRST_RETRY_MS = 500

/** The first table, empty when no app was ever routed. Waits for Redis as long as it takes. */
export async function loadFirstTable(store: Store, log: Log): Promise<RouteIndex> {
  for (;;) {
    try {
      return (await catchUp<RouteIndex>(store, null, newIndex)) ?? newIndex()
    } catch (error) {
      log.warn('waiting for Redis before the first request can be served', { cause: messageOf(error) })
      await sleep(FIRST_RETRY_MS)
    }
  }
}

const newIndex = () => new RouteIndex()

export type WatchContext = {
  store: Store
  redisUrl: string
  log: Log
  /** The table that is in use. Changes are merged into it where it is. */
  routes: RouteIndex
  /** Called when the table has changed, and with another one when it had to be built anew. */
  onTable: (routes: RouteIndex) => void
  /** Called after an announcement was looked into, so also each time that Redis is back. */
  onAnnounced: () => void
  onRouters: (count: number) => void
}

/** While Redis is away, the last table stays in use. */
export function watchRoutes(context: WatchContext): Stoppable {
  const { store, redisUrl, log, onRouters } = context
  const ending = new AbortController()
  const warn = (error: unknown) => {
    if (!ending.signal.aborted)
      log.warn('the route table cannot be read, serving from the last one', { cause: messageOf(error) })
  }
  const look = looking(context)

  const subscription = subscribe(redisUrl, ['routes'], () => void look().then(context.onAnnounced, warn))
  const healing = repeat(
    LOOK_MS,
    async () => {
      await look()
      onRouters((await loadRouters(store)).length)
    },
    ending.signal,
    warn,
  )
  return {
    async stop() {
      ending.abort()
      await subscription.stop()
      await healing
    },
  }
}

/**
 * One look at a time, since two would merge the same changes into one table; whoever asks meanwhile shares the next one.
 * @returns looks; it rejects when Redis cannot be asked
 */
function looking({ store, routes, onTable }: WatchContext): () => Promise<void> {
  let current = routes
  let told = routes.head.mark
  let last = Promise.resolve()
  let waiting: Promise<void> | null = null

  async function look(): Promise<void> {
    waiting = null
    // No table where there was one is a Redis that lost everything; what runs still runs, so it is still served.
    current = (await catchUp(store, current, newIndex)) ?? current
    if (current.head.mark === told) return
    told = current.head.mark
    onTable(current)
  }
  return () => (waiting ??= last = last.then(look, look))
}
