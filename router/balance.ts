/** Which instance takes a request: of two drawn at random, the one with fewer requests in flight. */

/** What is known of an instance when one is chosen. */
export type Candidate = {
  inFlight: number
  /** Refused a connection a moment ago, so taken only when nothing else is left; ms. */
  ejectedUntil: number
  /** When it came; ms. */
  since: number
}

export type Terms = {
  /** In flight on one instance: above `soft` others are preferred, at `hard` it takes no more. */
  concurrency: { soft: number; hard: number } | null
  slowStartMs: number
  now: number
  /** A number in [0, 1), anew for each call. */
  random: () => number
}

/** There are instances, but each has as much as it may have. */
export const FULL = 'full'

/**
 * Two random choices come close to always taking the least busy one, and several routers that do not know of each other
 * do not all run to the same instance.
 * @param tried those that this request failed on already
 * @returns null when every candidate was tried
 */
export function choose<T extends Candidate>(
  candidates: readonly T[],
  tried: readonly T[] | null,
  terms: Terms,
): T | typeof FULL | null {
  const only = candidates[0]
  // Most apps have one instance, and then there is nothing to weigh.
  if (candidates.length === 1 && only && tried === null) return hasRoom(only, terms) ? only : FULL
  return chooseOf(tried === null ? candidates : candidates.filter((candidate) => !tried.includes(candidate)), terms)
}

function chooseOf<T extends Candidate>(candidates: readonly T[], terms: Terms): T | typeof FULL | null {
  if (candidates.length === 0) return null
  const free = candidates.filter((candidate) => hasRoom(candidate, terms))
  if (free.length === 0) return FULL
  const { concurrency, now } = terms
  const healthy = preferred(free, ({ ejectedUntil }) => ejectedUntil <= now)
  const calm = concurrency ? preferred(healthy, ({ inFlight }) => inFlight < concurrency.soft) : healthy
  return lessBusy(calm, terms)
}

/** Whether an instance has less in flight than it may have at most. */
export const hasRoom = ({ inFlight }: Candidate, { concurrency }: Terms): boolean =>
  concurrency === null || inFlight < concurrency.hard

/** Those that are as wished, or all when none is. */
function preferred<T>(candidates: readonly T[], wish: (candidate: T) => boolean): readonly T[] {
  const some = candidates.filter(wish)
  return some.length > 0 ? some : candidates
}

function lessBusy<T extends Candidate>(candidates: readonly T[], terms: Terms): T {
  const first = draw(candidates, terms.random)
  if (candidates.length === 1) return first
  const other = candidates.length === 2 ? candidates[candidates[0] === first ? 1 : 0] : draw(candidates, terms.random)
  return other && isBetter(other, first, terms) ? other : first
}

function isBetter(one: Candidate, other: Candidate, terms: Terms): boolean {
  const oneWarm = warmth(one, terms)
  const otherWarm = warmth(other, terms)
  // A fresh instance is given the chance of a part only, whatever it has: an empty one would otherwise get everything.
  if (oneWarm < otherWarm && terms.random() >= oneWarm) return false
  if (otherWarm < oneWarm && terms.random() >= otherWarm) return true
  return one.inFlight < other.inFlight
}

const LEAST_WARMTH = 0.1

/** From almost nothing for an instance that just came, rising to 1. */
const warmth = ({ since }: Candidate, { now, slowStartMs }: Terms): number =>
  slowStartMs <= 0 ? 1 : Math.min(1, Math.max(LEAST_WARMTH, (now - since) / slowStartMs))

const draw = <T>(candidates: readonly T[], random: () => number): T =>
  candidates[Math.floor(random() * candidates.length)] as T
