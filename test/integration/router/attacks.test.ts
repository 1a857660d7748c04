import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep } from '#core/runtime/clock.ts'
import { silentLog } from '#core/runtime/log.ts'
import { Clock } from '../../../router/clock.ts'
import { start } from '../../../router/index.ts'
import { Clients, defaultClientLimits } from '../../../router/quota/clients.ts'
import { Guests } from '../../../router/quota/guests.ts'
import { Quotas } from '../../../router/quota/quotas.ts'
import {
  anApp,
  deadPort,
  get,
  httpApp,
  quick,
  quickSettings,
  rawApp,
  routerConfig,
  startWorld,
  talk,
  until,
  type TestApp,
  type World,
} from './support.ts'

const UPGRADE =
  'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
const AGREED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

const END = Buffer.alloc(50_000, 'x')

/** The router's end of a connection from that port: it is of this process. */
const routerSideOf = (port: number | undefined): Socket | undefined =>
  (process as unknown as { _getActiveHandles(): Socket[] })
    ._getActiveHandles()
    .find(({ remotePort, destroyed }) => remotePort === port && !destroyed)

describe('what would stay for ever, or get around a limit', function () {
  this.timeout(15_000)
  let world: World
  const apps: TestApp[] = []
  const serve = async (app: TestApp, settings: Partial<typeof quickSettings> = {}) => {
    apps.push(app)
    await world.route([anApp('app', [app.endpoint], { settings: { ...quickSettings, ...settings } })])
  }
  before(async () => {
    world = await startWorld({ tunnelIdleMs: 400, writeStallMs: 700, heldMs: 5_000 })
  })
  beforeEach(() => void (world.requests.length = 0))
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.stop()))
  })
  after(() => world.stop())

  it('H68: a WebSocket whose client has ended its side, to an app that keeps its own open', async () => {
    await serve(await rawApp((socket) => (socket.once('data', () => socket.write(AGREED)).allowHalfOpen = true)))
    const client = talk(world.port, UPGRADE)
    await client.hear('101 Switching')
    client.socket.end()
    await client.end()
    await until(() => world.requests.length === 1)
  })

  for (const [what, bytes] of [
    ['an informational response', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['a part of a head', 'HTTP/1.1 2'],
  ] as const)
    it(`A15: a request whose app says ${what} before it has the body, and nothing after it`, async () => {
      await serve(await rawApp((socket) => socket.once('data', () => socket.write(bytes))))
      const client = talk(world.port, 'POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\n\r\nab')
      await sleep(200)
      client.send('cd')
      assert.match(await client.hear('Berth-Error'), /HTTP\/1\.1 504 [\s\S]*Berth-Error: timeout\r\n/)
      client.socket.destroy()
    })

  it('H68: a client that never takes in the end of the last answer', async () => {
    const client = talk(world.port)
    await once(client.socket, 'connect')
    client.socket.pause()
    const unsent = () => routerSideOf(client.socket.localPort)?.writableLength ?? 0
    // Little enough is left over that the router was never told to wait before it writes on.
    await serve(
      await rawApp((socket) =>
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n')
          const piece = setInterval(() => (unsent() > 0 ? (clearInterval(piece), socket.end()) : socket.write(END)), 5)
          socket.on('close', () => clearInterval(piece))
        }),
      ),
    )
    client.send('GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n')
    await until(() => world.requests.length === 1, 10_000)
    assert.ok(unsent() > 0)
    await until(() => unsent() === 0)
    client.socket.destroy()
  })

  it('a body limit is one of requests, not of what a WebSocket says in its life', async () => {
    await serve(
      await rawApp((socket) =>
        socket.once('data', () => {
          socket.write(AGREED)
          socket.on('data', (bytes) => socket.write(bytes))
        }),
      ),
      { bodyLimitBytes: 10 },
    )
    const client = talk(world.port, UPGRADE)
    await client.hear('101 Switching')
    client.send('x'.repeat(20))
    await client.hear('x'.repeat(20))
    client.socket.destroy()
  })

  it('a sticky cookie does not push an instance beyond what it may have', async () => {
    const open: ServerResponse[] = []
    await serve(
      await httpApp((request, response) => {
        if (request.url === '/first') return void response.end()
        open.push(response)
      }),
      { sticky: true, concurrency: { soft: 1, hard: 1 } },
    )
    const first = await get(world.port, 'app.test', '/first')
    const Cookie = String(first.headers['set-cookie']).split(';')[0] ?? ''
    const asked = [1, 2].map(() => get(world.port, 'app.test', '/', { headers: { Cookie } }))
    await until(() => open.length === 1)
    await sleep(150)
    assert.equal(open.length, 1)
    open[0]?.end()
    await until(() => open.length === 2)
    open[1]?.end()
    assert.deepEqual(await Promise.all(asked.map(async (each) => (await each).status)), [200, 200])
  })
})

describe('clients behind a load balancer that is trusted', () => {
  it('Q04: are limited one by one, and not as the one that the load balancer would be', async () => {
    const world = await startWorld()
    const home = await mkdtemp(join(tmpdir(), 'berth-router-'))
    const config = { ...routerConfig(world.redis.url, home), trustedProxies: ['127.0.0.0/8'] }
    const router = await start(config, silentLog, quick)
    const ask = async (address: string) =>
      (await get(router.port, 'nobody.test', '/', { headers: { 'X-Forwarded-For': address } })).status
    let refused = false
    for (let asked = 0; asked < 400 && !refused; asked += 1) refused = (await ask('192.0.2.1')) === 429
    assert.equal(refused, true)
    assert.equal(await ask('192.0.2.2'), 404)
    await router.stop()
    await world.stop()
    await rm(home, { recursive: true, force: true })
  }).timeout(15_000)

  it('Q02: have as many connections through it as they need, and others have what one may have', () => {
    const clients = new Clients({ ...defaultClientLimits, connections: 1, exempt: () => false })
    const guests = new Guests(clients, new Quotas(1), new Clock())
    for (let opened = 0; opened < 3; opened += 1) assert.notEqual(guests.open('192.0.2.9', true), null)
    assert.notEqual(guests.open('192.0.2.1', false), null)
    assert.equal(guests.open('192.0.2.1', false), null)
  })
})

describe('figures for Prometheus', () => {
  it("have the bytes of requests that were turned away with their app's", async () => {
    const world = await startWorld()
    await world.route([anApp('app', [], { settings: { ...quickSettings, maintenance: true } })])
    const home = await mkdtemp(join(tmpdir(), 'berth-router-'))
    const routerMetricsPort = await deadPort()
    const router = await start({ ...routerConfig(world.redis.url, home), routerMetricsPort }, silentLog, quick)
    assert.equal((await get(router.port, 'app.test')).status, 503)
    const page = (await get(routerMetricsPort, '127.0.0.1', '/metrics')).body
    assert.match(page, /receive_bytes_total\{[^}]*app="a-app"\} [1-9]/)
    assert.doesNotMatch(page, /receive_bytes_total\{[^}]*app="others"\} [1-9]/)
    await router.stop()
    await world.stop()
    await rm(home, { recursive: true, force: true })
  }).timeout(10_000)
})
