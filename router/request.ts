/** The story of a request, the same for every door it may come in by. */
import { logAccess } from './access-log.ts'
import type { Call, ClientEvents, Refused } from './call.ts'
import { Forwarder, type ForwardContext } from './forward.ts'
import type { RequestQuota } from './quota.ts'
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
import { isOwnHost, normaliseHost } from './table.ts'
import type { Usage } from './usage.ts'
import { fieldOf } from './wire/fields.ts'
import type { Log } from '#core/runtime/log.ts'

export type RequestContext = ForwardContext & {
  log: Log
  /** Whether each request is logged. */
  logsRequests: boolean
  /** How many routers serve now, this one included. */
  routers: () => number
  quota: RequestQuota
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

  // Where a request's bytes pass: the place to hold a tenant inside its bandwidth.
  body(call: Call, bytes: Buffer, from: number, to: number): void {
    call.bodyBytes += to - from
    if (call.bodyBytes > bodyLimitOf(call)) return this.#refuseBody(call, bodyTooLarge(call.route?.name ?? ''))
    call.app?.write(bytes, from, to)
  }

  bodyPause(call: Call): boolean {
    return call.app?.flush() ?? true
  }

  bodyEnd(call: Call, trailers: string): void {
    call.app?.endBody(trailers)
    call.app?.flush()
  }

  bodyFailed(call: Call, refused: Refused): void {
    this.#refuseBody(call, badRequest(refused))
  }

  drained(call: Call): void {
    call.app?.resume()
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
    const { usage, log, logsRequests, clock } = this.#context
    usage.settle(call)
    if (logsRequests) logAccess(log, call, clock.tick() - call.began)
    call.client.next(call)
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

function findRoute(call: Call, { routes }: RequestContext): Answer | null {
  call.host = normaliseHost(call.head.host)
  call.route = routes().find(call.host)
  return call.route || isHealthCheck(call) ? null : unknownHost(call.host)
}

/** Only where no app answers: a tenant's paths are the tenant's. */
const isHealthCheck = ({ head, host }: Call): boolean => head.target === HEALTH_PATH && isOwnHost(host)

function limitBody(call: Call): Answer | null {
  return call.head.body > bodyLimitOf(call) ? bodyTooLarge(call.route?.name ?? '') : null
}

const bodyLimitOf = ({ route }: Call): number => route?.settings.bodyLimitBytes ?? Infinity

function admit({ route }: Call, { quota, routes, routers, clock }: RequestContext): Answer | null {
  if (!route) return null
  const admission = quota.admit(route.tenantId, routes().quotaOf(route.tenantId).requests, routers(), clock.now)
  return admission.admitted ? null : quotaExceeded(route, admission.retryAfterSeconds)
}

function count(call: Call, { usage }: RequestContext): null {
  const { route } = call
  if (route) call.counters = usage.countRequest(route)
  return null
}

/** An app that is starting will have an instance soon enough to wait for it. */
function checkServing({ route }: Call): Answer | null {
  return route && route.endpoints.length === 0 && route.health !== 'starting' ? notServing(route) : null
}
