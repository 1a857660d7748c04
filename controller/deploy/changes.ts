/** Waits that end early when something changed: what would wait for the next look is told at once. */
import { sleep } from '#core/runtime/clock.ts'
import { subscribe, type Subscription } from '#core/store/connection.ts'

export type Changes = {
  /** Ends after the time, soon after a change, or quietly when aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

/** A busy Berth changes all the time: a wait is never shorter. */
const AT_LEAST_MS = 15

/** @param url as in BERTH_REDIS_URL; listened to from the first wait on */
export function watchChanges(url: string): Changes {
  let subscription: Subscription | null = null
  let waiting = new AbortController()
  const ring = () => {
    waiting.abort()
    waiting = new AbortController()
  }
  return {
    async wait(ms, signal) {
      subscription ??= subscribe(url, ['changed'], ring)
      const rung = AbortSignal.any([waiting.signal, signal])
      await sleep(Math.min(ms, AT_LEAST_MS), signal)
      if (ms > AT_LEAST_MS) await sleep(ms - AT_LEAST_MS, rung)
    },
    async stop() {
      await subscription?.stop()
    },
  }
}
