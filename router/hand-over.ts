/** Hands over what the router counted: to the ledger and the instances' totals, each request once, and to the live figures. */
import { join } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import type { RouterId } from '#core/domain/ids.ts'
import type { Log } from '#core/runtime/log.ts'
import { recordRequests } from '#core/store/answered.ts'
import type { Store } from '#core/store/connection.ts'
import { recordUsage, type UsageSample } from '#core/store/usage.ts'
import { AnsweredBook } from './answered.ts'
import type { Pools } from './app/pools.ts'
import { figuresDelivery } from './deliver-figures.ts'
import { openSpool, requestRows, usageRows, type Spool } from './spool.ts'
import type { Routes } from './table.ts'
import type { Usage, Used } from './usage.ts'

export type HandOver = {
  /** To be called often. @throws the first failure; what could not be recorded comes with a later step */
  step(): Promise<void>
  /** All that is left, once nothing is counted any more. */
  last(): Promise<void>
  onFailure: (error: unknown) => void
}

export function startHandingOver({
  store,
  router,
  home,
  log,
  usage,
  pools,
  routes,
}: {
  store: Store
  router: RouterId
  home: string
  log: Log
  usage: Usage
  pools: Pools
  routes: () => Routes
}): HandOver {
  const answered = new AnsweredBook()
  const folder = join(home, 'router')
  const used = openSpool(folder, router, usageRows, log)
  const requests = openSpool(folder, router, requestRows, log)
  const deliverFigures = figuresDelivery(store, router, { book: usage.book, answered }, () => Date.now())
  let recorded = true

  const onFailure = (error: unknown): void => {
    if (recorded) log.warn('usage could not be recorded, keeping it for later', { cause: messageOf(error) })
    recorded = false
  }

  async function record<Sample>(
    samples: Sample[],
    spool: Spool<Sample>,
    deliver: (store: Store, samples: Sample[]) => Promise<void>,
  ): Promise<void> {
    try {
      // Waiting for a Redis that is away would leave what comes meanwhile unkept.
      if (store.status !== 'ready') throw new Error('Redis is not connected')
      await deliver(store, samples)
      spool.clear()
      recorded = true
    } catch (error) {
      spool.keep(samples)
      throw error
    }
  }

  /** Both, whatever becomes of the other: what fails is kept on disk. */
  async function flush(): Promise<void> {
    const works = [
      usage.flush((changed) => record(samplesOf(router, changed, Date.now()), used, recordUsage)),
      answered.flush((changed) =>
        record(
          [...changed].map(([instance, count]) => ({ router, instance, count })),
          requests,
          recordRequests,
        ),
      ),
    ]
    await Promise.allSettled(works)
    await Promise.all(works)
  }

  const adoption = Promise.all([
    used.adopt((samples) => recordUsage(store, samples)),
    requests.adopt((counts) => recordRequests(store, counts)),
  ]).catch(onFailure)

  return {
    async step() {
      const now = performance.now()
      answered.add(pools.takeAnswered(), now)
      answered.sweep((id) => routes().hasInstance(id), now)
      await deliverFigures()
      await flush()
    },
    async last() {
      await adoption
      answered.add(pools.takeAnswered(), performance.now())
      await flush().catch(onFailure)
    },
    onFailure,
  }
}

const samplesOf = (router: RouterId, changed: Used[], at: number): UsageSample[] =>
  changed.map(({ appId, tenantId, counters }) => ({
    subject: `router-${router}-${appId}`,
    tenantId,
    appId,
    at,
    usage: counters,
    ended: false,
  }))
