/** The story of a request. */
import { randomUUID } from 'node:crypto'
import type { AppRoute } from '#core/domain/route.ts'
import type { Log } from '#core/runtime/log.ts'
import { logAccess } from './access-log.ts'
import { endResponse, isLast, resetConnection, type Call, type Incoming } from './call.ts'
import { forward, type ForwardContext } from './forward.ts'
import { readHead } from './gate.ts'
import { matchPassword } from './password.ts'
import { judge } from './policy.ts'
import type { RequestQuota } from './quota.ts'
import {
  badRequest,
  notServing,
  quotaExceeded,
  renderAnswer,
  routerError,
  secureAddress,
  turnedAway,
  unknownHost,
  type Answer,
} from './responses.ts'
import { isOwnHost, normaliseHost, type Routes } from './table.ts'
import type { Usage } from './usage.ts'

export type RequestContext = ForwardContext & {
  log: Log
  routes: () => Routes
  /** How many routers serve now, this one included. */
  routers: () => number
  quota: RequestQuota
  usage: Usage
}

/** This door speaks plain HTTP; HTTPS is where a browser looks for it. */
const HTTPS_PORT = 443
const HEALTH_PATH = '/.well-known/berth/health'

/** Serves one request to its end, whatever becomes of it. Never rejects. */
export async function serve(incoming: Incoming, context: RequestContext): Promise<void> {
  const call = identify(incoming)
  try {
    const answer = await run(call, context)
    if (answer) give(call, answer, context)
  } catch (error) {
    context.log.error('request failed in the router', { error, requestId: call.id })
    call.cause = error
    give(call, routerError(), context)
  }
  await call.over
  finish(call, context)
}

/** @returns what the router answers itself, or null when the answer is on its way */
async function run(call: Call, context: RequestContext): Promise<Answer | null> {
  const verdict = readHead({
    method: call.request.method ?? '',
    target: call.request.url ?? '',
    version: call.request.httpVersion,
    headers: call.request.rawHeaders,
  })
  if (!verdict.ok) return badRequest(verdict.refusal)
  const head = (call.head = verdict.head)
  call.host = normaliseHost(head.host)

  const route = (call.route = context.routes().find(call.host, call.request.url ?? '/'))
  if (!route) return isHealthCheck(call) ? giveHealth(call, context) : unknownHost(call.host)

  const ruling = judge(route.settings, factsOf(call), matchPassword)
  if (ruling) return turnedAway(route, ruling, secureAddress(call.host, HTTPS_PORT, call.request.url ?? '/'))

  const admission = admit(route, context)
  if (!admission.admitted) return quotaExceeded(route, admission.retryAfterSeconds)
  context.usage.countRequest(route)

  if (route.endpoints.length === 0) return notServing(route)
  return forward(call, head, route, context)
}

function identify(incoming: Incoming): Call {
  const { request, response, connection, tunnelHead } = incoming
  const call: Call = {
    ...incoming,
    id: randomUUID(),
    clientAddress: plainAddress(connection.socket.remoteAddress),
    port: connection.socket.localPort ?? 0,
    startedAt: Date.now(),
    began: performance.now(),
    host: '',
    head: null,
    route: null,
    instanceId: null,
    status: 0,
    code: null,
    cause: null,
    bytesOut: 0,
    // A response that became a tunnel never closes; its socket does.
    over: new Promise((resolve) => (tunnelHead === null ? response : connection.socket).once('close', () => resolve())),
  }
  connection.current = call
  // A client that goes away is an event on the response; here it only must not end the process.
  request.on('error', () => {})
  response.on('error', () => {})
  return call
}

/** An IPv4 client of a socket that listens on IPv6 has an address such as ::ffff:192.0.2.1. */
const plainAddress = (address = 'unknown'): string => address.replace(/^::ffff:(?=\d+\.)/, '')

const factsOf = ({ request, clientAddress }: Call) => ({
  secure: false,
  clientAddress,
  authorization: request.headers.authorization ?? null,
})

const admit = (route: AppRoute, { quota, routes, routers, now }: RequestContext) =>
  quota.admit(route.tenantId, routes().quotaOf(route.tenantId).requests, routers(), now())

/** Only where no app answers: a tenant's paths are the tenant's. */
const isHealthCheck = ({ request, host }: Call): boolean => request.url === HEALTH_PATH && isOwnHost(host)

function giveHealth(call: Call, context: RequestContext): null {
  write(call, 200, ['Content-Type', 'text/plain', 'Content-Length', '3', 'Cache-Control', 'no-store'], 'ok\n', context)
  return null
}

function give(call: Call, answer: Answer, context: RequestContext): void {
  call.code = answer.code
  if (call.response.destroyed) return
  if (call.response.headersSent) return resetConnection(call)
  const { headers, body } = renderAnswer(answer, call.request.headers.accept ?? '', call.id)
  write(call, answer.status, headers, body, context)
}

function write(
  call: Call,
  status: number,
  headers: string[],
  body: string,
  { draining, limits }: RequestContext,
): void {
  if (isLast(call, draining())) {
    call.connection.closing = true
    headers = [...headers, 'Connection', 'close']
  }
  call.status = status
  call.response.writeHead(status, headers)
  call.response.write(body)
  endResponse(call, limits.lingerMs)
}

function finish(call: Call, { usage, log }: RequestContext): void {
  usage.settle(call)
  call.connection.current = null
  logAccess(log, call, performance.now() - call.began)
}
