/** Keeps the route table current: an announcement brings a new one at once, and a periodic look heals what was missed. */
import { messageOf } from '#core/domain/errors.ts'
import type { RouteTable } from '#core/domain/route.ts'
import { repeat, sleep } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Stoppable } from '#core/runtime/shutdown.ts'
import { subscribe, type Store } from '#core/store/connection.ts'
import { loadRouters, loadRoutes } from '#core/store/routes.ts'
import { emptyTable } from './table.ts'

const LOOK_MS = 2_000
const FIRST_RETRY_MS = 500

/** The first table, empty when no app was ever routed. Waits for Redis as long as it takes. */
export async function loadFirstTable(store: Store, log: Log): Promise<RouteTable> {
  for (;;) {
    try {
      return (await loadRoutes(store)) ?? emptyTable
    } catch (error) {
      log.warn('waiting for Redis before the first request can be served', { cause: messageOf(error) })
      await sleep(FIRST_RETRY_MS)
    }
  }
}

export type WatchContext = {
  store: Store
  redisUrl: string
  log: Log
  current: () => number
  onTable: (table: RouteTable) => void
  /** Called after an announcement was looked into, so also each time that Redis is back. */
  onAnnounced: () => void
  onRouters: (count: number) => void
}

/** While Redis is away, the last table stays in use. */
export function watchRoutes(context: WatchContext): Stoppable {
  const { store, redisUrl, log, onRouters } = context
  const ending = new AbortController()
  const warn = (error: unknown) =>
    log.warn('the route table cannot be read, serving from the last one', { cause: messageOf(error) })

  const subscription = subscribe(redisUrl, ['routes'], () => {
    look(context, true).then(context.onAnnounced, (error: unknown) => {
      if (!ending.signal.aborted) warn(error)
    })
  })
  const looking = repeat(
    LOOK_MS,
    async () => {
      await look(context, false)
      onRouters((await loadRouters(store)).length)
    },
    ending.signal,
    warn,
  )
  return {
    async stop() {
      ending.abort()
      await subscription.stop()
      await looking
    },
  }
}

/**
 * @param always take the table even if its version is the one in use: a Redis that lost its last second may number another
 * table the same, and that is always followed by a reconnect and so by an announcement
 */
async function look({ store, current, onTable }: WatchContext, always: boolean): Promise<void> {
  const table = await loadRoutes(store)
  // No table where there was one is a Redis that lost everything; what runs still runs, so it is still served.
  if (table && (always || table.version !== current())) onTable(table)
}
