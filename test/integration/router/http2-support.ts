/** A router behind TLS whose clients may agree to HTTP/2, and clients that write their frames themselves. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type ClientHttp2Session,
  type ClientSessionOptions,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import type { AppRoute } from '#core/domain/route.ts'
import { silentLog, type Fields, type Log } from '#core/runtime/log.ts'
import { makeCertificate } from '#test/helpers/certificates.ts'
import { Pools } from '../../../router/app/pools.ts'
import type { DoorContext, OpenConnection } from '../../../router/client/connection.ts'
import { accept, acceptHttp2, createListener } from '../../../router/client/listener.ts'
import { Clock } from '../../../router/clock.ts'
import { Counters } from '../../../router/counters.ts'
import { Held } from '../../../router/held.ts'
import type { Limits } from '../../../router/limits.ts'
import { Clients } from '../../../router/quota/clients.ts'
import { Guests } from '../../../router/quota/guests.ts'
import { Pacer } from '../../../router/quota/pacer.ts'
import { Quotas } from '../../../router/quota/quotas.ts'
import { Requests } from '../../../router/requests.ts'
import { RefusalSampler } from '../../../router/sampler.ts'
import { indexTable } from '../../../router/table.ts'
import { createTlsListener } from '../../../router/tls.ts'
import { Usage, type Used } from '../../../router/usage.ts'
import { anApp, endpointAt, quick, quickSettings, rawApp, type TestApp } from './support.ts'

export type SecureWorld = {
  /** Of TLS, and of plain HTTP. */
  port: number
  plainPort: number
  certificate: string
  /** What the router logged, one entry per request. */
  requests: Fields[]
  live: ReadonlySet<OpenConnection>
  route(apps: AppRoute[]): void
  /** What an app's requests used so far. */
  used(app: string): Promise<Used['counters'] | undefined>
  /** Says that it will stop; connections are told at once. */
  drain(): void
  stop(): Promise<void>
}

export async function startSecureWorld(over: Partial<Limits> = {}): Promise<SecureWorld> {
  const limits = { ...quick, ...over }
  const { chain, key } = await makeCertificate('router.test', { names: ['*.test', 'one.test', 'two.test'] })
  const secureContext = createSecureContext({ cert: chain, key })
  const entries: Fields[] = []
  const log: Log = { ...silentLog, info: (event, fields = {}) => void (event === 'request' && entries.push(fields)) }
  let routes = indexTable({ version: 1, apps: [], tenants: {} })
  let draining = false
  const clock = new Clock()
  const pools = new Pools(routes, clock, () => {})
  const apps: DoorApps = new Set()
  const live = new Set<OpenConnection>()
  const counters = new Counters()
  const usage = new Usage(counters)
  const quotas = new Quotas(1)
  const guests = new Guests(new Clients(), quotas, clock)
  const requests = new Requests({
    ...{ log, logsRequests: true, limits, clock, pools, apps, usage, quotas, guests, counters },
    ...{ held: new Held(), pacer: new Pacer(quotas, clock), refusals: new RefusalSampler(), appLog: { add: () => {} } },
    ...{ routes: () => routes, ready: () => true, random: () => Math.random() },
    ...{ trusted: [], httpsPort: () => 443, onMistake: (error: unknown) => assert.fail(String(error)) },
    certificates: { challengeFor: () => null, isMisdirected: (name, host) => name !== null && name !== host },
  })
  const context: DoorContext = {
    events: requests,
    clock,
    limits,
    draining: () => draining,
    guests,
    trusted: [],
    onMistake: (error) => assert.fail(String(error)),
    live,
  }
  const tls = createTlsListener(
    {
      certificates: { contextFor: () => Promise.resolve(secureContext), unnamedContext: secureContext },
      log,
      protocols: ['h2', 'http/1.1'],
    },
    (socket, { serverName, protocol }) =>
      (protocol === 'h2' ? acceptHttp2 : accept)(socket, { secure: true, serverName }, context),
  )
  const plain = createListener(context)
  const sweeping = setInterval(() => {
    const now = clock.sweep()
    for (const client of live) client.sweep(now)
    for (const app of apps) app.sweep(now)
    pools.sweep(now)
    requests.forwarder.sweep(now)
  }, limits.checkMs)
  const [port, plainPort] = await Promise.all([listening(tls.server), listening(plain)])
  return {
    port,
    plainPort,
    certificate: chain,
    requests: entries,
    live,
    route(table) {
      routes = indexTable({ version: routes.version + 1, apps: table, tenants: {} })
      pools.useRoutes(routes)
      quotas.use((tenant) => routes.quotaOf(tenant), Date.now(), clock.tick())
      requests.forwarder.useRoutes()
    },
    async used(app) {
      for (const client of live) client.eachCall((call) => usage.settle(call))
      let found: Used['counters'] | undefined
      await usage.flush((changed) => {
        found = changed.find(({ appId }) => appId === `a-${app}`)?.counters
        return Promise.resolve()
      })
      return found
    },
    drain() {
      draining = true
      for (const client of [...live]) client.drain(false)
    },
    async stop() {
      tls.stop()
      tls.server.close()
      plain.close()
      for (const client of [...live]) client.cut()
      pools.stop()
      clearInterval(sweeping)
      await once(tls.server, 'close')
    },
  }
}

type DoorApps = ConstructorParameters<typeof Requests>[0]['apps']

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A client that speaks HTTP/2 as it should. */
export function connectTo(
  { port, certificate }: SecureWorld,
  options: ClientSessionOptions = {},
  name = 'one',
): ClientHttp2Session {
  const session = connectHttp2(`https://${name}.test:${port}`, {
    ...options,
    createConnection: () =>
      connectTls({ port, host: '127.0.0.1', servername: `${name}.test`, ca: certificate, ALPNProtocols: ['h2'] }),
  })
  session.on('error', () => {})
  return session
}

export type Answer = {
  status: number
  headers: IncomingHttpHeaders
  body: string
  trailers: IncomingHttpHeaders | null
  informational: IncomingHttpHeaders[]
}

/** @throws when the stream is reset */
export async function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined })
  const answer: Answer = { status: 0, headers: {}, body: '', trailers: null, informational: [] }
  stream.on('headers', (heads) => answer.informational.push(heads))
  stream.on('response', (heads) => Object.assign(answer, { headers: heads, status: heads[':status'] ?? 0 }))
  stream.on('trailers', (trailers) => (answer.trailers = trailers))
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => (answer.body += text))
  if (body !== undefined) stream.end(body)
  await once(stream, 'close')
  if (stream.rstCode !== 0) throw new Error(`reset with ${String(stream.rstCode)}`)
  return answer
}

/** An app that speaks HTTP/2 without TLS. */
export async function h2cApp(
  onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  options: Parameters<typeof createHttp2Server>[0] = {},
): Promise<TestApp & { sessions: Set<ServerHttp2Session> }> {
  const server = createHttp2Server(options)
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => {}).on('close', () => sessions.delete(session))
  })
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {})
    onStream(stream, headers)
  })
  const port = await listening(server)
  return {
    endpoint: endpointAt(port),
    server,
    sessions,
    connections: new Set<Socket>(),
    async stop() {
      server.close()
      for (const session of sessions) session.destroy()
      await once(server, 'close')
    },
  }
}

export const anH2cApp = (name: string, endpoints: AppRoute['endpoints']): AppRoute =>
  anApp(name, endpoints, { settings: { ...quickSettings, protocol: 'h2c' } })

/** RFC 9113 §3.4. */
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** RFC 9113 §6. */
export const DATA = 0
export const HEADERS = 1
export const RST_STREAM = 3
export const SETTINGS = 4
export const PING = 6
export const GOAWAY = 7
export const CONTINUATION = 9
export const END_STREAM = 1
export const END_HEADERS = 4

export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(payload)
  const head = Buffer.alloc(9)
  head.writeUIntBE(bytes.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, bytes])
}

export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Fields as literals that are neither indexed nor compressed (RFC 7541 §6.2.2). */
export const block = (...fields: [string, string][]): Buffer =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]))

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  // RFC 7541 §5.1: an integer with a prefix of seven bits.
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}

export const requestBlock = (...more: [string, string][]): Buffer =>
  block([':method', 'POST'], [':scheme', 'https'], [':authority', 'one.test'], [':path', '/'], ...more)

export type Frame = { type: number; flags: number; stream: number; payload: Buffer }

export type FrameTalk = { frames: Frame[]; send(...frames: Buffer[]): void; ended(): boolean; close(): void }

/** A client that sends exactly these frames, after the preface. */
export async function talkFrames({ port, certificate }: SecureWorld): Promise<FrameTalk> {
  const socket = connectTls({ port, host: '127.0.0.1', servername: 'one.test', ca: certificate, ALPNProtocols: ['h2'] })
  let ended = false
  socket.on('error', () => {}).on('close', () => (ended = true))
  await once(socket, 'secureConnect')
  const frames: Frame[] = []
  readFrames(socket, frames)
  socket.write(Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS, 0, 0)]))
  return {
    frames,
    send: (...more) => void (socket.writable && socket.write(Buffer.concat(more))),
    ended: () => ended,
    close: () => socket.destroy(),
  }
}

/** @param skip bytes of a preface */
function readFrames(socket: Socket, frames: Frame[], skip = 0): void {
  let kept = Buffer.alloc(0)
  socket.on('data', (bytes: Buffer) => {
    kept = Buffer.concat([kept, bytes.subarray(skip)])
    skip = Math.max(0, skip - bytes.length)
    while (kept.length >= 9 && kept.length >= 9 + kept.readUIntBE(0, 3)) {
      const end = 9 + kept.readUIntBE(0, 3)
      const [type = 0, flags = 0] = kept.subarray(3, 5)
      frames.push({ type, flags, stream: kept.readUInt32BE(5), payload: kept.subarray(9, end) })
      kept = kept.subarray(end)
    }
  })
}

/** An app that answers the head of each request with these frames, whatever it was. */
export const frameApp = (say: (socket: Socket, stream: number) => void): Promise<TestApp> =>
  rawApp((socket) => {
    const frames: Frame[] = []
    socket.write(frame(SETTINGS, 0, 0))
    readFrames(socket, frames, PREFACE.length)
    socket.on('data', () => {
      for (const { type, stream } of frames.splice(0)) if (type === HEADERS) say(socket, stream)
    })
  })
