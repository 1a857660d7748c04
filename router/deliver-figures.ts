/** Delivers what was counted of apps' requests, in stretches of time that are the same for all routers. */
import { slotOf } from '#core/domain/figures.ts'
import type { RouterId } from '#core/domain/ids.ts'
import type { Store } from '#core/store/connection.ts'
import { recordFigures } from '#core/store/figures.ts'
import type { FiguresBook } from './figures.ts'

/**
 * Called often, it delivers each time that a stretch is over. What cannot be delivered then is given up: it would be too late.
 * @returns a step; it throws what the store throws
 */
export function figuresDelivery(
  store: Store,
  router: RouterId,
  book: FiguresBook,
  now: () => number,
): () => Promise<void> {
  let slot = slotOf(now())
  return async () => {
    const ended = slot
    slot = slotOf(now())
    if (slot === ended) return
    const taken = book.take()
    try {
      if (taken.size > 0 && store.status === 'ready') await recordFigures(store, router, ended, taken)
    } finally {
      book.giveBack(taken)
    }
  }
}
