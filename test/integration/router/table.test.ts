import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { AppId } from '#core/domain/ids.ts'
import { sleep } from '#core/runtime/clock.ts'
import { silentLog } from '#core/runtime/log.ts'
import { connectStore } from '#core/store/connection.ts'
import { loadRouters, putRoutes } from '#core/store/routes.ts'
import { usageBetween } from '#core/store/usage.ts'
import { startRedis } from '#test/helpers/redis.ts'
import { start } from '../../../router/index.ts'
import {
  anApp,
  endpointAt,
  get,
  httpApp,
  quick,
  rawApp,
  routerConfig,
  startWorld,
  talk,
  until,
  type TestApp,
  type World,
} from './support.ts'

describe('the route table in a router', () => {
  let world: World
  const apps: TestApp[] = []
  const app = async (...[listener]: Parameters<typeof httpApp>) => {
    const made = await httpApp(listener)
    apps.push(made)
    return made
  }
  beforeEach(async () => {
    world = await startWorld()
  })
  afterEach(async () => {
    await world.stop()
    await Promise.all(apps.splice(0).map((made) => made.stop()))
  })

  it('is acknowledged, and requests in flight on a removed instance are reported until they are over', async () => {
    let finish: ServerResponse | null = null
    const old = await app((_, response) => void (finish = response))
    const fresh = await app((_, response) => response.end('new'))
    await world.route([anApp('app', [old.endpoint])])
    const slow = get(world.port, 'app.test')
    await until(() => finish !== null)
    assert.deepEqual((await world.report())?.draining, {}, 'an instance in the table is not draining')

    const version = await world.route([anApp('app', [fresh.endpoint])])
    assert.deepEqual(await world.report(), {
      id: world.router.id,
      tableVersion: version,
      draining: { [old.endpoint.instanceId]: 1 },
    })
    assert.equal((await get(world.port, 'app.test')).body, 'new')

    const toldAt = Date.now()
    ;(finish as ServerResponse | null)?.end('old')
    assert.equal((await slow).body, 'old')
    await until(async () => Object.keys((await world.report())?.draining ?? { some: 1 }).length === 0)
    assert.ok(Date.now() - toldAt < 900, 'it is told at once, not with the next heartbeat')
    await until(() => old.connections.size === 0)
  })

  it('never reaches a new instance through a connection to an old one at the same address', async () => {
    let connections = 0
    const shared = await app((_, response) => response.end('x'))
    shared.server.on('connection', () => (connections += 1))
    await world.route([anApp('app', [shared.endpoint])])
    await get(world.port, 'app.test')
    await world.route([anApp('other', [{ ...endpointAt(0), port: shared.endpoint.port }])])
    await get(world.port, 'other.test')
    assert.equal(connections, 2)
  })

  it('stays in use when Redis goes away, and is replaced when it is back', async () => {
    const one = await app((_, response) => response.end('one'))
    const two = await app((_, response) => response.end('two'))
    await world.route([anApp('app', [one.endpoint])])
    await world.redis.stop()
    assert.equal((await get(world.port, 'app.test')).body, 'one')
    await sleep(300)
    assert.equal((await get(world.port, 'app.test')).body, 'one')

    const successor = await startRedis(world.redis.url)
    try {
      // It lost everything, and its numbers start again.
      await until(async () => (await world.report().catch(() => undefined)) !== undefined, 8_000)
      assert.equal((await get(world.port, 'app.test')).body, 'one', 'an empty Redis is no reason to drop what runs')
      await putRoutes(world.store, { version: 1, apps: [anApp('app', [two.endpoint])], tenants: {} })
      await until(async () => (await get(world.port, 'app.test')).body === 'two')
    } finally {
      await world.router.stop()
      await successor.stop()
    }
  }).timeout(20_000)

  it('is looked for even when its announcement was lost', async () => {
    const one = await app((_, response) => response.end('one'))
    await world.route([])
    const quiet = connectStore(world.redis.url)
    quiet.publish = () => Promise.resolve(0)
    try {
      await putRoutes(quiet, { version: 7, apps: [anApp('app', [one.endpoint])], tenants: {} })
      await until(async () => (await world.report())?.tableVersion === 7)
    } finally {
      quiet.disconnect()
    }
    assert.equal((await get(world.port, 'app.test')).body, 'one')
  }).timeout(6_000)

  it('limits a tenant to its rate over all of its apps, and leaves others alone', async () => {
    const plain = await app((_, response) => response.end('x'))
    const rate = { perSecond: 0.5, burst: 3 }
    await world.route(
      [
        anApp('one', [plain.endpoint]),
        anApp('two', [plain.endpoint]),
        anApp('other', [plain.endpoint], { tenantId: 't-other' as never }),
      ],
      { 't-one': { requests: rate } },
    )
    const statuses: number[] = []
    for (const host of ['one.test', 'two.test', 'one.test', 'two.test'])
      statuses.push((await get(world.port, host)).status)
    assert.deepEqual(statuses, [200, 200, 200, 429])
    const refused = await get(world.port, 'one.test')
    assert.equal(refused.headers['berth-error'], 'quota-requests')
    assert.ok(Number(refused.headers['retry-after']) >= 1 && Number(refused.headers['retry-after']) <= 4)
    assert.equal((await get(world.port, 'other.test')).status, 200)
  })

  it('Q06: accounts requests and the bytes on the wire to the app', async () => {
    const echo = await app((request, response) => request.pipe(response))
    await world.route([anApp('app', [echo.endpoint])])
    const body = 'x'.repeat(50_000)
    let received = 0
    const began = Date.now()
    const clients = [1, 2].map(() => {
      const client = talk(
        world.port,
        `POST / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
      return client
    })
    for (const client of clients) received += (await client.end()).length
    const usage = () => usageBetween(world.store, `app:${'a-app' as AppId}`, began, Date.now())
    await until(async () => (await usage()).requestOutBytes >= received)
    const totals = await usage()
    assert.equal(totals.requests, 2)
    assert.equal(totals.requestOutBytes, received)
    assert.equal(
      totals.requestInBytes,
      clients.reduce((sum, { socket }) => sum + socket.bytesWritten, 0),
    )
  })
})

describe('starting and stopping a router', () => {
  it('says which setting to change when its port is taken', async () => {
    const world = await startWorld()
    const other = await rawApp(() => {})
    const taken = other.endpoint.port
    try {
      const config = { ...routerConfig(world.redis.url, world.home), httpPort: taken }
      await assert.rejects(start(config, silentLog), (error: Error) => {
        assert.match(error.message, /BERTH_HTTP_PORT/)
        assert.match(error.message, new RegExp(String(taken)))
        assert.doesNotMatch(error.message, /\n/)
        return true
      })
    } finally {
      await other.stop()
      await world.stop()
    }
  })

  it('serves nothing before it has a table', async () => {
    const redis = await startRedis()
    await redis.stop()
    let started = false
    const home = await mkdtemp(join(tmpdir(), 'berth-router-'))
    const config = routerConfig(redis.url, home)
    const starting = start(config, silentLog, quick).then((router) => {
      started = true
      return router
    })
    await sleep(200)
    assert.equal(started, false)
    const late = await startRedis(redis.url)
    try {
      const router = await starting
      assert.equal((await get(router.port, 'nobody.test')).status, 404)
      await router.stop()
    } finally {
      await late.stop()
      await rm(home, { recursive: true, force: true })
    }
  }).timeout(15_000)

  it('lets requests finish, refuses new connections, cuts WebSockets after a moment, and leaves the list', async () => {
    const world = await startWorld()
    let finish: ServerResponse | null = null
    const app = await httpApp((_, response) => void (finish = response))
    app.server.on('upgrade', (_: unknown, socket: Socket) => {
      socket.on('error', () => {})
      socket.write('HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nopen')
    })
    const store = connectStore(world.redis.url)
    try {
      await world.route([anApp('app', [app.endpoint])])
      const idle = talk(world.port)
      const slow = talk(world.port, 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
      const tunnel = talk(
        world.port,
        'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n',
      )
      await tunnel.hear('open')
      await until(() => finish !== null)
      const stopped = world.router.stop()
      await idle.end()
      await tunnel.end()
      await assert.rejects(get(world.port, 'app.test'), { code: 'ECONNREFUSED' })
      ;(finish as ServerResponse | null)?.end('finished')
      const text = await slow.end()
      assert.match(text, /finished/)
      assert.match(text, /\r\nConnection: close\r\n/)
      await stopped
      assert.deepEqual(await loadRouters(store), [])
    } finally {
      store.disconnect()
      world.store.disconnect()
      await app.stop()
      await world.redis.stop()
    }
  })

  it('tells a WebSocket that it goes away, between two frames of the app and never within one', async () => {
    const world = await startWorld({ drainTunnelMs: 3_000 })
    let say: (bytes: string) => void = () => {}
    const app = await httpApp(() => {})
    app.server.on('upgrade', (_: unknown, socket: Socket) => {
      socket.on('error', () => {})
      socket.write('HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      say = (bytes) => void socket.write(bytes, 'latin1')
    })
    const handshake =
      'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
    try {
      await world.route([anApp('app', [app.endpoint])])
      const quiet = talk(world.port, handshake)
      await quiet.hear('101 Switching')
      say('\x81\x02hi')
      await quiet.hear('hi')
      const amid = talk(world.port, handshake)
      await amid.hear('101 Switching')
      say('\x81\x05he')
      await amid.hear('he')
      const stopped = world.router.stop()
      assert.ok((await quiet.end()).endsWith('\x81\x02hi\x88\x02\x03\xe9'))
      assert.doesNotMatch(amid.received(), /\x88/)
      say('llo\x81\x05other')
      assert.ok((await amid.end()).endsWith('\x81\x05hello\x88\x02\x03\xe9'))
      assert.deepEqual([quiet.ended(), amid.ended()], ['closed', 'closed'])
      await stopped
    } finally {
      world.store.disconnect()
      await app.stop()
      await world.redis.stop()
    }
  }).timeout(10_000)

  it('does not wait for ever for a request', async () => {
    const world = await startWorld()
    const app = await httpApp(() => {})
    try {
      await world.route([anApp('app', [app.endpoint])])
      const stuck = talk(world.port, 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
      await until(() => app.connections.size === 1)
      await world.router.stop()
      await stuck.end()
      assert.notEqual(stuck.ended(), null)
    } finally {
      world.store.disconnect()
      await app.stop()
      await world.redis.stop()
    }
  }).timeout(10_000)
})
