/** What the router knows of one request, filled in on its way; and of the client connection it came on. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { InstanceId } from '#core/domain/ids.ts'
import type { AppRoute } from '#core/domain/route.ts'
import type { Head } from './gate.ts'
import type { Kind, Standing } from './quota/quotas.ts'

export type ClientConnection = {
  socket: Socket
  /** The call being served; those behind it wait, so that answers keep their order. */
  current: Call | null
  waiting: Incoming[]
  /** An answer said that it is the last: nothing that follows on this connection is run (RFC 9112 §9.6). */
  closing: boolean
  /** Whose connection it counts as: those of the app that its last request was for. */
  standing: Standing | null
  /** Stands for the client, as quota/clients.ts gives it. */
  client: number
  /** How many of the socket's bytes were accounted for. */
  settledIn: number
  settledOut: number
}

/** A request as the server hands it over. `tunnelHead` is what followed an upgrade's head, and null without one. */
export type Incoming = {
  request: IncomingMessage
  response: ServerResponse
  connection: ClientConnection
  tunnelHead: Buffer | null
}

export type Call = Incoming & {
  id: string
  clientAddress: string
  /** The router's port that the request came in at. */
  port: number
  /** ms since 1970, and ms of a clock that does not go back. */
  startedAt: number
  began: number
  /** The host as it is looked up, as far as the request had one. */
  host: string
  /** Set when the gate let the request in. */
  head: Head | null
  /** Set when an app claims the host. */
  route: AppRoute | null
  /** Set when the quotas let it in. */
  admitted: { standing: Standing; kind: Kind } | null
  /** Where its app's figures for Prometheus are. */
  row: number
  /** The instance tried last. */
  instanceId: InstanceId | null
  /** 0 until an answer began. */
  status: number
  /** Why the router answered, or cut the answer, itself. */
  code: string | null
  cause: unknown
  /** What the answer took on the wire so far. */
  bytesOut: number
  /** Resolved when the answer was written, or the connection is gone. */
  over: Promise<void>
}

/** Whether this answer must be the connection's last. @param draining the router is about to stop */
export function isLast(call: Call, draining: boolean): boolean {
  const { request, connection, head } = call
  return (
    draining ||
    connection.closing ||
    // RFC 9112 §9.3: no persistent connection with an HTTP/1.0 client, which may not know where a response ends.
    request.httpVersion !== '1.1' ||
    // After a refusal nobody knows where the next request starts, and after a declined upgrade the parser lost its place.
    head === null ||
    head.upgrade !== null ||
    hasUnreadBody(call)
  )
}

export const hasUnreadBody = ({ request, head }: Call): boolean => !request.complete && head?.framing.kind !== 'none'

/**
 * Ends the response. While the client still sends its body, the end waits a little: closing a connection with unread
 * bytes resets it, and the client might lose an answer that it had not read (RFC 9112 §9.6).
 */
export function endResponse(call: Call, lingerMs: number): void {
  const { request, response } = call
  if (!hasUnreadBody(call)) return void response.end()
  request.unpipe()
  request.resume()
  const end = () => {
    clearTimeout(timer)
    response.end()
  }
  const timer = setTimeout(end, lingerMs)
  request.once('end', end)
  response.once('close', () => clearTimeout(timer))
}

/** Breaks the connection, so that a client never takes half an answer for a whole one. */
export function resetConnection({ connection }: Call): void {
  connection.closing = true
  connection.socket.resetAndDestroy()
}

/** An IPv4 client of a socket that listens on IPv6 has an address such as ::ffff:192.0.2.1. */
export const plainAddress = (address = 'unknown'): string => address.replace(/^::ffff:(?=\d+\.)/, '')
