/** The end of a router: no new connections, the open requests get their time, then everything is cut. */
import type { OpenConnection } from './client/connection.ts'
import type { Doors } from './doors.ts'
import type { Limits } from './limits.ts'

const SWEEP_MS = 50

/** Resolves when the last connection is closed. Answers meanwhile must say `Connection: close`. */
export async function drain(doors: Doors, live: ReadonlySet<OpenConnection>, limits: Limits): Promise<void> {
  const closed = doors.close()
  const { promise: empty, resolve: onEmpty } = Promise.withResolvers<void>()
  const began = performance.now()
  const look = () => {
    const spareFresh = performance.now() - began < limits.drainIdleMs
    for (const connection of live) connection.drain(spareFresh)
    if (live.size === 0) onEmpty()
  }
  const sweep = setInterval(look, SWEEP_MS)
  // A WebSocket ends when its ends want, so waiting for it is no use; clients reconnect to another router.
  const cutTunnels = setTimeout(
    () => each(live, (connection) => connection.isTunnel && connection.cut()),
    limits.drainTunnelMs,
  )
  const cutAll = setTimeout(() => each(live, (connection) => connection.cut()), limits.drainMs)
  look()
  await Promise.all([closed, empty])
  clearInterval(sweep)
  clearTimeout(cutTunnels)
  clearTimeout(cutAll)
}

function each(live: ReadonlySet<OpenConnection>, act: (connection: OpenConnection) => void): void {
  for (const connection of [...live]) act(connection)
}
