/** The end of a router: no new connections, the open requests get their time, then everything is cut. */
import { Server } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ClientConnection } from './call.ts'
import type { Limits } from './limits.ts'
import type { Door } from './server.ts'

const SWEEP_MS = 50
/** What was just accepted may have its first request on the way. */
const SILENT_MS = 2_000

/** Resolves when the last connection is closed. Responses meanwhile must say `Connection: close`. */
export async function drain({ server, connections }: Door, tunnels: Set<Duplex>, limits: Limits): Promise<void> {
  const began = performance.now()
  // An HTTP server's own close() would also cut connections whose first request is on its way.
  const closed = new Promise<void>((resolve) => Server.prototype.close.call(server, () => resolve()))
  const spareMs = Math.min(SILENT_MS, limits.drainMs / 2)
  const sweep = setInterval(() => {
    const spared = performance.now() - began < spareMs
    if (!spared) server.closeIdleConnections()
    // Node takes a connection that never said anything for one that is about to send a request.
    for (const connection of connections.values())
      if (isDone(connection) || (!spared && isSilent(connection))) connection.socket.destroy()
  }, SWEEP_MS)
  // A WebSocket ends when its ends want, so waiting for it is no use; clients reconnect to another router.
  const cutTunnels = setTimeout(() => tunnels.forEach((socket) => socket.destroy()), limits.drainTunnelMs)
  const cutAll = setTimeout(() => {
    for (const { socket } of connections.values()) socket.destroy()
  }, limits.drainMs)
  await closed
  clearInterval(sweep)
  clearTimeout(cutTunnels)
  clearTimeout(cutAll)
}

const isSilent = ({ socket, waiting }: ClientConnection): boolean => waiting.length === 0 && socket.bytesRead === 0

/** All that it brought was answered. */
const isDone = ({ socket, waiting, settledIn }: ClientConnection): boolean =>
  waiting.length === 0 && settledIn > 0 && socket.bytesRead === settledIn
