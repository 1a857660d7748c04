/**
 * How long requests took, as counts in buckets whose bounds grow by a fixed factor and never change: counts of several
 * routers, or of several stretches of time, are merged by adding them, and lose nothing by it.
 */

const FIRST_MS = 0.5
/** Buckets for each doubling. */
const PER_OCTAVE = 4
/** The last but one ends at some 12 minutes; the last has no end. */
export const LATENCY_BUCKETS = 84

/** A quantile is off by at most this part of itself, between half a millisecond and 12 minutes. */
export const QUANTILE_ERROR = 2 ** (1 / (2 * PER_OCTAVE)) - 1

export type Counts = readonly number[] | Uint32Array

/** @param ms how long it took */
export function bucketOf(ms: number): number {
  if (!(ms > FIRST_MS)) return 0
  return Math.min(LATENCY_BUCKETS - 1, Math.ceil(PER_OCTAVE * Math.log2(ms / FIRST_MS)))
}

/** The longest that falls into a bucket, in ms; the last one has none. */
export const upperBoundOf = (bucket: number): number => FIRST_MS * 2 ** (bucket / PER_OCTAVE)

/**
 * @param part 0.95 for the time that 95 % of the requests took at most
 * @returns ms, or null where nothing was counted
 */
export function quantile(counts: Counts, part: number): number | null {
  let total = 0
  for (const count of counts) total += count
  if (total === 0) return null
  const rank = Math.max(1, Math.ceil(part * total))
  let below = 0
  for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
    below += counts[bucket] ?? 0
    if (below >= rank) return middleOf(bucket)
  }
  return middleOf(LATENCY_BUCKETS - 1)
}

/** Halfway between its bounds, as factors go: off by the same part whichever end was meant. */
const middleOf = (bucket: number): number =>
  bucket === 0 ? FIRST_MS : upperBoundOf(bucket) / 2 ** (1 / (2 * PER_OCTAVE))
