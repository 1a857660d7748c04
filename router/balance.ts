/** Which instance takes a request: of two drawn at random, the one with fewer requests in flight. */
import type { Endpoint } from '#core/domain/route.ts'

export type Choice = {
  endpoints: readonly Endpoint[]
  /** Endpoints that this request failed on already. */
  tried: readonly Endpoint[]
  inFlight: (endpoint: Endpoint) => number
  /** Refused a connection a moment ago; taken only when nothing else is left. */
  ejected: (endpoint: Endpoint) => boolean
  /** A number in [0, 1), anew for each call. */
  random: () => number
}

/**
 * Two random choices come close to always taking the least busy one, and several routers that do not know of each other
 * do not all run to the same instance.
 * @returns null when every endpoint was tried
 */
export function pickEndpoint({ endpoints, tried, inFlight, ejected, random }: Choice): Endpoint | null {
  const untried = tried.length === 0 ? endpoints : endpoints.filter((endpoint) => !tried.includes(endpoint))
  const healthy = untried.filter((endpoint) => !ejected(endpoint))
  const candidates = healthy.length > 0 ? healthy : untried
  const first = draw(candidates, random)
  const second = candidates.length > 2 ? draw(candidates, random) : candidates[candidates[0] === first ? 1 : 0]
  if (!first || !second) return first ?? null
  return inFlight(second) < inFlight(first) ? second : first
}

const draw = (candidates: readonly Endpoint[], random: () => number): Endpoint | undefined =>
  candidates[Math.floor(random() * candidates.length)]
