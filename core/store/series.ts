/** Time series: a ring for each subject and step, as one string whose size is set when it is first written. */
import type { AppId, HostId, TenantId } from '../domain/ids.ts'
import {
  bytesOf,
  offsetOf,
  packPoint,
  ringBytes,
  ringOf,
  seriesSteps,
  unpackPoints,
  type Point,
  type Ring,
  type SeriesStep,
} from '../domain/series.ts'
import type { Store } from './connection.ts'
import { keys } from './keys.ts'

export type SeriesSubject = `app:${AppId}` | `tenant:${TenantId}` | `host:${HostId}` | 'platform'

const AT_ONCE = 1_000
/** A ring that nobody writes to any more goes when its newest point is over. */
const SPARE_MS = 3600_000

/**
 * Writes one point of each subject. Written twice, it is as if once.
 * @param known the rings that are known to be there; what is written is added
 */
export async function writePoints(
  store: Store,
  step: SeriesStep,
  index: number,
  points: ReadonlyMap<SeriesSubject, Point>,
  known: Set<string>,
): Promise<void> {
  const ring = ringOf(step)
  for (const some of chunks([...points])) {
    const pipeline = store.pipeline()
    for (const [subject, point] of some) {
      const key = keys.series(subject, step)
      // Its last byte first, which makes it as large as it ever gets: growing by and by, it would take up to twice as much.
      if (!known.has(key)) pipeline.setrange(key, ringBytes(ring), '\0')
      pipeline.setrange(key, offsetOf(ring, index), Buffer.from(packPoint(ring, index, point)))
      if (isTimeToExpire(ring, index) || !known.has(key)) pipeline.pexpire(key, ring.ms * ring.points + SPARE_MS)
      known.add(key)
    }
    for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error
  }
}

/** Ten seconds are written six times as often as their expiry need be put off. */
const isTimeToExpire = ({ finer }: Ring, index: number): boolean => finer !== null || index % 6 === 0

/** The points of a row that is not torn by the ring's end, of many subjects. */
export async function readRow(
  store: Store,
  step: SeriesStep,
  subjects: readonly SeriesSubject[],
  from: number,
  count: number,
): Promise<Map<SeriesSubject, (Point | null)[]>> {
  const ring = ringOf(step)
  const found = new Map<SeriesSubject, (Point | null)[]>()
  for (const some of chunks(subjects)) {
    const pipeline = store.pipeline()
    const start = offsetOf(ring, from)
    for (const subject of some) pipeline.getrangeBuffer(keys.series(subject, step), start, start + bytesOf(count) - 1)
    const rows = (await pipeline.exec()) ?? []
    rows.forEach(([error, bytes], place) => {
      if (error) throw error
      found.set(some[place] as SeriesSubject, unpackPoints(ring, bytes as Buffer, from, count))
    })
  }
  return found
}

/** The points of one subject, from one to before another; those that are not kept any more are null. */
export async function readPoints(
  store: Store,
  subject: SeriesSubject,
  step: SeriesStep,
  from: number,
  to: number,
): Promise<(Point | null)[]> {
  const ring = ringOf(step)
  const bytes = await store.getBuffer(keys.series(subject, step))
  return Array.from({ length: Math.max(0, to - from) }, (_, place) => {
    const index = from + place
    const at = offsetOf(ring, index)
    const point = bytes?.subarray(at, at + bytesOf(1)) ?? new Uint8Array()
    return unpackPoints(ring, point, index, 1)[0] ?? null
  })
}

/** The keys of all rings of a subject. */
export const seriesKeys = (subject: SeriesSubject): string[] => seriesSteps.map((step) => keys.series(subject, step))

/** Up to which point each coarser ring is made of the finer one. */
export async function loadRolledUp(store: Store): Promise<Partial<Record<SeriesStep, number>>> {
  const fields = await store.hgetall(keys.seriesRolledUp)
  return Object.fromEntries(Object.entries(fields).map(([step, index]) => [step, Number(index)]))
}

export async function saveRolledUp(store: Store, step: SeriesStep, index: number): Promise<void> {
  await store.hset(keys.seriesRolledUp, step, index)
}

function chunks<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / AT_ONCE) }, (_, n) => all.slice(n * AT_ONCE, (n + 1) * AT_ONCE))
}
