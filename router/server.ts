/** The sockets: Node's strict HTTP parser behind tight limits, one request of a connection at a time. */
import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { plainAddress, resetConnection, type ClientConnection, type Incoming } from './call.ts'
import { readHead } from './gate.ts'
import { MAX_HEAD_BYTES, type Limits } from './limits.ts'
import { TOO_MANY_CONNECTIONS } from './quota/clients.ts'
import type { RequestContext } from './request.ts'
import { rawAnswer } from './responses.ts'

export type Door = {
  server: Server
  /** The connections that are open now. */
  connections: ReadonlyMap<Duplex, ClientConnection>
}

/** How many requests may wait behind the current one before no more is read from the connection. */
const MAX_WAITING = 16

/** @param serve takes one request to its end; it never rejects */
export function createDoor(
  limits: Limits,
  serve: (incoming: Incoming) => Promise<void>,
  { quotas, clients, now }: Pick<RequestContext, 'quotas' | 'clients' | 'now'>,
): Door {
  const connections = new Map<Duplex, ClientConnection>()
  const connectionOf = (socket: Duplex): ClientConnection | null => connections.get(socket) ?? null

  const take = (request: IncomingMessage, response: ServerResponse, tunnelHead: Buffer | null = null) => {
    const connection = connectionOf(request.socket)
    if (!connection || connection.closing) return
    connection.waiting.push({ request, response, connection, tunnelHead })
    if (connection.waiting.length > MAX_WAITING) connection.socket.pause()
    if (connection.current === null && connection.waiting.length === 1)
      serveInOrder(connection, serve).catch(() => connection.socket.destroy())
  }

  const server = createServer(
    {
      insecureHTTPParser: false,
      // The gate refuses a missing Host, with a page that says so.
      requireHostHeader: false,
      maxHeaderSize: MAX_HEAD_BYTES,
      headersTimeout: limits.headMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkMs,
      keepAliveTimeout: limits.keepAliveMs,
      noDelay: true,
      shouldUpgradeCallback: (request) => isWebSocket(request) && isFree(connectionOf(request.socket)),
    },
    (request, response) => take(request, response),
  )
  // Node drops fields beyond its own limit in silence; the gate counts them instead, within the limit on bytes.
  server.maxHeadersCount = 0
  server.timeout = limits.silenceMs

  server.on('connection', (socket) => {
    const client = clients.open(plainAddress(socket.remoteAddress), now())
    if (client === TOO_MANY_CONNECTIONS) return void socket.resetAndDestroy()
    const connection: ClientConnection = {
      socket,
      current: null,
      waiting: [],
      closing: false,
      standing: null,
      client,
      settledIn: 0,
      settledOut: 0,
    }
    connections.set(socket, connection)
    socket.once('close', () => {
      connections.delete(socket)
      clients.close(client)
      if (connection.standing) quotas.detach(connection.standing)
    })
    socket.on('error', () => socket.destroy())
  })
  // Both leave the 100 and the 417 to the one place that decides on them.
  server.on('checkContinue', (request, response) => take(request, response))
  server.on('checkExpectation', (request, response) => take(request, response))
  server.on('upgrade', (request, socket, head) => take(request, responseOn(request, socket), head))
  server.on('connect', (_, socket) => refuse(socket, 405, 'The method CONNECT is not allowed.'))
  server.on('clientError', (error, socket) => onClientError(error, socket, connectionOf(socket)))
  return { server, connections }
}

async function serveInOrder(connection: ClientConnection, serve: (incoming: Incoming) => Promise<void>): Promise<void> {
  for (let next = connection.waiting[0]; next && !connection.closing; next = connection.waiting[0]) {
    await serve(next)
    connection.waiting.shift()
    if (connection.waiting.length === MAX_WAITING) connection.socket.resume()
  }
  connection.waiting.length = 0
}

/** Everything else that asks for an upgrade is served as if it had not. */
function isWebSocket(request: IncomingMessage): boolean {
  const verdict = readHead({
    method: request.method ?? '',
    target: request.url ?? '',
    version: request.httpVersion,
    headers: request.rawHeaders,
  })
  return verdict.ok && verdict.head.upgrade === 'websocket'
}

/** With an answer outstanding, a connection cannot become a tunnel. */
const isFree = (connection: ClientConnection | null): boolean =>
  connection !== null && connection.waiting.length === 0 && !connection.closing

/** Node gives an upgrade no response; this one serves when there is an answer other than 101. */
function responseOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request)
  // Node took its listeners off the socket, and an error that no one listens for ends the process.
  socket.on('error', () => socket.destroy())
  response.assignSocket(socket as Socket)
  response.shouldKeepAlive = false
  response.once('finish', () => {
    ;(socket as Socket).destroySoon()
  })
  return response
}

/**
 * The parser gave up on a connection: on a head, on a body, or on what follows a request that is being served. In the last
 * case that one's answer still goes out.
 */
function onClientError(error: Error & { code?: string }, socket: Duplex, connection: ClientConnection | null): void {
  const current = connection?.current
  if (connection) connection.closing = true
  if (!current || !connection) return refuse(socket, ...describe(error.code ?? ''))
  if (current.request.complete) {
    current.response.shouldKeepAlive = false
    current.response.once('close', () => socket.destroy())
    return
  }
  if (current.response.headersSent) return current.code === null ? resetConnection(current) : undefined
  current.code = 'bad-request'
  current.status = 400
  refuse(socket, ...describe(error.code ?? ''))
}

function describe(code: string): [status: number, sentence: string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return [431, `The request's head is larger than ${MAX_HEAD_BYTES} bytes.`]
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, 'The chunk extensions of the request are too large.']
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'The request did not arrive in time.']
    default:
      return [400, 'The client sent something that is not a valid HTTP request.']
  }
}

function refuse(socket: Duplex, status: number, sentence: string): void {
  if (!socket.writable) return void socket.destroy()
  socket.end(rawAnswer(status, sentence), () => socket.destroy())
}
