/** The story of a request, the same for every door it may come in by. */
import { logAccess } from './access-log.ts'
import type { Call, ClientEvents, Refused } from './call.ts'
import { Forwarder, type ForwardContext } from './forward.ts'
import type { Counters } from './counters.ts'
import { refusalOf, tooManyUnknown } from './quota/answer.ts'
import type { Guests } from './quota/guests.ts'
import type { Quotas } from './quota/quotas.ts'
import { nextRequestId } from './request-id.ts'
import {
  badRequest,
  bodyTooLarge,
  notServing,
  quotaExceeded,
  renderAnswer,
  routerError,
  unknownHost,
  type Answer,
} from './responses.ts'
import type { RefusalSampler } from './sampler.ts'
import { isOwnHost, normaliseHost } from './table.ts'
import type { Usage } from './usage.ts'
import { fieldOf } from './wire/fields.ts'
import type { Log } from '#core/runtime/log.ts'

export type RequestContext = ForwardContext & {
  log: Log
  /** Whether each request is logged. */
  logsRequests: boolean
  quotas: Quotas
  guests: Guests
  counters: Counters
  refusals: RefusalSampler
  usage: Usage
  /** Whether load balancers may send new clients here. */
  ready: () => boolean
}

const HEALTH_PATH = '/.well-known/berth/health'

/**
 * The story itself, in its order. Each step may end it with an answer of the router's own; each is synchronous: nothing about a
 * request waits for anything but its app.
 */
function judge(call: Call, context: RequestContext): Answer | null {
  return (
    findRoute(call, context) ?? limitBody(call) ?? admit(call, context) ?? count(call, context) ?? checkServing(call)
  )
}

export class Requests implements ClientEvents {
  readonly #context: RequestContext
  readonly forwarder: Forwarder

  constructor(context: RequestContext) {
    this.#context = context
    this.forwarder = new Forwarder(context, this)
  }

  begin(call: Call): void {
    identify(call, this.#context)
    try {
      const answer = call.refused ? badRequest(call.refused) : judge(call, this.#context)
      if (answer) this.answer(call, answer)
      else if (call.route) this.forwarder.start(call)
      else this.#giveHealth(call)
    } catch (error) {
      this.#onMistake(call, error)
    }
  }

  body(call: Call, bytes: Buffer, from: number, to: number): void {
    call.bodyBytes += to - from
    if (call.bodyBytes > bodyLimitOf(call)) return this.#refuseBody(call, bodyTooLarge(call.route?.name ?? ''))
    call.app?.write(bytes, from, to)
  }

  bodyPause(call: Call): boolean {
    const taken = call.app?.flush() ?? true
    return this.#context.pacer.mayRead(call, goOn) && taken
  }

  bodyEnd(call: Call, trailers: string): void {
    call.app?.endBody(trailers)
    call.app?.flush()
  }

  bodyFailed(call: Call, refused: Refused): void {
    this.#refuseBody(call, badRequest(refused))
  }

  drained(call: Call): void {
    if (!call.pausedOut) call.app?.resume()
  }

  left(call: Call): void {
    call.code ??= 'client-left'
    this.finish(call)
  }

  /** Answers a call that no app answers. */
  answer(call: Call, answer: Answer): void {
    call.code = answer.code
    const { headers, body } = renderAnswer(answer, fieldOf(call.head.fields, 'accept') ?? '', call.id)
    this.#write(call, answer.status, headers, body)
  }

  /** The call is over: into the books with it. */
  finish(call: Call): void {
    if (call.over) return
    call.over = true
    this.forwarder.leave(call)
    const { usage, clock } = this.#context
    const ms = clock.tick() - call.began
    usage.settle(call)
    const admitted = call.standing !== null
    this.#release(call, ms)
    if (this.#context.logsRequests) this.#log(call, ms, admitted)
    call.client.next(call)
  }

  #release(call: Call, ms: number): void {
    const { standing, route } = call
    if (standing === null) return
    const { quotas, counters, pacer, usage } = this.#context
    pacer.settle(call)
    call.standing = null
    quotas.release(standing, call.kind)
    counters.end(call.row, call.status, ms)
    if (call.status === 101 && route) usage.countWebSocket(route)
  }

  /** Refusals are sampled: whoever floods the router must not flood its log (Q08). */
  #log(call: Call, ms: number, admitted: boolean): void {
    const { log, refusals, clock } = this.#context
    if (call.code === null || admitted) return logAccess(log, call, ms)
    const { log: wanted, leftOut } = refusals.take(call.route?.name ?? '-', call.code, clock.now)
    if (wanted) logAccess(log, call, ms, leftOut)
  }

  /** What is wrong with a body is only known when a part of it is with the app. */
  #refuseBody(call: Call, answer: Answer): void {
    call.app?.abort()
    if (call.status === 0) return this.answer(call, answer)
    call.code = answer.code
    call.client.reset(call)
    this.finish(call)
  }

  #giveHealth(call: Call): void {
    const [status, body] = this.#context.ready() ? ([200, 'ok\n'] as const) : ([503, 'draining\n'] as const)
    this.#write(call, status, ['Content-Type', 'text/plain', 'Cache-Control', 'no-store'], body)
  }

  #write(call: Call, status: number, headers: string[], body: string): void {
    const bytes = Buffer.from(body)
    let fields = ''
    for (let i = 0; i + 1 < headers.length; i += 2)
      if (headers[i] !== 'Content-Length') fields += `${headers[i]}: ${headers[i + 1]}\r\n`
    call.status = status
    call.client.respond(call, status, fields, bytes.length)
    call.client.data(call, bytes, 0, bytes.length)
    call.client.end(call, '')
    this.finish(call)
  }

  /** Ours, not the app's and not the client's: said in the log, and the connection is not trusted any further. */
  #onMistake(call: Call, error: unknown): void {
    this.#context.log.error('request failed in the router', { error, requestId: call.id })
    call.cause = error
    if (call.over) return
    if (call.status === 0) return this.answer(call, routerError())
    call.client.reset(call)
    this.finish(call)
  }
}

function identify(call: Call, { clock }: RequestContext): void {
  call.id = nextRequestId()
  call.began = clock.tick()
}

function findRoute(call: Call, context: RequestContext): Answer | null {
  call.host = normaliseHost(call.head.host)
  call.route = context.routes().find(call.host)
  return call.route || isHealthCheck(call) ? null : refuseUnknown(call, context)
}

/** Hosts that nobody has are a client's own budget, so that no tenant pays for them (Q04). */
function refuseUnknown(call: Call, { guests }: RequestContext): Answer {
  if (guests.admitUnknown(call.client.origin.guest)) return unknownHost(call.host)
  call.last = true
  return quotaExceeded(null, tooManyUnknown)
}

/** Only where no app answers: a tenant's paths are the tenant's. */
const isHealthCheck = ({ head, host }: Call): boolean => head.target === HEALTH_PATH && isOwnHost(host)

function limitBody(call: Call): Answer | null {
  return call.head.body > bodyLimitOf(call) ? bodyTooLarge(call.route?.name ?? '') : null
}

const bodyLimitOf = ({ route }: Call): number => route?.settings.bodyLimitBytes ?? Infinity

/** Takes the request, and its connection, out of what tenant and app may; the end of the call gives the request back. */
function admit(call: Call, { quotas, guests, usage, counters, clock }: RequestContext): Answer | null {
  const { route, head, client } = call
  if (!route) return null
  const { guest } = client.origin
  const standing = quotas.of(route, clock.now)
  const kind = head.upgrade === 'websocket' ? 'webSocket' : 'request'
  const crowded = guests.attach(guest, standing, kind)
  const refused = crowded ?? quotas.admit(standing, guest.client, kind, clock.now)
  if (refused === null) {
    call.standing = standing
    call.kind = kind
    return null
  }
  call.last = crowded !== null
  usage.countRefusal(route, refused)
  counters.refuse(counters.rowOf(route), refused)
  return quotaExceeded(route, refusalOf(standing, refused, quotas.retryAfterSeconds(standing, refused, clock.now)))
}

function count(call: Call, { usage, counters }: RequestContext): null {
  const { route } = call
  if (!route) return null
  call.counters = usage.countRequest(route)
  call.row = counters.rowOf(route)
  counters.begin(call.row)
  return null
}

/** An app that is starting will have an instance soon enough to wait for it. */
function checkServing({ route }: Call): Answer | null {
  return route && route.endpoints.length === 0 && route.health !== 'starting' ? notServing(route) : null
}

/** The tenant has bandwidth again; whether the app keeps up is its own matter. */
function goOn(call: Call): void {
  if (call.app?.flush() ?? true) call.client.resumeBody(call)
}
