/**
 * An API that answers as the contract says, out of a made-up place in memory, and serves the built console beside it with the
 * controller's own headers: for pictures, the benchmark, and tests of what a real platform cannot be made to say (hostile names,
 * thousands of instances, a session that ends).
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler } from 'express'
import type { LiveTopic, LiveTopics } from '#core/contract/live.ts'
import { consoleFiles } from '../../../controller/api/console.ts'
import { securityHeaders } from '../../../controller/api/server.ts'
import { alertRoutes } from './alert-routes.ts'
import { appOf, appRoutes } from './app-routes.ts'
import { createLive, type Live } from './live.ts'
import { makePlace, type Place } from './place.ts'
import { accountRoutes, peopleRoutes } from './people-routes.ts'
import { placeRoutes } from './place-routes.ts'
import { drainRoutes, webhookRoutes } from './webhook-routes.ts'
import { authenticate, sessionRoutes, type People, type Somebody } from './sessions.ts'

export type SimulatedApi = {
  url: string
  place: Place
  live: Live
  people: People
  /** Tells all who follow of new and changed things. */
  tell<Topic extends LiveTopic>(topic: Topic, put: LiveTopics[Topic][], drop?: string[]): void
  /** Every answer from now on takes so long. */
  delayMs: number
  /** `POST /apps/shop/rollback {"release":3}`: what was asked that changes something. */
  asked: string[]
  /** What an app's log says next. */
  log(app: string, line: string, source?: 'app' | 'router' | 'build' | 'platform', ps?: string): void
  stop(): Promise<void>
}

export const operator: Somebody = {
  email: 'ana@northwind.example',
  name: 'Ana Keller',
  password: 'correct horse battery',
  operator: true,
  memberships: [],
}
export const viewer: Somebody = {
  email: 'viewer@northwind.example',
  name: 'Vera Lang',
  password: 'only looking around',
  operator: false,
  memberships: [{ tenant: 'northwind', role: 'viewer' }],
}
export const member: Somebody = {
  email: 'jonas@northwind.example',
  name: 'Jonas Weber',
  password: 'deploys every friday',
  operator: false,
  memberships: [{ tenant: 'northwind', role: 'member' }],
}

/**
 * @param place left out: one of a size that one may look at
 * @param port left out: a free one. On the port of one before it, a browser has the console's files already.
 */
export async function startSimulatedApi(place = makePlace(Date.now()), port = 0): Promise<SimulatedApi> {
  // Copies: what somebody changes of their account ends with this API.
  const known = [operator, viewer, member].map((one) => ({ ...one }))
  const people: People = { known, sessions: new Map(), codes: new Map([['once-operator', known[0] ?? operator]]) }
  const live = createLive(place)
  const stopping = new AbortController()
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  const server = createServer(app)
  const api: SimulatedApi = {
    url: '',
    place,
    live,
    people,
    delayMs: 0,
    asked: [],
    tell: (topic, put, drop = []) => live.tell(topic, { put, drop }),
    log: (name, line, source = 'app', ps = 'web.1') =>
      live.log(name, { at: new Date().toISOString(), source, ps, line }),
    async stop() {
      stopping.abort()
      await close(server)
    },
  }
  app.use(securityHeaders())
  app.use('/v1', express.json())
  app.use('/v1', (req, _res, next) => {
    if (req.method !== 'GET') api.asked.push(`${req.method} ${req.path} ${JSON.stringify(req.body ?? null)}`)
    if (api.delayMs === 0) next()
    else setTimeout(() => next(), api.delayMs)
  })
  app.use('/v1', sessionRoutes(people))
  app.use('/v1', authenticate(people))
  app.use('/v1', live.routes(stopping.signal))
  app.use('/v1', appRoutes(api, stopping.signal))
  app.use('/v1', placeRoutes(api))
  app.use('/v1', peopleRoutes(people))
  app.use('/v1', accountRoutes())
  app.use('/v1', webhookRoutes(api))
  app.use('/v1', drainRoutes(api))
  app.use(
    '/v1',
    alertRoutes(place, (req) => void (req.params.app === undefined || appOf(req, api, 'write'))),
  )
  app.use('/v1', (_req, res) => problem(res, 404, 'NOT_FOUND', 'There is no such page.'))
  app.use(consoleFiles())
  app.use(answerError)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return api
}

/** What is thrown by the routes is what they refuse. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export function problem(res: express.Response, status: number, code: string, detail: string): void {
  res.status(status).type('application/problem+json')
  res.send(
    JSON.stringify({ type: `urn:berth:error:${code}`, title: code, status, detail, code, requestId: 'simulated' }),
  )
}

const answerError: ErrorRequestHandler = (error: unknown, _req, res, _next) => {
  if (res.headersSent) return void res.destroy()
  if (error instanceof Refusal) problem(res, error.status, error.code, error.message)
  else problem(res, 500, 'INTERNAL', error instanceof Error ? error.message : 'Something broke.')
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
