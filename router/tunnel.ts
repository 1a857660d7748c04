/** A WebSocket after the app agreed to it: bytes both ways, until either side closes or both fall silent. */
import type { Duplex } from 'node:stream'
import type { Call } from './call.ts'
import { responseHeaders } from './headers.ts'
import type { Limits } from './limits.ts'

/**
 * Passes the app's 101 on and connects both sides.
 * @param raw the fields of the app's response
 * @param appHead what the app sent right after them
 * @returns null when the response does not agree to a WebSocket (RFC 6455 §4.1), else the end of the tunnel
 */
export function openTunnel(
  call: Call,
  raw: string[],
  app: Duplex,
  appHead: Buffer,
  { limits, tunnels }: { limits: Limits; tunnels: Set<Duplex> },
): Promise<void> | null {
  const headers = agreesToWebSocket(raw) ? responseHeaders(101, raw) : null
  const client = call.connection.socket
  if (headers === null || client.destroyed) return null
  call.status = 101
  call.connection.closing = true
  call.response.detachSocket(client)
  client.write(switchingProtocols(headers), 'latin1')
  if (appHead.length > 0) client.write(appHead)
  if (call.tunnelHead && call.tunnelHead.length > 0) app.write(call.tunnelHead)
  return connect(client, app, limits.tunnelIdleMs, tunnels)
}

function agreesToWebSocket(raw: string[]): boolean {
  for (let i = 0; i + 1 < raw.length; i += 2)
    if (raw[i]?.toLowerCase() === 'upgrade') return raw[i + 1]?.toLowerCase() === 'websocket'
  return false
}

function switchingProtocols(headers: string[]): string {
  let text = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
  for (let i = 0; i + 1 < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`
  return text + '\r\n'
}

function connect(
  client: Call['connection']['socket'],
  app: Duplex,
  idleMs: number,
  tunnels: Set<Duplex>,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let open = 2
  const close = () => {
    client.destroy()
    app.destroy()
    open -= 1
    if (open > 0) return
    tunnels.delete(client)
    resolve()
  }
  tunnels.add(client)
  // Bytes of either direction pass the client's socket, so its silence is that of both.
  client.setTimeout(idleMs, () => client.destroy())
  for (const side of [client, app]) {
    side.on('error', () => side.destroy())
    side.once('close', close)
  }
  client.pipe(app)
  app.pipe(client)
  return promise
}
