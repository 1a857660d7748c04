import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import {
  anApp,
  deadPort,
  endpointAt,
  get,
  httpApp,
  rawApp,
  startWorld,
  talk,
  until,
  type TestApp,
  type World,
} from './support.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const handshake = (path = '/', rest = '') =>
  `GET ${path} HTTP/1.1\r\nHost: ws.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n${rest}\r\n`

/** Agrees to a WebSocket and returns every byte it gets. */
async function echoApp(): Promise<TestApp> {
  const app = await httpApp((request, response) => response.end(JSON.stringify(request.headers)))
  app.server.on('upgrade', (request: { headers: Record<string, string> }, socket: Socket, head: Buffer) => {
    const key = request.headers['sec-websocket-key'] ?? ''
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\nhello,`,
    )
    socket.write(head)
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  return app
}

describe('a WebSocket through the router', () => {
  let world: World
  const apps: TestApp[] = []
  const route = async (app: TestApp) => {
    apps.push(app)
    await world.route([anApp('ws', [app.endpoint])])
  }
  before(async () => {
    world = await startWorld({ tunnelIdleMs: 400 })
  })
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.stop()))
  })
  after(() => world.stop())

  it('H61: opens after the app’s own 101, and loses no byte of either side', async () => {
    await route(await echoApp())
    const client = talk(world.port, `${handshake()}early,`)
    const text = await client.hear('hello,early,')
    assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
    assert.match(text, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/)
    client.send('more,')
    await client.hear('more,')
    client.socket.end()
    await client.end()
    await until(() => apps[0]?.connections.size === 0)
  })

  it('counts as in flight while it is open, and as one request with its bytes', async () => {
    const app = await echoApp()
    await route(app)
    const client = talk(world.port, handshake())
    await client.hear('hello,')
    await world.route([])
    await until(async () => (await world.report())?.draining[app.endpoint.instanceId] === 1)
    world.requests.length = 0
    client.send('x'.repeat(10_000))
    await client.hear(/x{10000}/)
    client.socket.destroy()
    await until(async () => Object.keys((await world.report())?.draining ?? { some: 1 }).length === 0)
    await until(() => world.requests.length === 1)
    assert.equal(world.requests[0]?.['status'], 101)
    assert.ok(Number(world.requests[0]?.['bytes']) > 10_000)
  })

  it('is closed after silence of both sides', async () => {
    await route(await echoApp())
    const client = talk(world.port, handshake())
    await client.hear('hello,')
    await client.end()
    await until(() => apps[0]?.connections.size === 0)
  })

  it('closes when the app closes', async () => {
    const app = await echoApp()
    await route(app)
    const client = talk(world.port, handshake())
    await client.hear('hello,')
    for (const socket of app.connections) socket.destroy()
    await client.end()
  })

  it('H63: an app’s refusal is a plain answer, and no tunnel', async () => {
    let asked = 0
    const app = await httpApp(() => {})
    app.server.on('upgrade', (_: unknown, socket: Socket) => {
      asked += 1
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
    })
    await route(app)
    const text = await talk(world.port, `${handshake()}GET /smuggled HTTP/1.1\r\nHost: ws.test\r\n\r\n`).end()
    assert.match(text, /^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*\r\n\r\nno$/)
    assert.equal(asked, 1)
  })

  it('H64: a 101 that agrees to something else becomes a 502', async () => {
    for (const said of ['HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n', 'HTTP/1.1 101 X\r\n\r\n']) {
      await route(await rawApp((socket) => socket.once('data', () => socket.write(said))))
      const text = await talk(world.port, handshake()).end()
      assert.match(text, /^HTTP\/1\.1 502 [\s\S]*Berth-Error: bad-response\r\n/)
    }
  })

  it('becomes a 502 when the app closes instead of answering, and a 504 when it says nothing', async () => {
    await route(await rawApp((socket) => socket.once('data', () => socket.destroy())))
    assert.match(await talk(world.port, handshake()).end(), /^HTTP\/1\.1 502 [\s\S]*Berth-Error: app-closed\r\n/)
    await route(await rawApp((socket) => void socket.resume()))
    assert.match(await talk(world.port, handshake()).end(), /^HTTP\/1\.1 504 [\s\S]*Berth-Error: timeout\r\n/)
  }).timeout(10_000)

  it('is tried on another instance when one does not accept connections', async () => {
    const app = await echoApp()
    apps.push(app)
    await world.route([anApp('ws', [endpointAt(await deadPort()), app.endpoint])])
    for (let i = 0; i < 4; i += 1) {
      const client = talk(world.port, handshake())
      await client.hear('hello,')
      client.socket.destroy()
    }
  })

  it('is answered by the router where no app answers', async () => {
    await world.route([])
    assert.match(await talk(world.port, handshake()).end(), /^HTTP\/1\.1 404 [\s\S]*Berth-Error: unknown-host\r\n/)
  })

  const others: [string, string][] = [
    [
      'h2c',
      'GET / HTTP/1.1\r\nHost: ws.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n',
    ],
    ['a list', 'GET / HTTP/1.1\r\nHost: ws.test\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n'],
    [
      'a websocket with a body',
      'POST / HTTP/1.1\r\nHost: ws.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi',
    ],
    [
      'one that Connection does not name',
      `GET / HTTP/1.1\r\nHost: ws.test\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
    ],
  ]
  for (const [what, bytes] of others)
    it(`H62: serves ${what} as if no upgrade was asked for, and closes`, async () => {
      await route(await echoApp())
      const text = await talk(world.port, bytes).end()
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
      assert.doesNotMatch(text, /"upgrade"|http2-settings/)
    })

  it('H62: upgrades behind another request of the same connection only when that one is answered', async () => {
    await route(await echoApp())
    const client = talk(world.port, `GET / HTTP/1.1\r\nHost: ws.test\r\n\r\n${handshake()}early,`)
    const text = await client.hear('hello,early,')
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\}HTTP\/1\.1 101 Switching Protocols\r\n/)
    client.socket.destroy()
    assert.equal((await get(world.port, 'ws.test')).status, 200)
  })
})
