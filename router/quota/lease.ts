/**
 * Agrees with the other routers, through Redis, on who may admit how much. While Redis is away each goes on with its last
 * share; no request ever waits for it.
 */
import { messageOf } from '#core/domain/errors.ts'
import { repeat, sleep } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Stoppable } from '#core/runtime/shutdown.ts'
import type { Store } from '#core/store/connection.ts'
import { shareTraffic } from '#core/store/traffic.ts'
import type { Quotas } from './quotas.ts'

const TICK_MS = 100
/** Nothing is shared out: until a first request rings. */
const IDLE_MS = 60_000
/** Without an answer for so long, nothing that was told still counts with the others. */
const LOST_MS = 3_000
/** Accounts in one round trip. */
const BATCH = 500

export type LeaseContext = {
  quotas: Quotas
  store: Store
  /** The router's id. */
  router: string
  log: Log
  /** ms of a clock that does not go back. */
  now: () => number
}

export function startLeases({ quotas, store, router, log, now }: LeaseContext): Stoppable {
  const ending = new AbortController()
  let waiting = new AbortController()
  let answeredAt = now()
  let away = false
  quotas.onHurry = () => waiting.abort()

  async function agree(): Promise<void> {
    if (store.status !== 'ready') throw new Error('Redis is not connected')
    const reports = quotas.reports(now())
    for (let first = 0; first < reports.length; first += BATCH) {
      const some = reports.slice(first, first + BATCH)
      const shares = await shareTraffic(store, router, quotas.routers, some)
      some.forEach((report, index) => quotas.take(report, shares[index] ?? null))
    }
    answeredAt = now()
    if (away) log.info('traffic quotas are shared with the other routers again')
    away = false
  }

  function onError(error: unknown): void {
    if (!away) log.warn('traffic quotas cannot be shared, going on with the last shares', { cause: messageOf(error) })
    away = true
    if (now() - answeredAt > LOST_MS) quotas.endure()
  }

  /** A tick, or until an account joins or soon needs more, which is then agreed on at once. */
  async function pause(): Promise<void> {
    if (waiting.signal.aborted && !away) {
      waiting = new AbortController()
      return
    }
    waiting = new AbortController()
    const interval = quotas.isActive ? TICK_MS : IDLE_MS
    await sleep(interval, waiting.signal)
  }

  const agreeing = repeat(
    0,
    async () => {
      await pause()
      if (!ending.signal.aborted) await agree()
    },
    ending.signal,
    onError,
  )
  return {
    async stop() {
      ending.abort()
      waiting.abort()
      await agreeing
      quotas.onHurry = () => {}
      if (store.status !== 'ready') return
      await shareTraffic(store, router, quotas.routers, quotas.farewells(now())).catch(onError)
    },
  }
}
