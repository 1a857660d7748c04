/**
 * Connections to instances, and the count of what is in flight on each.
 *
 * A pool belongs to one endpoint (an instance at one epoch), and is closed when that leaves the table and its last
 * request is over: an address that the platform gives to another instance is never reached through an old connection.
 */
import type { EventEmitter } from 'node:events'
import { request as httpRequest, type ClientRequest } from 'node:http'
import type { Duplex } from 'node:stream'
import { Client, errors, type Dispatcher } from 'undici'
import type { InstanceId } from '#core/domain/ids.ts'
import type { Endpoint } from '#core/domain/route.ts'
import { MAX_HEAD_BYTES, type Limits } from './limits.ts'
import type { FailureCode } from './responses.ts'
import { endpointKey, type Routes } from './table.ts'

/** A request for an app: all fields are final but the connection's own, which is set here. */
export type Outgoing = {
  method: string
  path: string
  /** Names and values alternating; Content-Length is here when the body has a length. */
  headers: string[]
  body: Duplex | null
}

/** Where a response goes, piece by piece. A method may throw: then the attempt ends as a bad response. */
export type Receiver = {
  /** The request is about to be written; until now, nothing was sent and the body was not touched. */
  onSend(): void
  /** @returns false when this is no response to pass on; called again after an informational (1xx) one */
  onHead(status: number, headers: string[]): boolean
  /** @returns false to be sent nothing more until `resume` */
  onData(chunk: Buffer): boolean
  onEnd(): void
  /** Only for an upgrade: the app's 101. @returns false when this is none to pass on */
  onUpgrade?(headers: string[], socket: Duplex, head: Buffer): boolean
}

/** How an attempt on one endpoint ended. */
export type Attempt =
  | { kind: 'answered' }
  | { kind: 'upgraded' }
  /**
   * Nothing was passed on to the receiver. `sent` is whether the app may have seen the request; `stale` is whether it
   * was sent on a connection kept from earlier, which ended without a byte of response.
   */
  | { kind: 'failed'; code: FailureCode; sent: boolean; stale: boolean; cause: unknown }
  /** It failed after a part of the response was passed on. */
  | { kind: 'cut'; code: FailureCode; cause: unknown }
  | { kind: 'aborted' }

export type Sending = { done: Promise<Attempt>; resume(): void; abort(): void }

export class Upstreams {
  #pools = new Map<string, Pool>()
  #limits: Limits
  #onDrained: () => void
  #routes: Routes

  /** @param onDrained called when the last request of an endpoint that left the table is over */
  constructor(limits: Limits, routes: Routes, onDrained: () => void) {
    this.#limits = limits
    this.#routes = routes
    this.#onDrained = onDrained
  }

  /** Takes up a new table: pools of endpoints that left it are closed, now or when their last request is over. */
  useRoutes(routes: Routes): void {
    this.#routes = routes
    for (const pool of this.#pools.values()) this.#closeIfUnused(pool)
  }

  inFlight(endpoint: Endpoint): number {
    return this.#pools.get(endpointKey(endpoint))?.inFlight ?? 0
  }

  /** Requests in flight per instance that is no longer in the table. */
  draining(): Record<InstanceId, number> {
    const counts: Record<InstanceId, number> = {}
    for (const { endpoint, inFlight } of this.#pools.values()) {
      if (inFlight > 0 && !this.#routes.hasInstance(endpoint.instanceId))
        counts[endpoint.instanceId] = (counts[endpoint.instanceId] ?? 0) + inFlight
    }
    return counts
  }

  isEjected(endpoint: Endpoint, now: number): boolean {
    return (this.#pools.get(endpointKey(endpoint))?.ejectedUntil ?? 0) > now
  }

  eject(endpoint: Endpoint, now: number): void {
    this.#pool(endpoint).ejectedUntil = now + this.#limits.ejectMs
  }

  /** Counts a request as in flight on an endpoint until the returned function is called, at any moment, once. */
  begin(endpoint: Endpoint): () => void {
    const pool = this.#pool(endpoint)
    pool.inFlight += 1
    return () => {
      pool.inFlight -= 1
      this.#closeIfUnused(pool)
      if (pool.inFlight === 0 && !this.#routes.hasInstance(endpoint.instanceId)) this.#onDrained()
    }
  }

  /** Sends a request on a connection of its own kind: one at a time. @param fresh on a new connection */
  send(endpoint: Endpoint, outgoing: Outgoing, receiver: Receiver, fresh: boolean): Sending {
    return sendOn(this.#pool(endpoint), outgoing, receiver, fresh, this.#limits)
  }

  /** Sends a request to upgrade, on a connection that is used for nothing else. */
  sendUpgrade(endpoint: Endpoint, outgoing: Outgoing, receiver: Receiver): Sending {
    return upgradeOn(endpoint, outgoing, receiver, this.#limits)
  }

  async stop(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.flatMap((pool) => [...pool.connections].map((connection) => connection.client.destroy())))
  }

  #pool(endpoint: Endpoint): Pool {
    const key = endpointKey(endpoint)
    const existing = this.#pools.get(key)
    if (existing) return existing
    const pool: Pool = {
      endpoint,
      idle: [],
      connections: new Set(),
      inFlight: 0,
      ejectedUntil: 0,
      closed: false,
    }
    this.#pools.set(key, pool)
    return pool
  }

  #closeIfUnused(pool: Pool): void {
    const key = endpointKey(pool.endpoint)
    if (pool.inFlight > 0 || this.#routes.hasEndpoint(key)) return
    pool.closed = true
    if (this.#pools.get(key) === pool) this.#pools.delete(key)
    for (const connection of pool.idle.splice(0)) discard(pool, connection)
  }
}

type Pool = {
  endpoint: Endpoint
  /** The last one used is the next one taken, so that the others may time out. */
  idle: Connection[]
  connections: Set<Connection>
  inFlight: number
  ejectedUntil: number
  closed: boolean
}

/** An undici client holds one connection, made when it is first needed. */
type Connection = { client: Client; leased: boolean; served: number }

function lease(pool: Pool, fresh: boolean, limits: Limits): Connection {
  const connection = (fresh ? undefined : pool.idle.pop()) ?? connect(pool, limits)
  connection.leased = true
  return connection
}

function connect(pool: Pool, limits: Limits): Connection {
  const { host, port } = pool.endpoint
  const client = new Client(`http://${host.includes(':') ? `[${host}]` : host}:${port}`, {
    pipelining: 1,
    maxHeaderSize: MAX_HEAD_BYTES,
    headersTimeout: limits.firstByteMs,
    bodyTimeout: limits.idleMs,
    connectTimeout: limits.connectMs,
    // Shorter than the five seconds after which Node apps close: who closes first decides whether a request is lost.
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 60_000,
  })
  const connection: Connection = { client, leased: true, served: 0 }
  client.on('connect', () => {
    connection.served = 0
  })
  client.on('disconnect', () => {
    if (connection.leased) return
    pool.idle = pool.idle.filter((other) => other !== connection)
    discard(pool, connection)
  })
  // A client without a listener for it would end the process when a callback of ours threw at a bad moment.
  // (undici's types do not know of the event.)
  const emitter: EventEmitter = client
  emitter.on('error', () => discard(pool, connection))
  pool.connections.add(connection)
  return connection
}

function giveBack(pool: Pool, connection: Connection): void {
  if (pool.closed || connection.client.destroyed) return discard(pool, connection)
  connection.leased = false
  pool.idle.push(connection)
}

function discard(pool: Pool, connection: Connection): void {
  pool.connections.delete(connection)
  void connection.client.destroy()
}

function sendOn(pool: Pool, outgoing: Outgoing, receiver: Receiver, fresh: boolean, limits: Limits): Sending {
  const connection = lease(pool, fresh, limits)
  const { promise, resolve, reject } = Promise.withResolvers<Attempt>()
  const state = { sent: false, reused: false, responded: false, passed: false, aborted: false, answered: false }
  let controller: Dispatcher.DispatchController | null = null

  const refuse = (message: string) => controller?.abort(new BadResponse(message))
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started
      state.sent = true
      state.reused = connection.served > 0
      connection.served += 1
      receiver.onSend()
    },
    onResponseStarted() {
      state.responded = true
    },
    onResponseStart(at, status) {
      if (!receiver.onHead(status, toStrings(at.rawHeaders))) return refuse(`status ${status}`)
      if (status >= 200) state.passed = true
    },
    onResponseData(at, chunk) {
      if (!receiver.onData(chunk)) at.pause()
    },
    onResponseEnd() {
      state.answered = true
      receiver.onEnd()
      giveBack(pool, connection)
      resolve({ kind: 'answered' })
    },
    onResponseError(_, cause) {
      discard(pool, connection)
      if (state.aborted) return resolve({ kind: 'aborted' })
      // Our own mistake, not the app's: it must not cost the endpoint its place.
      if (cause instanceof errors.InvalidArgumentError || cause instanceof errors.NotSupportedError)
        return reject(cause)
      const code = state.sent ? classify(cause) : 'connect-failed'
      if (state.passed) return resolve({ kind: 'cut', code, cause })
      resolve({ kind: 'failed', code, sent: state.sent, stale: state.reused && !state.responded, cause })
    },
  }

  const { method, path, headers, body } = outgoing
  connection.client.dispatch({ method, path, headers, body }, handler)
  return {
    done: promise,
    resume: () => controller?.resume(),
    abort() {
      // The connection may be another request's by now.
      if (state.answered) return
      state.aborted = true
      discard(pool, connection)
    },
  }
}

class BadResponse extends Error {}

function classify(error: unknown): FailureCode {
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) return 'timeout'
  if (error instanceof BadResponse || error instanceof errors.HTTPParserError) return 'bad-response'
  if (error instanceof errors.HeadersOverflowError) return 'bad-response'
  // What undici says of a response that nobody asked for, or a 101 or 100 that nobody asked for.
  if (error instanceof errors.SocketError && /^bad (response|upgrade)$/.test(error.message)) return 'bad-response'
  // Two lengths, or a length and chunks.
  if (error instanceof errors.ResponseContentLengthMismatchError) return 'bad-response'
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('HPE_')) return 'bad-response'
  return 'app-closed'
}

type RawHeaders = Dispatcher.DispatchController['rawHeaders']

function toStrings(raw: RawHeaders): string[] {
  if (!Array.isArray(raw)) return []
  return raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')))
}

function upgradeOn(endpoint: Endpoint, outgoing: Outgoing, receiver: Receiver, limits: Limits): Sending {
  const { promise, resolve } = Promise.withResolvers<Attempt>()
  const state = { sent: false, passed: false, aborted: false }
  const fail = (code: FailureCode, cause: unknown) => {
    request.destroy()
    if (state.aborted) return resolve({ kind: 'aborted' })
    if (state.passed) return resolve({ kind: 'cut', code, cause })
    resolve({ kind: 'failed', code: state.sent ? code : 'connect-failed', sent: state.sent, stale: false, cause })
  }
  const request: ClientRequest = httpRequest({
    host: endpoint.host,
    port: endpoint.port,
    method: outgoing.method,
    path: outgoing.path,
    headers: [...outgoing.headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket'],
    agent: false,
    setHost: false,
    insecureHTTPParser: false,
    maxHeaderSize: MAX_HEAD_BYTES,
  })
  const connecting = setTimeout(() => fail('timeout', new Error('connect timeout')), limits.connectMs)
  const answering = setTimeout(() => fail('timeout', new Error('no first byte')), limits.firstByteMs)
  void promise.finally(() => {
    clearTimeout(connecting)
    clearTimeout(answering)
  })
  request.on('socket', (socket) =>
    socket.once('connect', () => {
      clearTimeout(connecting)
      state.sent = true
      receiver.onSend()
    }),
  )
  request.on('error', (error) => fail(classify(error), error))
  request.on('upgrade', (response, socket, head) => {
    // Node takes its listeners off the socket, and an error that no one listens for ends the process.
    socket.on('error', () => socket.destroy())
    if (response.statusCode !== 101 || !receiver.onUpgrade?.(response.rawHeaders, socket, head)) {
      socket.destroy()
      return fail('bad-response', new BadResponse('not the upgrade that was asked for'))
    }
    resolve({ kind: 'upgraded' })
  })
  request.on('response', (response) => {
    clearTimeout(answering)
    response.on('error', (error) => fail('app-closed', error))
    response.setTimeout(limits.idleMs, () => fail('timeout', new Error('idle')))
    if (!receiver.onHead(response.statusCode ?? 0, response.rawHeaders))
      return fail('bad-response', new BadResponse(`status ${response.statusCode}`))
    state.passed = true
    response.on('data', (chunk: Buffer) => {
      if (!receiver.onData(chunk)) response.pause()
    })
    response.on('end', () => {
      receiver.onEnd()
      resolve({ kind: 'answered' })
    })
    resume = () => response.resume()
  })
  let resume = () => {}
  request.end()
  return {
    done: promise,
    resume: () => resume(),
    abort() {
      state.aborted = true
      request.destroy()
      resolve({ kind: 'aborted' })
    },
  }
}
