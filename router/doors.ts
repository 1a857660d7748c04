/** Where clients come in: plain HTTP and TLS, on their ports, and both behind load balancers that say whose a connection is. */
import { createServer, type Server, type Socket } from 'node:net'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Certificates } from './certificates.ts'
import type { DoorContext } from './client/connection.ts'
import { accept, acceptHttp2, createListener } from './client/listener.ts'
import { listen } from './listen.ts'
import { proxied } from './proxied.ts'
import { createTlsListener } from './tls.ts'

export type DoorConfig = Pick<Config, 'httpAddress' | 'httpPort' | 'httpsPort' | 'proxyProtocol'>

export type Doors = {
  httpPort: number
  httpsPort: number
  /** Takes no more connections; those that are open go on. Resolves when no socket listens any more. */
  close(): Promise<void>
}

/** @throws ADDRESS_IN_USE; then nothing listens */
export async function openDoors(
  config: DoorConfig,
  certificates: Certificates,
  context: DoorContext,
  log: Log,
): Promise<Doors> {
  const tls = createTlsListener(
    { certificates, log, protocols: ['h2', 'http/1.1'] },
    (socket, { serverName, protocol }) => {
      const take = protocol === 'h2' ? acceptHttp2 : accept
      take(socket, { secure: true, serverName }, context)
    },
  )
  const behindProxies = (server: Server) => (config.proxyProtocol ? proxied(server, context.trusted, log) : server)
  // A connection whose first bytes were read already cannot be taken over by its handle.
  const plain = config.proxyProtocol
    ? createServer((socket: Socket) => accept(socket, { secure: false, serverName: null }, context))
    : createListener(context)
  const http = behindProxies(plain)
  const https = behindProxies(tls.server)
  const httpPort = await listen(http, 'BERTH_HTTP_PORT', config.httpAddress, config.httpPort)
  try {
    const httpsPort = await listen(https, 'BERTH_HTTPS_PORT', config.httpAddress, config.httpsPort)
    // Such as running out of file descriptors: the connections that are open go on.
    for (const server of [http, https])
      server.on('error', (error) => log.error('a connection could not be accepted', { error }))
    return {
      httpPort,
      httpsPort,
      async close() {
        tls.stop()
        await Promise.all([http, https].map(closed))
      },
    }
  } catch (error) {
    await closed(http)
    throw error
  }
}

/** A server says that it is closed only when its last connection is; whoever waits for those knows them better. */
const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close()
    setImmediate(resolve)
  })
