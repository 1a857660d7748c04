/**
 * Time series as rings of points: the newest point of a ring takes the place of its oldest. A point says in which round it was
 * written, so that one that nobody wrote over is known for what it is. docs/metrics.md
 */

/**
 * THE list of what is kept of an app, a tenant, a host and the platform. Its order is that of the points in the store: append,
 * never reorder. Of a longer step, a `rate` is the average, a `gauge` the highest value, a `count` the sum.
 */
const series = {
  cpuMilli: 'gauge',
  memoryBytes: 'gauge',
  instances: 'gauge',
  requestsPerSecond: 'rate',
  errorsPerSecond: 'rate',
  p50Ms: 'gauge',
  p95Ms: 'gauge',
  bytesInPerSecond: 'rate',
  bytesOutPerSecond: 'rate',
  restarts: 'count',
} as const satisfies Record<string, 'gauge' | 'rate' | 'count'>

export type SeriesName = keyof typeof series
export const seriesNames = Object.keys(series) as [SeriesName, ...SeriesName[]]

/** What is known of one stretch of time; what is not is null or left out. */
export type Point = Partial<Record<SeriesName, number | null>>

export const seriesSteps = ['10s', '1m', '1h'] as const
export type SeriesStep = (typeof seriesSteps)[number]

/** How long a step is, how many are kept, and how many of the finer one make one. */
export type Ring = { step: SeriesStep; ms: number; points: number; finer: { step: SeriesStep; count: number } | null }

const rings: Record<SeriesStep, Ring> = {
  '10s': { step: '10s', ms: 10_000, points: 360, finer: null },
  '1m': { step: '1m', ms: 60_000, points: 24 * 60, finer: { step: '10s', count: 6 } },
  '1h': { step: '1h', ms: 3600_000, points: 30 * 24, finer: { step: '1m', count: 60 } },
}
export const ringOf = (step: SeriesStep): Ring => rings[step]

/** A point's number, counted from 1970. */
export const indexAt = ({ ms }: Pick<Ring, 'ms'>, at: number): number => Math.floor(at / ms)

// ── rolling up ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** One point of many: of those that are known. @returns null when nothing is */
export function rollUp(points: readonly (Point | null)[]): Point | null {
  const known = points.filter((point) => point !== null)
  if (known.length === 0) return null
  return Object.fromEntries(
    seriesNames.map((name) => {
      const values = known.map((point) => point[name] ?? null).filter((value) => value !== null)
      return [name, values.length === 0 ? null : together[series[name]](values)]
    }),
  )
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const together = {
  gauge: (values: readonly number[]) => Math.max(...values),
  rate: (values: readonly number[]) => sum(values) / values.length,
  count: sum,
}

// ── as the store holds them ──────────────────────────────────────────────────────────────────────────────────────────

/** Two bytes for the round, two for each value. */
const POINT_BYTES = 2 * (1 + seriesNames.length)
const ROUNDS = 0xffff

/** A ring in whole, in bytes. */
export const ringBytes = ({ points }: Pick<Ring, 'points'>): number => points * POINT_BYTES

/** Where in its ring a point lies. A row of points that a coarser one is made of is never torn by the ring's end. */
export const offsetOf = ({ points }: Pick<Ring, 'points'>, index: number): number => (index % points) * POINT_BYTES
export const bytesOf = (points: number): number => points * POINT_BYTES

/** Never 0, which is what a place holds that was never written. */
const roundOf = ({ points }: Pick<Ring, 'points'>, index: number): number => (Math.floor(index / points) % ROUNDS) + 1

export function packPoint(ring: Pick<Ring, 'points'>, index: number, point: Point): Uint8Array {
  const bytes = new Uint8Array(POINT_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, roundOf(ring, index))
  seriesNames.forEach((name, place) => view.setUint16(2 * (1 + place), toCode(point[name] ?? null)))
  return bytes
}

/**
 * @param bytes of a ring, from a point on
 * @param from the number of that point
 * @returns as many points as asked for; null for those that were not written
 */
export function unpackPoints(
  ring: Pick<Ring, 'points'>,
  bytes: Uint8Array,
  from: number,
  count: number,
): (Point | null)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: count }, (_, place) => {
    const at = place * POINT_BYTES
    if (at + POINT_BYTES > bytes.byteLength || view.getUint16(at) !== roundOf(ring, from + place)) return null
    return Object.fromEntries(
      seriesNames.map((name, column) => [name, fromCode(view.getUint16(at + 2 * (1 + column)))]),
    )
  })
}

/** Codes below it are null and zero. A doubling takes 1024 codes, from a thousandth to 2^52. */
const FIRST_CODE = 2
const PER_OCTAVE = 1024
const LEAST_OCTAVE = -10
const LAST_CODE = 0xffff

/** Off by a twentieth of a per cent at most, and then rounded: see fromCode. */
function toCode(value: number | null): number {
  if (value === null || !Number.isFinite(value) || value < 0) return 0
  const code = FIRST_CODE + Math.round((Math.log2(value) - LEAST_OCTAVE) * PER_OCTAVE)
  return code < FIRST_CODE ? 1 : Math.min(LAST_CODE, code)
}

/** To three digits below a thousand, where whole numbers stay what they were, and to four above. */
function fromCode(code: number): number | null {
  if (code < FIRST_CODE) return code === 0 ? null : 0
  const value = 2 ** ((code - FIRST_CODE) / PER_OCTAVE + LEAST_OCTAVE)
  return Number(value.toPrecision(value < 999.5 ? 3 : 4))
}
