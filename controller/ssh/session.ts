/** What a key's owner may do once inside: run one of git's two services on an app that is theirs. */
import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import type { Connection, ServerChannel, Session } from 'ssh2'
import type { SshKeyRecord } from '#core/domain/ssh-key.ts'
import { findAppFor, findAppToChange } from '../api/access.ts'
import type { ApiContext } from '../api/context.ts'
import { toBerthError } from '../api/errors.ts'
import type { Caller } from '#core/domain/access.ts'
import { recorded, type Session as AuditSession } from '../audit/sessions.ts'
import { serveGit } from '../git/service.ts'
import { callerByKey } from './caller.ts'
import { parseCommand } from './exec.ts'
import type { SshLimits } from './limits.ts'

export type Inside = { key: SshKeyRecord; connection: Connection; socket: Socket; limits: SshLimits }

/** Takes the sessions of a connection whose owner is known. Forwarding and all else that SSH could do has no listener, so it is refused. */
export function takeSessions(inside: Inside, context: ApiContext): void {
  let open = 0
  const unused = setTimeout(() => {
    if (open === 0) inside.connection.end()
  }, inside.limits.unusedMs)
  inside.connection.on('close', () => clearTimeout(unused))
  inside.connection.on('session', (accept, reject) => {
    if (open >= inside.limits.sessions) return void reject()
    open++
    const session = accept()
    session.on('close', () => {
      open--
      unused.refresh()
    })
    takeRequests(session, inside, context)
  })
}

function takeRequests(session: Session, inside: Inside, context: ApiContext): void {
  let isTaken = false
  session.on('exec', (accept, reject, { command }) => {
    if (isTaken) return void reject?.()
    isTaken = true
    const channel = accept()
    void runCommand(command, channel, inside, context)
      .catch((error: unknown) => {
        const { message, status } = toBerthError(error)
        if (status >= 500 && status !== 503) context.log.error('ssh command failed', { key: inside.key.id, error })
        complain(channel, message)
        return 1
      })
      .then((code) => leave(channel, code))
  })
  session.on('shell', (accept) => {
    const channel = accept()
    complain(
      channel,
      `Welcome, ${inside.key.name} of ${inside.key.tenantId}. There is no shell here, only git: git push ssh://…/APP.git main`,
    )
    leave(channel, 1)
  })
  for (const asked of ['pty', 'env', 'x11', 'subsystem', 'auth-agent'] as const)
    session.on(asked as 'pty', (_accept, reject) => void reject?.())
}

/** @returns the exit code. @throws what is refused */
async function runCommand(
  command: string,
  channel: ServerChannel,
  inside: Inside,
  context: ApiContext,
): Promise<number> {
  const asked = parseCommand(command)
  if (asked === null) {
    context.log.info('ssh command refused', { key: inside.key.id, command: command.slice(0, 200) })
    complain(channel, 'Only git push, fetch and clone work here. The address is ssh://HOST:PORT/APP.git')
    return 128
  }
  const find = asked.service === 'git-receive-pack' ? findAppToChange : findAppFor
  const caller = await callerByKey(context.store, inside.key)
  const app = await find(caller, context.store, asked.app)
  const gone = new AbortController()
  channel.on('close', () => gone.abort())
  inside.connection.on('close', () => gone.abort())
  context.log.info('git over ssh', { key: inside.key.id, appId: app.id, service: asked.service })
  const output = paced(channel, inside.socket)
  const serve = () =>
    serveGit(
      {
        app,
        actor: caller.actor,
        service: asked.service,
        args: [],
        protocol: '',
        input: channel,
        output,
        gone: gone.signal,
      },
      context,
    )
  if (asked.service !== 'git-receive-pack') return (await serve()) ?? 1
  const session = sessionOf(inside, caller, 'git push', app.name)
  return (await recorded(session, context.audit, serve, (code) => code === 0)) ?? 1
}

/** Of whoever is inside, as the audit log has it. */
export const sessionOf = (
  { key, socket }: Pick<Inside, 'key' | 'socket'>,
  caller: Caller,
  operation: string,
  app: string | null,
): AuditSession => ({
  operation,
  caller,
  tenant: key.tenantId,
  app,
  requestId: 'ssh',
  from: { address: socket.remoteAddress ?? '', agent: '' },
  target: { key: key.id },
})

const MAX_UNSENT_BYTES = 1024 * 1024

/**
 * The client's word on how much it takes is its own: with a window of gigabytes and nobody reading, all of it would wait in our
 * memory. So the socket sets the pace as well.
 */
function paced(channel: ServerChannel, socket: Socket): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      channel.write(chunk, () => {
        if (socket.writableLength < MAX_UNSENT_BYTES || socket.destroyed) return done()
        const go = () => {
          socket.off('drain', go).off('close', go)
          done()
        }
        socket.on('drain', go).on('close', go)
      })
    },
    construct(done) {
      channel.on('close', () => this.destroy())
      done()
    },
  })
}

const complain = (channel: ServerChannel, text: string): void => void channel.stderr.write(`${text}\n`)

function leave(channel: ServerChannel, code: number): void {
  channel.exit(code)
  channel.end()
}
