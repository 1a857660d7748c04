/** The pools of all endpoints in the table, and of those that left it with requests still in flight. */
import type { InstanceId } from '#core/domain/ids.ts'
import type { AppRoute, Endpoint } from '#core/domain/route.ts'
import type { Clock } from '../clock.ts'
import { endpointKey, type Routes } from '../table.ts'
import { Pool } from './pool.ts'

export class Pools {
  #pools = new Map<string, Pool>()
  /** A route's pools, so that a request looks up one thing. A new table brings new routes. */
  #byRoute = new WeakMap<AppRoute, readonly Pool[]>()
  #routes: Routes
  #clock: Clock
  /** What instances answered whose pools have been closed since it was asked last. */
  #answered = new Map<InstanceId, number>()
  #onDrained: () => void

  /** @param onDrained called when the last request of an instance that left the table is over */
  constructor(routes: Routes, clock: Clock, onDrained: () => void) {
    this.#routes = routes
    this.#clock = clock
    this.#onDrained = onDrained
  }

  of(route: AppRoute): readonly Pool[] {
    const known = this.#byRoute.get(route)
    if (known) return known
    const pools = route.endpoints.map((endpoint) => this.#pool(endpoint))
    this.#byRoute.set(route, pools)
    return pools
  }

  /** Takes up a new table: pools of endpoints that left it are closed, now or when their last request is over. */
  useRoutes(routes: Routes): void {
    this.#routes = routes
    // An endpoint may have left and come back, so that what was known of a route is a pool that was closed.
    this.#byRoute = new WeakMap()
    for (const pool of this.#pools.values()) this.#closeIfUnused(pool)
  }

  begin(pool: Pool): void {
    pool.inFlight += 1
  }

  end(pool: Pool): void {
    pool.inFlight -= 1
    if (pool.inFlight > 0) return
    this.#closeIfUnused(pool)
    if (!this.#routes.hasInstance(pool.endpoint.instanceId)) this.#onDrained()
  }

  /** Requests in flight per instance that is no longer in the table. */
  draining(): Record<InstanceId, number> {
    const counts: Record<InstanceId, number> = {}
    for (const { endpoint, inFlight } of this.#pools.values())
      if (inFlight > 0 && !this.#routes.hasInstance(endpoint.instanceId))
        counts[endpoint.instanceId] = (counts[endpoint.instanceId] ?? 0) + inFlight
    return counts
  }

  /** How many requests each instance answered since the last time. */
  takeAnswered(): Map<InstanceId, number> {
    for (const pool of this.#pools.values()) this.#collect(pool)
    const taken = this.#answered
    this.#answered = new Map()
    return taken
  }

  sweep(now: number): void {
    for (const pool of this.#pools.values()) pool.sweep(now)
  }

  stop(): void {
    for (const pool of this.#pools.values()) {
      this.#collect(pool)
      pool.close()
    }
    this.#pools.clear()
  }

  #pool(endpoint: Endpoint): Pool {
    const key = endpointKey(endpoint)
    const existing = this.#pools.get(key)
    if (existing) return existing
    const pool = new Pool(endpoint, this.#clock.now)
    this.#pools.set(key, pool)
    return pool
  }

  #collect(pool: Pool): void {
    if (pool.answered === 0) return
    const { instanceId } = pool.endpoint
    this.#answered.set(instanceId, (this.#answered.get(instanceId) ?? 0) + pool.answered)
    pool.answered = 0
  }

  #closeIfUnused(pool: Pool): void {
    const key = endpointKey(pool.endpoint)
    // Nobody looks at a closed one any more, so what it answered after that is taken with each end.
    if (pool.closed) this.#collect(pool)
    if (pool.inFlight > 0 || this.#routes.hasEndpoint(key)) return
    this.#collect(pool)
    pool.close()
    if (this.#pools.get(key) === pool) this.#pools.delete(key)
  }
}
