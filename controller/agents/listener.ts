/**
 * Where agents reach the controller: TLS 1.3 with certificates on both sides, and nothing under it but /internal. Whoever shows
 * no certificate of ours is let as far as joining; everything else asks for one (admit.ts).
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import express, { type Express, type RequestHandler } from 'express'
import type { WebSocket } from 'ws'
import { agentOperations } from '#core/domain/agent-access.ts'
import { addressInUse, notFound } from '#core/domain/errors.ts'
import type { HostId } from '#core/domain/ids.ts'
import { repeat } from '#core/runtime/clock.ts'
import { offeredBuildpackRoutes } from '../api/build-settings.ts'
import { readBody } from '../api/body.ts'
import type { ApiContext } from '../api/context.ts'
import { answerError, noSuchPage } from '../api/errors.ts'
import { internalRoutes } from '../api/internal.ts'
import { routerOf } from '../api/routes.ts'
import { codeOf } from '../files.ts'
import { takeUpgrades } from '../runs/upgrades.ts'
import { admissionRoutes } from './admission.ts'
import { admitAgent, admitAgentsTo, type AdmitContext } from './admit.ts'
import type { Authority } from './authority.ts'
import { enrolmentRoutes } from './routes.ts'
import { createAgentWatch, type AgentWatch } from './watch.ts'

/** The agents' ends of sessions (controller/runs/sessions.ts). */
export type AgentSessions = {
  hostOfSession: (session: string) => HostId | null
  /** @param path below /internal @throws NOT_FOUND */
  admit(operation: 'SESSION /runs/:run/session' | 'SESSION /sessions/:session', id: string): Promise<TakeSocket>
}
type TakeSocket = (socket: WebSocket) => void

export type AgentListener = { port: number; watch: AgentWatch; stop(): Promise<void> }

/** Its own certificate is made anew each week, and counts for a month. */
const RENEW_EVERY_MS = 7 * 24 * 3600_000
const LISTENER_LIFE_MS = 30 * 24 * 3600_000
const FAREWELL_MS = 2_000

type ListenerContext = ApiContext & { sessions: AgentSessions; requestTimeoutMs: number }

/** @throws ADDRESS_IN_USE */
export async function listenForAgents(context: ListenerContext): Promise<AgentListener> {
  const { authority, now, log, config, signal, sessions } = context
  const watch = createAgentWatch(context)
  const admission: AdmitContext = { ...context, watch, hostOfSession: sessions.hostOfSession }
  const server = createServer(
    {
      ...(await credentials(authority, now())),
      requestCert: true,
      // Judged request by request, so that whoever is refused is told why.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      requestTimeout: context.requestTimeoutMs,
      headersTimeout: 30_000,
      keepAliveTimeout: 10_000,
    },
    createAgentApi(context, admission),
  )
  server.on('tlsClientError', (error) => log.debug('connection of an agent refused', { error }))
  takeUpgrades(server, (request) => admitSession(request, admission, sessions))
  const over = new AbortController()
  void repeat(
    RENEW_EVERY_MS,
    async () => server.setSecureContext(await credentials(authority, now())),
    AbortSignal.any([signal, over.signal]),
    (error) => log.error('certificate of the listener for agents not renewed', { error }),
  )
  const port = await listen(server, config.internalAddress, config.internalPort)
  return {
    port,
    watch,
    async stop() {
      over.abort()
      await close(server)
    },
  }
}

async function credentials(authority: Authority, now: number): Promise<{ key: string; cert: string; ca: string }> {
  const { key, chain } = await authority.certifyListener(now + LISTENER_LIFE_MS)
  return { key, cert: chain, ca: authority.certificate }
}

function createAgentApi(context: ListenerContext, admission: AdmitContext): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', 'simple')
  app.use(nameRequest)
  const admit = (route: string) => admitAgentsTo(route, admission)
  // First what is no JSON: layers come as they are.
  app.use(
    '/internal',
    routerOf({ ...admissionRoutes(context), ...internalRoutes(context), ...offeredBuildpackRoutes(context) }, admit),
  )
  app.use('/internal', ...readBody, routerOf(enrolmentRoutes(context), admit))
  app.use(noSuchPage)
  app.use(answerError(context.log))
  return app
}

const nameRequest: RequestHandler = (_req, res, next) => {
  res.setHeader('X-Request-Id', randomUUID())
  res.setHeader('Cache-Control', 'no-store')
  next()
}

async function admitSession(
  request: IncomingMessage,
  admission: AdmitContext,
  sessions: AgentSessions,
): Promise<TakeSocket> {
  const path = (request.url ?? '').split('?')[0] ?? ''
  for (const operation of ['SESSION /runs/:run/session', 'SESSION /sessions/:session'] as const) {
    const pattern = operation.replace('SESSION ', '/internal').replace(/:\w+/, '([^/]+)')
    const [, id] = new RegExp(`^${pattern}$`).exec(path) ?? []
    if (id === undefined) continue
    await admitAgent(request.socket as TLSSocket, agentOperations[operation], id, admission)
    return sessions.admit(operation, id)
  }
  throw notFound('page', path.slice(0, 200))
}

/** @throws ADDRESS_IN_USE */
function listen(server: Server, address: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(codeOf(error) === 'EADDRINUSE' ? addressInUse('BERTH_INTERNAL_PORT', address, port) : error),
    )
    server.listen(port, address, () => resolve((server.address() as AddressInfo).port))
  })
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), FAREWELL_MS)
  await closed
  clearTimeout(timer)
}
