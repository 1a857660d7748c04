import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AppId } from '#core/domain/ids.ts'
import { defaultTraffic, noCaps } from '#core/domain/quota.ts'
import { defaultRouteSettings } from '#core/domain/route.ts'
import { refusalsOf } from '#core/domain/usage.ts'
import { sleep } from '#core/runtime/clock.ts'
import { loadRequests } from '#core/store/answered.ts'
import { connectStore } from '#core/store/connection.ts'
import { keys } from '#core/store/keys.ts'
import { putRoutes } from '#core/store/routes.ts'
import { usageBetween } from '#core/store/usage.ts'
import { startRedis } from '#test/helpers/redis.ts'
import { anApp, deadPort, get, httpApp, rawApp, startWorld, talk, until, type TestApp, type World } from './support.ts'

describe('a tenant’s quota, through the router', function () {
  this.timeout(10_000)
  let world: World
  const apps: TestApp[] = []
  const began = Date.now()
  const kept = <T extends TestApp>(app: T): T => {
    apps.push(app)
    return app
  }
  beforeEach(async () => {
    world = await startWorld()
  })
  afterEach(async () => {
    await world.stop()
    await Promise.all(apps.splice(0).map((app) => app.stop()))
  })
  const usage = () => usageBetween(world.store, `app:${'a-app' as AppId}`, began, Date.now())

  it('Q01: refuses requests beyond the rate with what the client needs to know, and counts them', async () => {
    const app = kept(await httpApp((_, response) => response.setHeader('RateLimit', '"mine";r=7').end('x')))
    await world.route([anApp('app', [app.endpoint])], { 't-one': { requests: { perSecond: 0.5, burst: 2 } } })
    const first = await get(world.port, 'app.test')
    assert.equal(first.headers['ratelimit'], '"mine";r=7', 'an app’s own limits are its own to tell')
    await get(world.port, 'app.test')
    const refused = await get(world.port, 'app.test')
    assert.equal(refused.status, 429)
    assert.equal(refused.headers['berth-error'], 'quota-requests')
    assert.equal(refused.headers['ratelimit-policy'], '"requests";q=1;w=2;berth-burst=2')
    assert.equal(refused.headers['ratelimit'], `"requests";r=0;t=${String(refused.headers['retry-after'])}`)
    await until(async () => (await usage()).refusedRate >= 1)
    const used = await usage()
    assert.deepEqual([used.requests, refusalsOf(used)], [2, 1])
  })

  it('Q05: is told by Berth-Error alone, which no app can say', async () => {
    const app = kept(
      await httpApp((_, response) => response.writeHead(429, { 'Berth-Error': 'quota-requests' }).end('no')),
    )
    await world.route([anApp('app', [app.endpoint])])
    const answer = await get(world.port, 'app.test')
    assert.deepEqual([answer.status, answer.headers['berth-error']], [429, undefined])
  })

  it('Q01: limits requests in flight, and lets the next in when one has ended', async () => {
    const open: ServerResponse[] = []
    const app = kept(await httpApp((_, response) => void open.push(response)))
    await world.route([anApp('app', [app.endpoint])], { 't-one': { concurrent: 2 } })
    const waiting = [get(world.port, 'app.test'), get(world.port, 'app.test')]
    await until(() => open.length === 2)
    const refused = await get(world.port, 'app.test')
    assert.deepEqual([refused.status, refused.headers['berth-error']], [503, 'quota-concurrency'])
    assert.equal(refused.headers['retry-after'], '1')
    for (const response of open) response.end('x')
    for (const { status } of await Promise.all(waiting)) assert.equal(status, 200)
    const next = get(world.port, 'app.test')
    await until(() => open.length === 3)
    open[2]?.end('x')
    assert.equal((await next).status, 200)
  })

  it('Q01: limits connections of clients, and one that is refused does not stay', async () => {
    const app = kept(await httpApp((_, response) => response.end('x')))
    await world.route([anApp('app', [app.endpoint])], { 't-one': { connections: 1 } })
    const request = 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n'
    const first = talk(world.port, request)
    await first.hear('200 OK')
    first.send(request)
    await first.hear(/200 OK[^]*200 OK/)
    const second = talk(world.port, request)
    assert.match(await second.end(), /^HTTP\/1\.1 503 [^]*Berth-Error: quota-connections/)
    first.socket.destroy()
    await until(async () => (await get(world.port, 'app.test')).status === 200)
  })

  it('Q01: limits WebSockets, which are no connections any more', async () => {
    const app = kept(
      await rawApp((socket) =>
        socket.once('data', () =>
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
        ),
      ),
    )
    await world.route([anApp('app', [app.endpoint])], { 't-one': { webSockets: 1, connections: 1 } })
    const upgrade =
      'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
    const first = talk(world.port, upgrade)
    await first.hear('101 Switching')
    await until(async () => (await usage()).webSockets === 1)
    assert.match(await talk(world.port, upgrade).end(), /^HTTP\/1\.1 503 [^]*Berth-Error: quota-websockets/)
    first.socket.destroy()
    await until(async () => {
      const next = talk(world.port, upgrade)
      await until(() => /^HTTP\/1\.1 \d+ .*\r\n\r\n/s.test(next.received()))
      next.socket.destroy()
      return next.received().startsWith('HTTP/1.1 101')
    })
    await until(async () => (await usage()).refusedWebSockets >= 1)
  })

  it('refuses all when the month’s requests are used up, while the app goes on', async () => {
    const app = kept(await httpApp((_, response) => response.end('x')))
    await world.route([anApp('app', [app.endpoint])], { 't-one': { stopped: Date.now() + 100_000 } })
    const refused = await get(world.port, 'app.test')
    assert.deepEqual([refused.status, refused.headers['berth-error']], [503, 'quota-budget'])
    const seconds = Number(refused.headers['retry-after'])
    assert.ok(seconds > 80 && seconds <= 100, `${seconds}`)
    await world.route([anApp('app', [app.endpoint])], { 't-one': { stopped: Date.now() - 1 } })
    assert.equal((await get(world.port, 'app.test')).status, 200)
  })

  it('holds an app to its own part of the tenant’s', async () => {
    const app = kept(await httpApp((_, response) => response.end('x')))
    const quota = { ...noCaps, requests: { perSecond: 0.1, burst: 1 } }
    await world.route([
      anApp('small', [app.endpoint], { settings: { ...defaultRouteSettings, quota } }),
      anApp('large', [app.endpoint]),
    ])
    const statuses: number[] = []
    for (const host of ['small.test', 'small.test', 'large.test']) statuses.push((await get(world.port, host)).status)
    assert.deepEqual(statuses, [200, 429, 200])
  })

  it('Q04: hosts that nobody has cost only the client’s own budget, and a few lines of log', async () => {
    const app = kept(await httpApp((_, response) => response.end('x')))
    await world.route([anApp('app', [app.endpoint])])
    const statuses = new Map<number, number>()
    for (let i = 0; i < 200; i += 1) {
      const { status } = await get(world.port, `host-${i}.test`)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
    assert.ok((statuses.get(404) ?? 0) >= 100 && (statuses.get(429) ?? 0) > 0, JSON.stringify([...statuses]))
    assert.equal((await get(world.port, 'app.test')).status, 200)
    await until(() => world.requests.some(({ code }) => code === null))
    assert.ok(world.requests.length < 150, `${world.requests.length} lines`)
  })
})

describe('what was used', function () {
  this.timeout(60_000)

  it('while Redis was away is counted once, even if the router is killed then', async () => {
    const home = await mkdtemp(join(tmpdir(), 'berth-router-'))
    let redis = await startRedis()
    let store = connectStore(redis.url)
    const app = await httpApp((_, response) => response.end('x'))
    const began = Date.now()
    const ports = [await deadPort(), await deadPort()] as const
    const httpsPort = await deadPort()
    const routers: ChildProcess[] = []
    const startRouter = (port: number) => {
      const child = spawn(process.execPath, [join(import.meta.dirname, '../../../router/worker.ts')], {
        env: {
          ...process.env,
          BERTH_HOME: home,
          BERTH_REDIS_URL: redis.url,
          BERTH_HTTP_PORT: String(port),
          BERTH_HTTPS_PORT: String(httpsPort),
        },
        stdio: 'ignore',
      })
      routers.push(child)
      return child
    }
    const answers = async (port: number) => (await get(port, 'app.test').catch(() => null))?.status === 200
    const table = { apps: [anApp('app', [app.endpoint])], tenants: { 't-one': defaultTraffic } }
    try {
      await putRoutes(store, { version: 1, ...table })
      const first = startRouter(ports[0])
      let asked = 0
      const ask = async (port: number) => {
        if (await answers(port)) asked += 1
      }
      await until(async () => {
        await ask(ports[0])
        return asked >= 5
      }, 30_000)
      store.disconnect()
      await redis.stop()
      for (let i = 0; i < 20; i += 1) await ask(ports[0])
      assert.ok(asked >= 25)
      await until(async () => (await readdir(join(home, 'router'))).some((name) => name.endsWith('.json')), 20_000)
      await sleep(1_000)
      first.kill('SIGKILL')
      await once(first, 'exit')

      redis = await startRedis(redis.url)
      store = connectStore(redis.url)
      await putRoutes(store, { version: 1, ...table })
      const { instanceId } = app.endpoint
      await store.hset(keys.instance(instanceId), 'desired', '{}')
      startRouter(ports[1])
      const used = () => usageBetween(store, `app:${'a-app' as AppId}`, began, Date.now())
      await until(async () => (await used()).requests >= asked, 30_000)
      assert.equal((await used()).requests, asked)
      await until(async () => (await readdir(join(home, 'router'))).length === 0)
      assert.deepEqual([...(await loadRequests(store, [instanceId]))], [[instanceId, asked]])
    } finally {
      for (const router of routers) router.kill('SIGKILL')
      store.disconnect()
      await redis.stop()
      await app.stop()
      await rm(home, { recursive: true, force: true })
    }
  })
})
