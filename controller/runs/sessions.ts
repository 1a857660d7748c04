/**
 * Sessions of runs that somebody is attached to. The client and the run's agent each open a WebSocket to the controller,
 * which pairs them and passes their messages on: agents need no port of their own, and nothing here looks into the bytes.
 * A run whose client has gone is ended.
 */
import type { IncomingMessage, Server } from 'node:http'
import type { RawData, WebSocket } from 'ws'
import { MAX_AHEAD_BYTES, parseMessage, toRun, type FromRun, type SessionEnd } from '#core/contract/session.ts'
import type { Job } from '#core/contract/jobs.ts'
import { notFound, runNotAttachable, unauthenticated, tenantSuspended } from '#core/domain/errors.ts'
import type { HostId, InstanceId } from '#core/domain/ids.ts'
import { processName } from '#core/domain/instance.ts'
import { suspensionOf } from '#core/domain/quota.ts'
import { ATTACH_WITHIN_MS, type Run } from '#core/domain/run.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Store } from '#core/store/connection.ts'
import { loadRun, stopRun } from '#core/store/runs.ts'
import { loadTenant } from '#core/store/tenants.ts'
import type { App } from '#core/domain/app.ts'
import type { Caller } from '#core/domain/access.ts'
import { findAppToChange } from '../api/access.ts'
import { proofFrom } from '../api/auth.ts'
import type { AgentSessions } from '../agents/listener.ts'
import { createInside } from './inside.ts'
import { pass, textOf } from './pass.ts'
import { runOf } from '../api/runs.ts'
import { takeUpgrades } from './upgrades.ts'
import type { Identity } from '../identity/index.ts'
import type { AuditLog } from '../audit/log.ts'
import { sessionFacts, type Session as AuditSession } from '../audit/sessions.ts'

export type SessionsContext = {
  store: Store
  identity: Identity
  log: Log
  audit: AuditLog
  now: () => number
  wake: () => void
  /** Queues a job for a host. */
  tell: (host: HostId, job: Job) => void
  random: (bytes: number) => Uint8Array
  /** Aborted when the controller stops. */
  signal: AbortSignal
}

type Session = { run: Run; client: WebSocket; agent: WebSocket | null; ended: boolean }

const LOOK_EVERY_MS = 250
/** WebSocket's own codes (RFC 6455 §7.4.1). */
const NORMAL = 1000
const GOING_AWAY = 1001
const POLICY = 1008

/**
 * Takes the upgrades of the server that people and their programs reach.
 * @returns what agents need, who come by another door
 */
export function serveSessions(server: Server, context: SessionsContext): AgentSessions {
  const sessions = new Map<InstanceId, Session>()
  const inside = createInside(context)
  takeUpgrades(server, admit)
  context.signal.addEventListener('abort', () => {
    for (const { client, agent } of sessions.values()) for (const one of [client, agent]) one?.close(GOING_AWAY)
  })

  /** @returns what to do with the WebSocket. @throws why there is none */
  async function admit(request: IncomingMessage): Promise<(socket: WebSocket) => void> {
    const path = (request.url ?? '').split('?')[0] ?? ''
    const proof = await proofFrom(context.identity, request)
    if (!proof) throw unauthenticated()
    const { caller } = proof
    // Whoever is let in by a token or a session is let out with it.
    request.socket.once(
      'close',
      context.identity.watch.keep(proof, () => request.socket.destroy()),
    )
    const [, app, run] = /^\/v1\/apps\/([^/]+)\/runs\/([^/]+)\/session$/.exec(path) ?? []
    if (app !== undefined && run !== undefined) return admitClient(caller, app, run, request)
    const [, name, instance] = /^\/v1\/apps\/([^/]+)\/instances\/([^/]+)\/session$/.exec(path) ?? []
    if (name !== undefined && instance !== undefined) return admitInside(caller, name, instance, request)
    throw notFound('page', path.slice(0, 200))
  }

  /** Into an instance that runs. */
  async function admitInside(
    caller: Caller,
    name: string,
    instance: string,
    request: IncomingMessage,
  ): Promise<(socket: WebSocket) => void> {
    const app = await findAppToChange(caller, context.store, name)
    const entered = await inside.admitClient(caller, app, instance)
    const what = { operation: 'enter an instance', target: { instance } }
    await context.audit.write(sessionFacts(audited(caller, app, what, request), { status: 101, code: null }))
    return entered
  }

  async function admitClient(
    caller: Caller,
    name: string,
    wanted: string,
    request: IncomingMessage,
  ): Promise<(socket: WebSocket) => void> {
    const app = await findAppToChange(caller, context.store, name)
    const tenant = await loadTenant(context.store, app.tenantId)
    const suspension = tenant && suspensionOf(tenant)
    if (suspension) throw tenantSuspended(app.tenantId, suspension.reason)
    const run = await runOf(app, wanted, context)
    const refusal = attachable(run)
    if (refusal !== null) throw runNotAttachable(processName(run), refusal)
    const what = { operation: 'attach to a run', target: { run: processName(run) } }
    await context.audit.write(sessionFacts(audited(caller, app, what, request), { status: 101, code: null }))
    return (client) => void attend(run, client).catch((error: unknown) => context.log.error('session broke', { error }))
  }

  function attachable(run: Run): string | null {
    if (run.streams === 'log') return 'it was begun detached; its output is in the log'
    return sessions.has(run.id) ? 'somebody is already' : null
  }

  /** From the client's arrival to the end of the run, or of the client. */
  async function attend(run: Run, client: WebSocket): Promise<void> {
    if (sessions.has(run.id)) return client.close(POLICY)
    const session: Session = { run, client, agent: null, ended: false }
    sessions.set(run.id, session)
    client.on('message', (data, isBinary) => toAgent(session, data, isBinary))
    client.on('error', () => {})
    client.on('close', () => void leave(session))
    while (!session.ended && client.readyState === client.OPEN) {
      const end = session.agent === null ? await endIn(run.id) : null
      if (end) return tell(session, end)
      await sleep(LOOK_EVERY_MS, context.signal)
      if (context.signal.aborted) return
    }
  }

  /** How a run ended that has no agent (any more) to say so itself. */
  async function endIn(id: InstanceId): Promise<SessionEnd | null> {
    const run = await loadRun(context.store, id).catch(() => 'unknown' as const)
    if (run === 'unknown') return null
    if (run === null) return { reason: 'stopped', exitCode: null, detail: 'Its app was destroyed.' }
    return run.end && { reason: run.end.reason, exitCode: run.end.exitCode, detail: run.end.detail }
  }

  function tell(session: Session, end: SessionEnd): void {
    session.client.send(JSON.stringify({ end } satisfies FromRun))
    session.client.close(NORMAL)
  }

  /** The client has gone. Its agent ends the run when it sees that; where there is none yet, the run is never begun. */
  async function leave(session: Session): Promise<void> {
    const { run, agent } = session
    session.ended = true
    sessions.delete(run.id)
    agent?.close(NORMAL)
    if (context.signal.aborted) return
    await stopRun(context.store, run.id, { at: context.now(), by: 'its client, which left' }).catch((error: unknown) =>
      context.log.warn('run of a client that left not stopped', { run: run.id, error }),
    )
    context.wake()
  }

  /** Waits a while for the client: the run may have been placed before its client came. */
  async function admitAgent(id: InstanceId): Promise<(socket: WebSocket) => void> {
    const until = context.now() + ATTACH_WITHIN_MS
    while (!sessions.has(id) && context.now() < until && !context.signal.aborted) await sleep(LOOK_EVERY_MS / 5)
    const session = sessions.get(id)
    if (!session || session.agent) throw notFound('session of run', id)
    return (agent) => join(session, agent)
  }

  function join(session: Session, agent: WebSocket): void {
    if (session.agent || session.ended) return agent.close(POLICY)
    session.agent = agent
    pass(agent, session.client)
    agent.on('error', () => {})
    agent.on('close', (code) => {
      // It told the end itself, or its host has to be asked how it ended.
      if (code === NORMAL) session.client.close(NORMAL)
      else session.agent = null
    })
  }

  return {
    hostOfSession: (session) => inside.hostOf(session),
    admit: (operation, id) =>
      operation === 'SESSION /sessions/:session'
        ? Promise.resolve(inside.admitAgent(id))
        : admitAgent(id as InstanceId),
  }
}

type OfAudit = Pick<AuditSession, 'operation' | 'target'>

const audited = (caller: Caller, app: App, what: OfAudit, { socket, headers }: IncomingMessage): AuditSession => ({
  ...what,
  caller,
  tenant: app.tenantId,
  app: app.name,
  requestId: 'session',
  from: { address: socket.remoteAddress ?? '', agent: headers['user-agent'] ?? '' },
})

/** What is not a message of the protocol is dropped here; who sends without waiting for what was taken is cut off. */
function toAgent({ client, agent }: Session, data: RawData, isBinary: boolean): void {
  if (agent?.readyState !== agent?.OPEN || !agent) return
  if (!isBinary && parseMessage(toRun, textOf(data)) === null) return
  if (agent.bufferedAmount > 2 * MAX_AHEAD_BYTES) return client.close(POLICY)
  agent.send(data, { binary: isBinary })
}
