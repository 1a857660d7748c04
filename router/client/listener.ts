/** Where clients connect: sockets become connections that read into the router's one buffer. */
import { createServer, Socket, type Server } from 'node:net'
import type { Origin } from '../call.ts'
import { originFrom } from '../app/request-text.ts'
import { proxyHeaderOf } from '../proxied.ts'
import { isTrusted } from '../trust.ts'
import { readBuffer, WRITE_AHEAD_BYTES } from '../buffers.ts'
import { ClientConnection, type DoorContext } from './connection.ts'
import { Http2Connection } from './http2.ts'

/** What is known of a socket besides its bytes. */
export type Arrival = { secure: boolean; serverName: string | null }

/** Not listening yet. */
export function createListener(context: DoorContext): Server {
  return createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) =>
    acceptPlain(socket, context),
  )
}

/**
 * Takes a socket that decrypts, or is read by events for another reason.
 * @param socket paused or flowing, with nobody listening for its data yet
 */
export function accept(socket: Socket, arrival: Arrival, context: DoorContext): void {
  const origin = originOf(socket, arrival, context)
  if (origin === null) return void socket.destroy()
  const connection = new ClientConnection(socket, origin, context)
  socket.on('data', (bytes: Buffer) => connection.onBytes(bytes, bytes.length))
  socket.resume()
}

/** Takes a socket whose other end agreed to speak HTTP/2, none of whose bytes was read. */
export function acceptHttp2(socket: Socket, arrival: Arrival, context: DoorContext): void {
  const origin = originOf(socket, arrival, context)
  if (origin === null) return void socket.destroy()
  new Http2Connection(socket, origin, context)
}

/**
 * An accepted socket cannot be told to read into a buffer of ours, but one that is made for the same handle can: `onread` is an
 * option of the constructor only. The first socket never read a byte and lets go of the handle.
 */
function acceptPlain(accepted: Socket, context: DoorContext): void {
  const handle = takeHandle(accepted)
  if (handle === null) return accept(accepted, { secure: false, serverName: null }, context)
  let connection: ClientConnection | null = null
  const options = {
    handle,
    allowHalfOpen: true,
    writableHighWaterMark: WRITE_AHEAD_BYTES,
    onread: {
      buffer: readBuffer,
      callback: (bytes: number) => {
        connection?.onBytes(readBuffer, bytes)
        return true
      },
    },
  }
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0])
  const origin = originOf(socket, { secure: false, serverName: null }, context)
  // Who has too many connections is not worth an answer (Q02).
  if (origin === null) return void socket.resetAndDestroy()
  connection = new ClientConnection(socket, origin, context)
}

function takeHandle(socket: Socket): object | null {
  const owner = socket as unknown as { _handle: object | null }
  const handle = owner._handle
  if (handle === null || handle === undefined) return null
  owner._handle = null
  socket.destroy()
  return handle
}

/** @returns null: the client has as many connections as one may have */
function originOf(socket: Socket, arrival: Arrival, { guests, trusted }: DoorContext): Origin | null {
  const header = proxyHeaderOf(socket)
  const address = plainAddress(header?.source?.address ?? socket.remoteAddress)
  const trustedPeer = isTrusted(address, trusted)
  const guest = guests.open(address, trustedPeer)
  if (guest === null) return null
  const { secure, serverName } = arrival
  return originFrom({
    address,
    port: socket.localPort ?? 0,
    secure: secure || (header?.tls ?? false),
    encrypted: secure,
    trusted: trustedPeer,
    serverName,
    guest,
  })
}

/** An IPv4 client of a socket that listens on IPv6 has an address such as ::ffff:192.0.2.1. */
const plainAddress = (address = 'unknown'): string => address.replace(/^::ffff:(?=\d+\.)/, '')
