/** Sends a call to an instance of its app and copies the response back, both as they come; tries again where that is safe. */
import { hash } from 'node:crypto'
import type { AppRoute, Endpoint } from '#core/domain/route.ts'
import { AppConnection, type AppContext } from './app/connection.ts'
import { sendH2c } from './app/h2c.ts'
import type { Pool } from './app/pool.ts'
import type { Pools } from './app/pools.ts'
import { choose, FULL, hasRoom, type Terms } from './balance.ts'
import type { AppEvents, Call, Failure } from './call.ts'
import type { Clock } from './clock.ts'
import type { Held } from './held.ts'
import { MAX_INFORMATIONAL, MAX_TRIES, type Limits } from './limits.ts'
import type { Pacer } from './quota/pacer.ts'
import { appFailed, noWebSocket, notServing, type Answer } from './responses.ts'
import { stickyCookie, stickyEndpoint } from './sticky.ts'
import type { Routes } from './table.ts'
import type { Usage } from './usage.ts'
import { fieldOf, lineOf } from './wire/fields.ts'
import { NO_BODY } from './wire/framing.ts'
import type { ResponseHead } from './wire/response-head.ts'

export type ForwardContext = {
  pools: Pools
  held: Held
  pacer: Pacer
  clock: Clock
  limits: Limits
  random: () => number
  routes: () => Routes
  usage: Usage
  onMistake: (error: unknown) => void
  /** Connections to apps that are open. */
  apps: Set<AppConnection>
}

/** The rest of a call's story. */
export type Endings = {
  /** The router answers itself. */
  answer(call: Call, answer: Answer): void
  /** The call has its answer, whole or cut, or nobody is there for it. */
  finish(call: Call): void
}

export class Forwarder implements AppEvents {
  readonly #context: ForwardContext
  readonly #endings: Endings
  readonly #app: AppContext
  /** The same object for each choice. */
  readonly #terms: Terms

  constructor(context: ForwardContext, endings: Endings) {
    this.#context = context
    this.#endings = endings
    const { clock, limits, random, apps, onMistake } = context
    this.#app = { events: this, clock, limits, live: apps, onMistake }
    this.#terms = { concurrency: null, slowStartMs: limits.slowStartMs, now: 0, random }
  }

  /** @param call with a route */
  start(call: Call): void {
    const route = call.route as AppRoute
    if (route.settings.protocol === 'h2c' && call.head.upgrade === 'websocket')
      return this.#endings.answer(call, noWebSocket(route.name))
    const pools = this.#context.pools.of(route)
    if (pools.length === 0) return this.#withoutInstance(call, route)
    const terms = this.#terms
    terms.now = this.#context.clock.now
    terms.concurrency = route.settings.concurrency
    const pool = this.#usual(call, route, pools) ?? choose(pools, call.tried, terms)
    if (pool === FULL) return this.#hold(call, route)
    if (pool === null) return this.#giveUp(call, route)
    this.#attempt(call, pool)
  }

  /** Looks again for those that wait, since the table is a new one. */
  useRoutes(): void {
    if (this.#context.held.isEmpty) return
    for (const call of this.#context.held.takeAll()) this.#again(call)
  }

  sweep(now: number): void {
    if (this.#context.held.isEmpty) return
    for (const call of this.#context.held.takeLate(now)) this.#giveUp(call, call.route as AppRoute)
  }

  /** Nobody waits for the call any more. */
  leave(call: Call): void {
    if (call.heldUntil > 0 && call.route) this.#context.held.remove(call.route.appId, call)
    call.app?.abort()
    this.#release(call)
  }

  sent(call: Call): void {
    if (call.received) call.app?.endBody('')
    else call.client.readBody(call)
  }

  informed(call: Call, { status, fields }: ResponseHead): boolean {
    if ((call.informational += 1) > MAX_INFORMATIONAL) return false
    // The one 100 that a client gets is said by whoever reads its body (H58).
    if (status !== 100) call.client.inform(call, status, fields)
    return true
  }

  responded(call: Call, { status, fields, body }: ResponseHead): boolean {
    call.status = status
    if (call.pool) call.pool.answered += 1
    call.client.respond(call, status, call.route?.settings.sticky ? fields + stickyLine(call) : fields, body)
    return true
  }

  switched(call: Call, { fields, upgrade }: ResponseHead): boolean {
    if (call.head.upgrade !== 'websocket' || upgrade !== 'websocket') return false
    call.status = 101
    // Now, not at its end: one that stays open for days is use of today.
    if (call.route) this.#context.usage.countWebSocket(call.route)
    call.client.upgrade(call, fields)
    return true
  }

  data(call: Call, bytes: Buffer, from: number, to: number): void {
    call.answerBytes += to - from
    call.client.data(call, bytes, from, to)
  }

  dataPause(call: Call): void {
    const taken = call.client.flush(call)
    if (!this.#context.pacer.mayAnswer(call, goOn) || !taken) call.app?.pause()
  }

  ended(call: Call, trailers: string): void {
    call.client.end(call, trailers)
    this.#release(call)
    this.#endings.finish(call)
  }

  appDrained(call: Call): void {
    if (!call.pausedIn) call.client.resumeBody(call)
  }

  failed(call: Call, failure: Failure): void {
    const pool = call.pool
    this.#release(call)
    call.cause = failure.cause
    if (call.status > 0) return this.#cut(call, failure)
    call.failure = failure.code
    if (!failure.sent && pool) {
      pool.ejectedUntil = this.#context.clock.now + this.#context.limits.ejectMs
      call.tried = [...(call.tried ?? []), pool]
    } else if (failure.refused && call.bodyBytes === 0) {
      // What may still come of the body waits for the next attempt.
      if (!call.received) call.client.pauseBody(call)
    } else if (failure.stale && !call.fresh && isRepeatable(call)) call.fresh = true
    else return this.#giveUp(call, call.route as AppRoute)
    if (call.tries >= MAX_TRIES) return this.#giveUp(call, call.route as AppRoute)
    this.start(call)
  }

  #attempt(call: Call, pool: Pool): void {
    const { pools, clock } = this.#context
    pools.begin(pool)
    call.pool = pool
    call.instanceId = pool.endpoint.instanceId
    call.tries += 1
    if (call.route?.settings.protocol === 'h2c') return sendH2c(pool, call, this.#app)
    const kept = call.fresh ? null : pool.take(clock.now)
    if (kept === null) {
      call.app = new AppConnection(pool, call, this.#app)
      return
    }
    call.app = kept
    kept.send(call)
  }

  /** Where the client's cookie says that it was before, if it can be there again. */
  #usual(call: Call, route: AppRoute, pools: readonly Pool[]): Pool | null {
    if (!route.settings.sticky || call.tried !== null) return null
    const endpoint = usualEndpoint(call, route)
    const pool = endpoint === null ? undefined : pools.find((each) => isSameEndpoint(each.endpoint, endpoint))
    if (pool === undefined || pool.ejectedUntil > this.#context.clock.now) return null
    return hasRoom(pool, this.#terms) ? pool : null
  }

  #withoutInstance(call: Call, route: AppRoute): void {
    if (route.health === 'starting') return this.#hold(call, route)
    this.#endings.answer(call, notServing(route))
  }

  #hold(call: Call, route: AppRoute): void {
    const { held, clock, limits } = this.#context
    // Who waited before has waited enough for one request.
    const until = call.heldUntil > 0 ? call.heldUntil : clock.now + limits.heldMs
    if (until <= clock.now || !held.hold(route.appId, call, until)) this.#giveUp(call, route)
  }

  #again(call: Call): void {
    const route = this.#context.routes().find(call.host, call.head.target)
    // Whose host it is may have changed; then the call is not the new app's to pay for.
    if (route === null || route.appId !== call.route?.appId) return this.#giveUp(call, call.route as AppRoute)
    call.route = route
    this.start(call)
  }

  #giveUp(call: Call, route: AppRoute): void {
    if (call.failure) return this.#endings.answer(call, appFailed(route, call.failure))
    this.#endings.answer(call, notServing(route.endpoints.length > 0 ? { ...route, health: 'serving' } : route))
  }

  #cut(call: Call, { code }: Failure): void {
    call.code = code
    call.client.reset(call)
    this.#endings.finish(call)
  }

  /** Ends the attempt: the instance has one request less, and may have room for one that waits. */
  #release(call: Call): void {
    const pool = call.pool
    if (pool === null) return
    call.pool = null
    call.app = null
    this.#context.pools.end(pool)
    if (this.#context.held.isEmpty || !call.route) return
    const next = this.#context.held.takeFirst(call.route.appId)
    if (next) this.#again(next)
  }
}

const digest = (text: string): string => hash('sha256', text)

const usualEndpoint = ({ head }: Call, { appId, endpoints }: AppRoute): Endpoint | null =>
  stickyEndpoint(appId, endpoints, fieldOf(head.fields, 'cookie'), digest)

/** Tells a client that was elsewhere, or nowhere, before. */
function stickyLine(call: Call): string {
  const { route, pool, origin } = call
  if (route === null || pool === null) return ''
  const known = usualEndpoint(call, route)
  if (known !== null && isSameEndpoint(known, pool.endpoint)) return ''
  return lineOf('Set-Cookie', stickyCookie(route.appId, pool.endpoint, origin.secure, digest))
}

const isSameEndpoint = (one: Endpoint, other: Endpoint): boolean =>
  one.instanceId === other.instanceId && one.epoch === other.epoch

/** The tenant has bandwidth again; whether the client keeps up is its own matter. */
function goOn(call: Call): void {
  if (call.client.flush(call)) call.app?.resume()
}

/** RFC 9110 §9.2.2: without being asked, only what has the same effect twice. A body is gone once it was sent. */
const isRepeatable = ({ head }: Call): boolean =>
  head.body === NO_BODY && head.method !== 'POST' && head.method !== 'PATCH'
