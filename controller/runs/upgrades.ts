/** The WebSockets of a server: each is admitted first; what is not is refused like any other page. */
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { MAX_MESSAGE_BYTES } from '#core/contract/session.ts'
import type { BerthError } from '#core/domain/errors.ts'
import { toBerthError } from '../api/errors.ts'

const KEEP_ALIVE_MS = 15_000

/** @param admit what to do with the WebSocket; throws why there is none */
export function takeUpgrades(
  server: Pick<Server, 'on'>,
  admit: (request: IncomingMessage) => Promise<(socket: WebSocket) => void>,
): void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {})
    // By TCP's own means: who is paused because the other side is slow would not answer WebSocket's pings.
    if (socket instanceof Socket) socket.setKeepAlive(true, KEEP_ALIVE_MS)
    admit(request).then(
      (take) => sockets.handleUpgrade(request, socket, head, take),
      (error: unknown) => refuse(socket, toBerthError(error)),
    )
  })
}

/** As a plain answer: the handshake has not happened. */
function refuse(socket: Duplex, error: BerthError): void {
  const title = STATUS_CODES[error.status] ?? 'Error'
  const problem = {
    ...error.facts,
    type: `urn:berth:error:${error.code}`,
    title,
    status: error.status,
    detail: error.message,
    code: error.code,
    requestId: 'session',
  }
  const body = JSON.stringify(problem)
  socket.end(
    `HTTP/1.1 ${error.status} ${title}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
