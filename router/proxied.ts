/** Connections of load balancers that speak the PROXY protocol: the header is taken off before anything else looks at them. */
import { createServer, type Server, type Socket } from 'node:net'
import type { Log } from '#core/runtime/log.ts'
import { readProxyHeader, type ProxyHeader } from './proxy-protocol.ts'
import { isTrusted, type Trusted } from './trust.ts'

/** Load balancers send it at once. */
const HEADER_MS = 5_000
const WARN_EVERY_MS = 10_000

const headers = new WeakMap<Socket, ProxyHeader>()

/** What a load balancer said about a connection; undefined for one that came without a header. */
export const proxyHeaderOf = (socket: Socket): ProxyHeader | undefined => headers.get(socket)

/**
 * A server to listen with in front of the one that serves (HTTP, TLS or plain): it hands on the connections of trusted load
 * balancers without their header, and ends all others. Closing it does not close `behind`, whose connections these become.
 */
export function proxied(behind: Server, trusted: Trusted, log: Log): Server {
  const warn = sparingly(log)
  return createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    if (!isTrusted(socket.remoteAddress ?? '', trusted)) {
      warn('connection refused: only BERTH_TRUSTED_PROXIES may connect', { peer: socket.remoteAddress })
      return socket.destroy()
    }
    takeHeader(
      socket,
      (header) => {
        headers.set(socket, header)
        behind.emit('connection', socket)
      },
      (why) => {
        warn('connection refused: it has no valid PROXY protocol header', { peer: socket.remoteAddress, why })
        socket.destroy()
      },
    )
  })
}

/** Anyone can connect again and again, and must not fill the disk by it. */
function sparingly(log: Log): Log['warn'] {
  let last = -Infinity
  return (event, fields) => {
    if (performance.now() - last < WARN_EVERY_MS) return
    last = performance.now()
    log.warn(event, fields)
  }
}

function takeHeader(socket: Socket, taken: (header: ProxyHeader) => void, refused: (why: string) => void): void {
  let bytes: Buffer = Buffer.alloc(0)
  const late = setTimeout(() => done(() => refused('it did not come in time')), HEADER_MS)
  const done = (then: () => void) => {
    clearTimeout(late)
    socket.off('readable', read)
    socket.off('close', gone)
    then()
  }
  const gone = () => done(() => {})
  const read = () => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    const outcome = readProxyHeader(bytes)
    if (outcome.kind === 'more') return
    if (outcome.kind === 'bad') return done(() => refused(outcome.why))
    done(() => {
      // Whoever is next finds the client's first bytes as if nothing had been before them.
      if (bytes.length > outcome.header.length) socket.unshift(bytes.subarray(outcome.header.length))
      taken(outcome.header)
    })
  }
  socket.on('readable', read)
  socket.on('close', gone)
}
