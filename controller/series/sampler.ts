/** Keeps the time series, where the reconciler leads: a point every ten seconds, of which the coarser ones are made. */
import { FIGURES_SLOT_MS } from '#core/domain/figures.ts'
import { indexAt, ringOf, rollUp, type Point, type SeriesStep } from '#core/domain/series.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import { loadApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { readFigures } from '#core/store/figures.ts'
import { loadHosts } from '#core/store/hosts.ts'
import { loadInstances } from '#core/store/instances.ts'
import { loadRolledUp, readRow, saveRolledUp, writePoints, type SeriesSubject } from '#core/store/series.ts'
import { joinPoints, sampleTraffic, sampleUse, type Restarts } from './sample.ts'

export type SamplerContext = { store: Store; log: Log; now: () => number }

const ring = ringOf('10s')
/** After its end, so that all routers have delivered what they counted in it. */
const SAMPLE_AFTER_MS = 3_000
/** What routers counted is there for so many points back, for when the store or this process was held up. */
const MAKE_UP_FOR = 4

/** @param held aborts when this process leads no more */
export async function keepSeries(context: SamplerContext, held: AbortSignal): Promise<void> {
  const { log, now } = context
  const sampler = createSampler(context)
  let outage = false
  while (!held.aborted) {
    const next = (indexAt(ring, now() - SAMPLE_AFTER_MS) + 1) * ring.ms + SAMPLE_AFTER_MS
    await sleep(next - now(), held)
    if (held.aborted) return
    try {
      await sampler.sample(indexAt(ring, next - SAMPLE_AFTER_MS) - 1)
      outage = false
    } catch (error) {
      if (!outage) log.warn('time series not written', { error })
      outage = true
    }
  }
}

export type Sampler = {
  /** Writes the point of an index, those of traffic that are missing before it, and whatever is made of them. */
  sample(index: number): Promise<void>
}

export function createSampler({ store, now }: SamplerContext): Sampler {
  const known = new Set<string>()
  let restarts: Restarts | null = null
  let last: number | null = null
  let hour = 0

  return {
    async sample(index) {
      // A ring that nobody wrote to for longer may have expired.
      if (hour !== Math.floor(index / ring.points)) known.clear()
      hour = Math.floor(index / ring.points)
      const [instances, hosts] = await Promise.all([loadInstances(store), loadHosts(store)])
      const apps = await loadApps(store)
      for (let missed = Math.max((last ?? index) + 1, index - MAKE_UP_FOR); missed < index; missed++)
        await write(missed, sampleTraffic(apps, await readFigures(store, slotsOf(missed))))
      const use = sampleUse({ now: now(), apps, instances, hosts, restarts })
      const traffic = sampleTraffic(apps, await readFigures(store, slotsOf(index)))
      await write(index, joinPoints(use.points, traffic))
      restarts = use.restarts
      last = index
      const subjects: SeriesSubject[] = [
        ...apps.map(({ id }) => `app:${id}` as const),
        ...new Set(apps.map(({ tenantId }) => `tenant:${tenantId}` as const)),
        ...hosts.map(({ id }) => `host:${id}` as const),
        'platform',
      ]
      const end = (index + 1) * ring.ms
      await rollUpTo('1m', end, subjects)
      await rollUpTo('1h', end, subjects)
    },
  }

  function write(index: number, points: Map<SeriesSubject, Point>): Promise<void> {
    return writePoints(store, '10s', index, points, known)
  }

  /** Also what another leader, which ended before it came to it, left undone. */
  async function rollUpTo(step: SeriesStep, end: number, subjects: SeriesSubject[]): Promise<void> {
    const coarse = ringOf(step)
    const { finer } = coarse
    if (!finer) return
    const newest = indexAt(coarse, end) - 1
    const done = (await loadRolledUp(store))[step] ?? newest - 1
    const kept = Math.floor(ringOf(finer.step).points / finer.count) - 1
    if (done >= newest) return
    for (let index = Math.max(done + 1, newest - kept + 1); index <= newest; index++) {
      const rows = await readRow(store, finer.step, subjects, index * finer.count, finer.count)
      await writePoints(store, step, index, rolledUp(rows), known)
    }
    await saveRolledUp(store, step, newest)
  }
}

function rolledUp(rows: ReadonlyMap<SeriesSubject, (Point | null)[]>): Map<SeriesSubject, Point> {
  const points = new Map<SeriesSubject, Point>()
  for (const [subject, row] of rows) {
    const point = rollUp(row)
    if (point) points.set(subject, point)
  }
  return points
}

/** Of routers' stretches, those that a point is made of. */
function slotsOf(index: number): number[] {
  const perPoint = ring.ms / FIGURES_SLOT_MS
  return Array.from({ length: perPoint }, (_, n) => index * perPoint + n)
}
