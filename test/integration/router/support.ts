/** A router with a real Redis, real apps behind it, and clients that speak bytes. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createHttpServer, request as httpRequest, type RequestListener } from 'node:http'
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import type { AppId, AppName, InstanceId, TenantId } from '#core/domain/ids.ts'
import { defaultRouteSettings, type AppRoute, type Endpoint, type RouterReport } from '#core/domain/route.ts'
import { defaultTraffic, type TrafficQuota } from '#core/domain/quota.ts'
import { sleep } from '#core/runtime/clock.ts'
import { silentLog, type Fields, type Log } from '#core/runtime/log.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { loadRouters, putRoutes } from '#core/store/routes.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis.ts'
import { start, type Router } from '../../../router/index.ts'
import { defaultLimits, type Limits } from '../../../router/limits.ts'

export const quick: Limits = {
  ...defaultLimits,
  checkMs: 50,
  ejectMs: 400,
  heldMs: 400,
  lingerMs: 200,
  drainMs: 1_500,
  drainIdleMs: 100,
  drainTunnelMs: 100,
}

export const quickSettings = { ...defaultRouteSettings, firstByteMs: 1_500, idleMs: 1_500 }

export type World = {
  redis: TestRedis
  store: Store
  router: Router
  home: string
  port: number
  /** What the router logged, one entry per request. */
  requests: Fields[]
  /** Stores a table with these apps, and waits until the router serves from it. @returns its version */
  route(apps: AppRoute[], quotas?: Record<string, Partial<TrafficQuota>>): Promise<number>
  report(): Promise<RouterReport | undefined>
  stop(): Promise<void>
}

/** Of a router on ports that are free. */
export const routerConfig = (redisUrl: string, home: string) => ({
  redisUrl,
  home,
  httpAddress: '127.0.0.1',
  httpPort: 0,
  httpsPort: 0,
  proxyProtocol: false,
  trustedProxies: [],
  domain: 'berth.test',
  certificatesKeyFile: join(home, 'certificates-key'),
  routerMetricsPort: null,
})

export async function startWorld(limits: Partial<Limits> = {}): Promise<World> {
  const redis = await startRedis()
  const store = connectStore(redis.url)
  const requests: Fields[] = []
  const log: Log = {
    ...silentLog,
    info: (event, fields = {}) => void (event === 'request' && requests.push(fields)),
  }
  const home = await mkdtemp(join(tmpdir(), 'berth-router-'))
  const config = routerConfig(redis.url, home)
  const router = await start(config, log, { ...quick, ...limits })
  let version = 0
  const report = async () => (await loadRouters(store)).find(({ id }) => id === router.id)
  return {
    redis,
    store,
    router,
    home,
    port: router.port,
    requests,
    report,
    async route(apps, quotas = {}) {
      version += 1
      const tenants = Object.fromEntries(
        Object.entries(quotas).map(([id, quota]) => [id, { ...defaultTraffic, ...quota }]),
      )
      await putRoutes(store, { version, apps, tenants })
      await until(async () => (await report())?.tableVersion === version)
      return version
    },
    async stop() {
      await router.stop()
      store.disconnect()
      await redis.stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}

export async function until(condition: () => Promise<boolean> | boolean, ms = 5_000): Promise<void> {
  const began = Date.now()
  while (!(await condition())) {
    const waited = Date.now() - began
    if (waited > ms) throw new Error(`did not happen within ${ms} ms: ${condition.toString()}`)
    // What takes long is not asked for all the time, as that takes the time from it.
    await sleep(Math.min(100, 10 + waited / 10))
  }
}

export function anApp(name: string, endpoints: Endpoint[], rest: Partial<AppRoute> = {}): AppRoute {
  return {
    appId: `a-${name}` as AppId,
    name: name as AppName,
    tenantId: 't-one' as TenantId,
    addresses: [{ host: `${name}.test`, path: '/' }],
    settings: quickSettings,
    health: endpoints.length > 0 ? 'serving' : 'stopped',
    endpoints,
    ...rest,
  }
}

export type TestApp = { endpoint: Endpoint; server: Server; connections: Set<Socket>; stop(): Promise<void> }

let instances = 0

export const endpointAt = (port: number): Endpoint => {
  instances += 1
  return { instanceId: `i-${instances}` as InstanceId, epoch: 1, host: '127.0.0.1', port }
}

/** An app that speaks HTTP as it should. */
export const httpApp = (listener: RequestListener): Promise<TestApp> => listen(createHttpServer(listener))

/** An app that says what it likes, byte by byte. */
export const rawApp = (onConnection: (socket: Socket) => void): Promise<TestApp> =>
  listen(
    createServer((socket) => {
      socket.on('error', () => {})
      onConnection(socket)
    }),
  )

/** An app that answers every request that it sees in full with these bytes. */
export const sayingApp = (bytes: string, after: (socket: Socket) => void = () => {}): Promise<TestApp> =>
  rawApp((socket) => {
    let seen = ''
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1')
      while (seen.includes('\r\n\r\n')) {
        seen = seen.slice(seen.indexOf('\r\n\r\n') + 4)
        socket.write(bytes, 'latin1', () => after(socket))
      }
    })
  })

async function listen(server: Server): Promise<TestApp> {
  const connections = new Set<Socket>()
  server.on('connection', (socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: endpointAt((server.address() as AddressInfo).port),
    server,
    connections,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of connections) socket.destroy()
      await closed
    },
  }
}

/** A port on which nothing listens. */
export async function deadPort(): Promise<number> {
  const app = await rawApp(() => {})
  await app.stop()
  return app.endpoint.port
}

export type Reply = { status: number; headers: Record<string, string | string[] | undefined>; body: string }

export function get(
  port: number,
  host: string,
  path = '/',
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Reply> {
  const { method = 'GET', headers = {}, body } = options
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port, path, method, headers: { Host: host, ...headers }, agent: false },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
        response.on('error', reject)
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

export type Conversation = {
  socket: Socket
  /** All that came so far. */
  received(): string
  /** How the router ended the connection: null while it is open. */
  ended(): 'closed' | 'reset' | null
  send(bytes: string): void
  /** Waits until this was received. */
  hear(text: string | RegExp): Promise<string>
  /** Waits until the router ended the connection. */
  end(): Promise<string>
}

/** A client that sends exactly these bytes. */
export function talk(port: number, bytes = ''): Conversation {
  let text = ''
  let ended: 'closed' | 'reset' | null = null
  const socket = connect(port, '127.0.0.1')
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  socket.on('error', () => (ended = 'reset'))
  socket.on('close', () => (ended ??= 'closed'))
  const send = (more: string) => void socket.write(more, 'latin1')
  if (bytes !== '') send(bytes)
  return {
    socket,
    received: () => text,
    ended: () => ended,
    send,
    async hear(wanted) {
      await until(() => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text))).catch(() => {
        throw new Error(`never heard ${String(wanted)}, only: ${JSON.stringify(text.slice(0, 2000))}`)
      })
      return text
    },
    async end() {
      await until(() => ended !== null).catch(() => {
        throw new Error(`the connection stayed open after: ${JSON.stringify(text.slice(0, 2000))}`)
      })
      return text
    },
  }
}
