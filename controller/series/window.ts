/** Which points a question about a time means. */
import type { SeriesQuery, SeriesRange } from '#core/contract/series.ts'
import { indexAt, ringOf, seriesSteps, type Ring } from '#core/domain/series.ts'

/** From one point to before another, of a ring. */
export type SeriesWindow = { ring: Ring; from: number; to: number }

const steps = { '1h': '10s', '24h': '1m', '30d': '1h' } as const satisfies Record<SeriesRange, string>

/** The finest points that are kept so far back; a window reaches back as far as any are kept, and not beyond now. */
export function windowOf({ range, from, to }: SeriesQuery, now: number): SeriesWindow {
  if (from === undefined) {
    const ring = ringOf(steps[range ?? '1h'])
    const end = indexAt(ring, now)
    return { ring, from: end - ring.points, to: end }
  }
  const step = seriesSteps.find((one) => now - from <= ringOf(one).ms * ringOf(one).points) ?? '1h'
  const ring = ringOf(step)
  const newest = indexAt(ring, now)
  const end = Math.min(newest, Math.ceil((to ?? now) / ring.ms))
  return { ring, from: Math.min(end, Math.max(indexAt(ring, from), newest - ring.points)), to: end }
}
