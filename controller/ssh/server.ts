/** Git over SSH: the second way in, for those who keep keys rather than tokens. The same code as over HTTP is behind it. */
import { createServer, type Server as TcpServer, type Socket } from 'node:net'
import ssh2, { type Connection } from 'ssh2'
import type { SshView } from '#core/contract/ssh.ts'
import type { AuditFacts } from '#core/domain/audit.ts'
import { addressInUse, messageOf } from '#core/domain/errors.ts'
import type { ApiContext } from '../api/context.ts'
import { sessionFacts, type Session } from '../audit/sessions.ts'
import { codeOf } from '../files.ts'
import { checkKey } from './authenticate.ts'
import { bearerOf } from './caller.ts'
import { addressGroup, createGuard, usualGuard, type Guard } from './guard.ts'
import { usualLimits, type SshLimits } from './limits.ts'
import { loadHostKey, type HostKey } from './host-key.ts'
import { sessionOf, takeSessions } from './session.ts'

export type SshDoor = {
  view: () => SshView
  /** Begins to listen, where SSH is on. @throws ADDRESS_IN_USE, for a port that somebody chose */
  open(context: ApiContext): Promise<void>
  close(): Promise<void>
}

/** No SHA-1, no CBC, nothing below 128 bits; against CVE-2023-48795 the library speaks the strict key exchange. */
export const algorithms = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group-exchange-sha256',
  ],
  cipher: [
    'chacha20-poly1305@openssh.com',
    'aes256-gcm@openssh.com',
    'aes128-gcm@openssh.com',
    'aes256-ctr',
    'aes128-ctr',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  serverHostKey: ['ssh-ed25519'],
  compress: ['none'],
} satisfies ssh2.Algorithms

/** Makes or reads the host key. */
export async function prepareSsh(
  { config, store, log }: Pick<ApiContext, 'config' | 'store' | 'log'>,
  limits = usualLimits,
): Promise<SshDoor> {
  if (config.sshPort === 0) return closedDoor('SSH is off here. Push over HTTP.')
  const key = await loadHostKey(config.home, config.sshNewHostKey, { store, log })
  if ('why' in key) return closedDoor(`SSH is off here: ${key.why}`)
  const sockets = new Set<Socket>()
  let server: TcpServer | null = null
  let view: SshView = { enabled: true, port: config.sshPort, fingerprint: key.fingerprint, hostKey: key.publicKey }
  return {
    view: () => view,
    async open(context) {
      const attempt = listenFor(key, sockets, limits, context)
      try {
        await listen(attempt, context)
        server = attempt
      } catch (error) {
        if (config.sshPortChosen || codeOf(error) !== 'ADDRESS_IN_USE') throw error
        const why = `SSH is off here: ${messageOf(error)}`
        log.warn('ssh stays closed: its usual port is taken', { port: config.sshPort })
        view = { enabled: false, why }
      }
    },
    async close() {
      const closed = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

const closedDoor = (why: string): SshDoor => ({
  view: () => ({ enabled: false, why }),
  open: () => Promise.resolve(),
  close: () => Promise.resolve(),
})

function listenFor(key: HostKey, sockets: Set<Socket>, limits: SshLimits, context: ApiContext): TcpServer {
  const guard = createGuard(usualGuard)
  const bySocket = new Map<string, Socket>()
  const protocol = new ssh2.Server({ hostKeys: [key.privateKey], algorithms, ident: 'Berth' }, (connection, info) => {
    const socket = bySocket.get(nameOf(info.ip, info.port))
    // A connection that broke off within its first bytes.
    if (!socket) return connection.end()
    welcome({ connection, socket, guard, limits }, context)
  })
  return createServer({ noDelay: true }, (socket) => {
    const address = addressGroup(socket.remoteAddress ?? '')
    const refusal = guard.enter(address, context.now())
    if (refusal !== null) {
      context.log.warn('ssh connection refused', { address, refusal })
      return void socket.destroy()
    }
    const name = nameOf(socket.remoteAddress, socket.remotePort)
    bySocket.set(name, socket)
    sockets.add(socket)
    const deadline = setTimeout(() => socket.destroy(), limits.loginMs)
    socket.once('berth:inside', () => clearTimeout(deadline))
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(deadline)
      bySocket.delete(name)
      sockets.delete(socket)
      guard.leave(address)
    })
    protocol.injectSocket(socket)
  })
}

const nameOf = (address: string | undefined, port: number | undefined): string => `${address} ${port}`

type Visitor = { connection: Connection; socket: Socket; guard: Guard; limits: SshLimits }

function welcome({ connection, socket, guard, limits }: Visitor, context: ApiContext): void {
  const { log, now, store } = context
  const address = socket.remoteAddress ?? ''
  let attempts = 0
  connection.on('error', (error) => log.debug('ssh connection failed', { address, error }))
  connection.on('authentication', (attempt) => {
    if (attempt.method === 'none') return attempt.reject(['publickey'])
    if (++attempts > limits.attempts) {
      log.warn('ssh login given up', { address, attempts })
      return void connection.end()
    }
    checkKey(store, attempt)
      .then((key) => {
        if (key === null) {
          if (attempt.method === 'publickey' && attempt.signature === undefined) return
          guard.failed(addressGroup(address), now())
          return noteLogin(refusedLogin(address), { status: 401, code: 'UNAUTHENTICATED' }, context)
        }
        noteLogin(sessionOf({ key, socket }, bearerOf(key), 'ssh login', null), { status: 200, code: null }, context)
        log.info('ssh login', { key: key.id, name: key.name, tenantId: key.tenantId, address })
        socket.emit('berth:inside')
        setTimeout(() => socket.destroy(), limits.connectionMs).unref()
        takeSessions({ key, connection, socket, limits }, context)
      })
      .catch((error: unknown) => {
        log.error('ssh login failed', { address, error })
        connection.end()
      })
  })
}

const refusedLogin = (address: string): Session => ({
  operation: 'ssh login',
  caller: null,
  tenant: null,
  app: null,
  requestId: 'ssh',
  from: { address, agent: '' },
})

/** Nobody is told anything by a login, and what follows it waits for an entry of its own. */
function noteLogin(session: Session, result: AuditFacts['result'], { audit, log }: ApiContext): void {
  audit
    .write(sessionFacts(session, result))
    .catch((error: unknown) => log.error('audit entry not written', { operation: session.operation, error }))
}

/** @throws ADDRESS_IN_USE */
function listen(server: TcpServer, { config }: ApiContext): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        codeOf(error) === 'EADDRINUSE' ? addressInUse('BERTH_SSH_PORT', config.apiAddress, config.sshPort) : error,
      ),
    )
    server.listen(config.sshPort, config.apiAddress, () => resolve())
  })
}
