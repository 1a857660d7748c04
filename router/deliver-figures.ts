/** Delivers what was counted of apps' requests, and of instances', in stretches of time that are the same for all routers. */
import { slotOf } from '#core/domain/figures.ts'
import type { RouterId } from '#core/domain/ids.ts'
import { recordAnswered } from '#core/store/answered.ts'
import type { Store } from '#core/store/connection.ts'
import { recordFigures } from '#core/store/figures.ts'
import type { AnsweredBook } from './answered.ts'
import type { FiguresBook } from './figures.ts'

/**
 * Called often, it delivers each time that a stretch is over. What cannot be delivered then is given up: it would be too late.
 * @returns a step; it throws what the store throws
 */
export function figuresDelivery(
  store: Store,
  router: RouterId,
  { book, answered }: { book: FiguresBook; answered: Pick<AnsweredBook, 'takeStretch'> },
  now: () => number,
): () => Promise<void> {
  let slot = slotOf(now())
  return async () => {
    const ended = slot
    slot = slotOf(now())
    if (slot === ended) return
    const taken = book.take()
    const stretch = answered.takeStretch()
    try {
      if (store.status !== 'ready') return
      await Promise.all([recordFigures(store, router, ended, taken), recordAnswered(store, router, ended, stretch)])
    } finally {
      book.giveBack(taken)
    }
  }
}
