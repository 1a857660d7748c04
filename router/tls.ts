/**
 * TLS on the clients' side: from a TCP connection to a socket of plain bytes, with what its handshake agreed on. Node's
 * `tls.Server` is not used, because it ends a handshake for a name that nobody has without telling the client why.
 */
import { createServer, isIP, type Server, type Socket } from 'node:net'
import { TLSSocket, type SecureContext } from 'node:tls'
import { isHostPattern, isWildcard } from '#core/domain/certificate.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Certificates } from './certificates.ts'

export type TlsOptions = {
  certificates: Pick<Certificates, 'contextFor' | 'unnamedContext'>
  log: Log
  /** `h2` too, where there is a door for it; in the order of preference. */
  protocols: ('h2' | 'http/1.1')[]
  /** From the connection to the end of the handshake. */
  handshakeMs?: number
}

/** What a handshake agreed on. */
export type Secured = {
  /** In lower case; null: the client named no host. */
  serverName: string | null
  protocol: 'h2' | 'http/1.1'
}

export type TlsListener = {
  /** Listens where the router says; not listening yet. */
  server: Server
  /** For a connection that came another way, e.g. whose PROXY header was read first; what was not read is TLS. */
  accept(connection: Socket): void
  /** Connections whose handshake goes on. */
  readonly handshaking: number
  /** Ends the handshakes that go on; what has been handed over is not touched. The caller closes `server`. */
  stop(): void
}

const HANDSHAKE_MS = 10_000

/** RFC 8446 §6: a fatal alert in a record of its own, as it is sent before any key is agreed on. */
const alert = (description: number): Buffer => Buffer.from([0x15, 3, 3, 0, 2, 2, description])
const UNRECOGNIZED_NAME = alert(112)
const INTERNAL_ERROR = alert(80)

/** @param onSocket takes each connection when its handshake is done: no byte of it read, and its errors to be handled */
export function createTlsListener(
  options: TlsOptions,
  onSocket: (socket: TLSSocket, secured: Secured) => void,
): TlsListener {
  const { certificates, log, protocols, handshakeMs = HANDSHAKE_MS } = options
  const handshaking = new Set<Socket>()

  const accept = (connection: Socket): void => {
    handshaking.add(connection)
    const socket = new TLSSocket(connection, {
      isServer: true,
      secureContext: certificates.unnamedContext,
      ALPNProtocols: protocols,
      SNICallback(serverName, done) {
        chooseContext(certificates, serverName).then(
          (context) => (context === null ? refuse(connection, socket, UNRECOGNIZED_NAME) : done(null, context)),
          () => refuse(connection, socket, INTERNAL_ERROR),
        )
      },
    })
    const timer = setTimeout(() => connection.destroy(), handshakeMs)
    const settle = () => {
      clearTimeout(timer)
      handshaking.delete(connection)
    }
    const onError = (error: Error) => {
      log.debug('handshake failed', { cause: error.message })
      connection.destroy()
    }
    connection.on('error', () => socket.destroy())
    socket.once('close', settle)
    socket.on('error', onError)
    socket.once('secure', () => {
      settle()
      socket.off('close', settle)
      socket.off('error', onError)
      markSecured(socket)
      onSocket(socket, securedOf(socket))
    })
  }

  return {
    server: createServer({ noDelay: true }, accept),
    accept,
    get handshaking() {
      return handshaking.size
    },
    stop() {
      for (const connection of handshaking) connection.destroy()
    },
  }
}

/**
 * A trailing dot is not allowed in the extension, and a wildcard is no name (RFC 6066 §3). Neither is an address, but there are
 * clients that send the one they connect to: they are taken for what they mean, which is to name nothing.
 */
async function chooseContext(
  certificates: TlsOptions['certificates'],
  serverName: string,
): Promise<SecureContext | null> {
  if (isIP(serverName) !== 0) return certificates.unnamedContext
  const name = serverName.toLowerCase()
  return isHostPattern(name) && !isWildcard(name) ? certificates.contextFor(name) : null
}

/** Written past the TLS layer, which has sent nothing yet: a server's first message comes after this choice. */
function refuse(connection: Socket, socket: TLSSocket, why: Buffer): void {
  if (connection.destroyed) return
  connection.write(why, () => socket.destroy())
}

/** Node's own servers say so on a socket whose handshake is done, and its HTTP/2 waits until someone has. */
function markSecured(socket: TLSSocket): void {
  ;(socket as { secureConnecting?: boolean }).secureConnecting = false
}

function securedOf(socket: TLSSocket): Secured {
  // Node says false where the client named nothing; its types know only the text.
  const name = (socket as { servername?: string | false }).servername
  return {
    serverName: typeof name === 'string' && name !== '' && isIP(name) === 0 ? name.toLowerCase() : null,
    protocol: socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1',
  }
}
