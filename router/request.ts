/** The story of a request. */
import { randomUUID } from 'node:crypto'
import type { AppRoute } from '#core/domain/route.ts'
import type { Log } from '#core/runtime/log.ts'
import { logAccess } from './access-log.ts'
import { endResponse, isLast, plainAddress, resetConnection, type Call, type Incoming } from './call.ts'
import { forward, type ForwardContext } from './forward.ts'
import { readHead } from './gate.ts'
import { refusalOf, tooManyUnknown } from './quota/answer.ts'
import type { Counters } from './counters.ts'
import type { Clients } from './quota/clients.ts'
import type { QuotaCode, Quotas, Standing } from './quota/quotas.ts'
import {
  badRequest,
  notServing,
  quotaExceeded,
  renderAnswer,
  routerError,
  unknownHost,
  type Answer,
} from './responses.ts'
import type { RefusalSampler } from './sampler.ts'
import { isOwnHost, normaliseHost, type Routes } from './table.ts'
import type { Usage } from './usage.ts'

export type RequestContext = ForwardContext & {
  log: Log
  routes: () => Routes
  quotas: Quotas
  clients: Clients
  counters: Counters
  refusals: RefusalSampler
  usage: Usage
}

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

  const route = (call.route = context.routes().find(call.host))
  if (!route) return isHealthCheck(call) ? giveHealth(call, context) : refuseUnknown(call, context)

  const refused = admit(call, route, context)
  if (refused) return refused
  context.usage.countRequest(route)
  call.row = context.counters.rowOf(route)
  context.counters.begin(call.row)

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
    admitted: null,
    row: 0,
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

/** Takes the request, and its connection, out of what tenant and app may; `finish` gives the request back. */
function admit(call: Call, route: AppRoute, { quotas, usage, counters, now }: RequestContext): Answer | null {
  const at = now()
  const standing = quotas.of(route, at)
  const kind = call.tunnelHead === null ? 'request' : 'webSocket'
  const code = attach(call, standing, quotas) ?? quotas.admit(standing, call.connection.client, kind, at)
  if (code === null) {
    call.admitted = { standing, kind }
    return null
  }
  usage.countRefusal(route, code)
  counters.refuse(counters.rowOf(route), code)
  return quotaExceeded(route, refusalOf(standing, code, quotas.retryAfterSeconds(standing, code, at)))
}

/** A connection counts as those of the app that its last request was for; one that becomes a WebSocket is no longer one. */
function attach({ connection, tunnelHead }: Call, standing: Standing, quotas: Quotas): QuotaCode | null {
  if (tunnelHead !== null) {
    if (connection.standing) quotas.detach(connection.standing)
    connection.standing = null
    return null
  }
  const code = quotas.attach(connection.standing, standing)
  if (code === null) connection.standing = standing
  else connection.closing = true
  return code
}

/** Hosts that nobody has are a client's own budget, so that no tenant pays for them. */
function refuseUnknown(call: Call, { clients, now }: RequestContext): Answer {
  if (clients.admitUnknown(call.connection.client, now())) return unknownHost(call.host)
  call.connection.closing = true
  return quotaExceeded(null, tooManyUnknown)
}

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

function finish(call: Call, context: RequestContext): void {
  const { usage, quotas, counters, now } = context
  const ms = now() - call.began
  usage.settle(call)
  if (call.status === 101 && call.route) usage.countWebSocket(call.route)
  if (call.admitted) {
    quotas.release(call.admitted.standing, call.admitted.kind)
    counters.end(call.row, call.status, ms)
  }
  call.connection.current = null
  log(call, ms, context)
}

/** Refusals are sampled: whoever floods the router must not flood its log. */
function log(call: Call, ms: number, { log: to, refusals, now }: RequestContext): void {
  if (call.code === null || call.admitted) return logAccess(to, call, ms)
  const { log: wanted, leftOut } = refusals.take(call.route?.name ?? '-', call.code, now())
  if (wanted) logAccess(to, call, ms, leftOut)
}
