/** Tells the reconciler which table this router serves from and what is still in flight to instances that left it. */
import { messageOf } from '#core/domain/errors.ts'
import { ROUTER_HEARTBEAT_MS, type RouterReport } from '#core/domain/route.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Stoppable } from '#core/runtime/shutdown.ts'
import type { Store } from '#core/store/connection.ts'
import { removeRouter, reportRouter } from '#core/store/routes.ts'

export type Reporter = Stoppable & {
  /** Reports out of turn, and tells the reconciler to look. */
  reportNow(): void
}

/** Starts the heartbeat. Stopping takes the router off the list, so that no one waits for its lease to lapse. */
export function startReporting(store: Store, log: Log, report: () => RouterReport): Reporter {
  const ending = new AbortController()
  let wanted = false
  let running: Promise<void> | null = null

  const failed = (error: unknown) => log.warn('the heartbeat did not reach Redis', { cause: messageOf(error) })
  /** One at a time, so that an older report never overtakes a newer one; whatever happens meanwhile goes into the next. */
  const pass = async (): Promise<void> => {
    while (wanted && !ending.signal.aborted) {
      wanted = false
      await reportRouter(store, report(), true).catch(failed)
    }
  }
  const reportNow = () => {
    wanted = true
    running ??= pass().finally(() => (running = null))
  }
  const beating = repeat(
    ROUTER_HEARTBEAT_MS,
    async () => {
      if (running === null) await reportRouter(store, report(), false)
    },
    ending.signal,
    failed,
  )
  return {
    reportNow,
    async stop() {
      ending.abort()
      await beating
      await running
      await removeRouter(store, report().id).catch(failed)
    },
  }
}
