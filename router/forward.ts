/** Sends a call to an instance of its app and copies the response back, both as they come; tries again where that is safe. */
import { PassThrough, type Duplex } from 'node:stream'
import type { AppRoute, Endpoint } from '#core/domain/route.ts'
import { pickEndpoint } from './balance.ts'
import { endResponse, isLast, resetConnection, type Call } from './call.ts'
import type { Head } from './gate.ts'
import { requestHeaders, responseHeaders } from './headers.ts'
import { MAX_INFORMATIONAL, MAX_TRIES, type Limits } from './limits.ts'
import { appFailed, notServing, type Answer } from './responses.ts'
import { openTunnel } from './tunnel.ts'
import type { Attempt, Outgoing, Receiver, Sending, Upstreams } from './upstream.ts'

export type ForwardContext = {
  upstreams: Upstreams
  limits: Limits
  /** Sockets of open WebSockets, to be cut when the router stops. */
  tunnels: Set<Duplex>
  draining: () => boolean
  /** ms of a clock that does not go back. */
  now: () => number
  random: () => number
}

/** @returns what to answer when no instance did, or null when the client has an answer, whole or cut, or left */
export async function forward(
  call: Call,
  head: Head,
  route: AppRoute,
  context: ForwardContext,
): Promise<Answer | null> {
  const { upstreams, now } = context
  const outgoing = outgoingOf(call, head)
  const tried: Endpoint[] = []
  let fresh = false
  let failed: Extract<Attempt, { kind: 'failed' }> | null = null
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const endpoint = pickEndpoint({
      endpoints: route.endpoints,
      tried,
      inFlight: (candidate) => upstreams.inFlight(candidate),
      ejected: (candidate) => upstreams.isEjected(candidate, now()),
      random: () => context.random(),
    })
    if (!endpoint) break
    const attempt = await attemptOn(endpoint, call, outgoing, context, fresh)
    if (attempt.kind !== 'failed') return conclude(call, attempt)
    failed = attempt
    if (!attempt.sent) tried.push(endpoint)
    else if (attempt.stale && !fresh && isRepeatable(call, head)) fresh = true
    else break
  }
  if (!failed) return notServing({ ...route, health: 'serving' })
  call.cause = failed.cause
  return appFailed(route, failed.code)
}

function outgoingOf(call: Call, head: Head): Outgoing {
  const { request } = call
  const headers = requestHeaders(request.rawHeaders, {
    clientAddress: call.clientAddress,
    proto: 'http',
    host: head.host,
    port: call.port,
    requestId: call.id,
    startedAt: call.startedAt,
  })
  if (head.framing.kind === 'length') headers.push('Content-Length', String(head.framing.bytes))
  return {
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers,
    body: head.framing.kind === 'none' ? null : bodyStream(),
  }
}

/** Not the request itself: undici destroys a body when it is done with it, and a request takes the client's socket along. */
function bodyStream(): PassThrough {
  // What goes wrong with a body is said by the attempt; here it only must not end the process.
  return new PassThrough().on('error', () => {})
}

/** RFC 9110 §9.2.2: without being asked, only what has the same effect twice. A body is gone once it was sent. */
const isRepeatable = (call: Call, head: Head): boolean =>
  head.framing.kind === 'none' && ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'].includes(call.request.method ?? '')

async function attemptOn(
  endpoint: Endpoint,
  call: Call,
  outgoing: Outgoing,
  context: ForwardContext,
  fresh: boolean,
): Promise<Attempt> {
  const { upstreams } = context
  if (call.response.destroyed) return { kind: 'aborted' }
  call.instanceId = endpoint.instanceId
  const endInFlight = upstreams.begin(endpoint)
  const copier = new Copier(call, outgoing, context)
  const sending =
    call.tunnelHead === null
      ? upstreams.send(endpoint, outgoing, copier, fresh)
      : upstreams.sendUpgrade(endpoint, outgoing, copier)
  copier.sending = sending
  const leave = () => sending.abort()
  call.response.once('close', leave)
  try {
    const attempt = await sending.done
    if (attempt.kind === 'failed' && !attempt.sent) upstreams.eject(endpoint, context.now())
    await copier.tunnel
    return attempt
  } finally {
    call.response.off('close', leave)
    endInFlight()
  }
}

function conclude(call: Call, attempt: Exclude<Attempt, { kind: 'failed' }>): null {
  if (attempt.kind === 'cut') {
    call.code = attempt.code
    call.cause = attempt.cause
    resetConnection(call)
  }
  if (attempt.kind === 'aborted') call.code ??= 'client-left'
  return null
}

/** Copies the response of one attempt to the client. */
class Copier implements Receiver {
  sending: Sending | null = null
  /** Set when the connection became a tunnel; resolved when that is closed. */
  tunnel: Promise<void> | null = null
  #call: Call
  #outgoing: Outgoing
  #context: ForwardContext
  #informational = 0
  #wrote = false

  constructor(call: Call, outgoing: Outgoing, context: ForwardContext) {
    this.#call = call
    this.#outgoing = outgoing
    this.#context = context
  }

  onSend(): void {
    const { request, response, head } = this.#call
    if (this.#outgoing.body === null) return
    // Only now is someone there to take the body; an app never sees the expectation, so this is the only 100.
    if (head?.expectsContinue) response.writeContinue()
    request.pipe(this.#outgoing.body)
  }

  onHead(status: number, raw: string[]): boolean {
    if (status < 200) return status >= 100 && status !== 101 && (this.#informational += 1) <= MAX_INFORMATIONAL
    const headers = status > 599 ? null : responseHeaders(status, raw)
    if (headers === null) return false
    if (isLast(this.#call, this.#context.draining())) {
      this.#call.connection.closing = true
      headers.push('Connection', 'close')
    }
    const { response } = this.#call
    try {
      response.writeHead(status, headers)
    } catch {
      return false
    }
    this.#call.status = status
    // A head goes out with the first bytes of its body when those are here already, else at once (events, long polling).
    process.nextTick(() => {
      if (!this.#wrote) response.flushHeaders()
    })
    return true
  }

  onData(chunk: Buffer): boolean {
    this.#wrote = true
    const { response } = this.#call
    if (response.write(chunk)) return true
    response.once('drain', () => this.sending?.resume())
    return false
  }

  onEnd(): void {
    this.#wrote = true
    endResponse(this.#call, this.#context.limits.lingerMs)
  }

  onUpgrade(raw: string[], socket: Duplex, head: Buffer): boolean {
    this.tunnel = openTunnel(this.#call, raw, socket, head, this.#context)
    return this.tunnel !== null
  }
}
