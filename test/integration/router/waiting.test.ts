import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { sleep } from '#core/runtime/clock.ts'
import {
  anApp,
  get,
  httpApp,
  quickSettings,
  rawApp,
  startWorld,
  talk,
  until,
  type TestApp,
  type World,
} from './support.ts'

describe('what the router waits for, and for how long', () => {
  let world: World
  const apps: TestApp[] = []
  const keep = (app: TestApp) => {
    apps.push(app)
    return app
  }
  before(async () => {
    world = await startWorld({ heldMs: 3_000, bodyMs: 300, minBodyRate: 100, writeStallMs: 700, keepAliveMs: 500 })
  })
  beforeEach(() => void (world.requests.length = 0))
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.stop()))
  })
  after(() => world.stop())

  it('a request to an app that is starting waits for its instance', async () => {
    const app = keep(await httpApp((request, response) => request.pipe(response)))
    await world.route([anApp('app', [], { health: 'starting' })])
    const waiting = get(world.port, 'app.test', '/', { method: 'POST', body: 'waited' })
    await sleep(100)
    await world.route([anApp('app', [app.endpoint])])
    assert.deepEqual((await waiting).body, 'waited')
  })

  it('it is told when the wait was for nothing, or too long', async () => {
    await world.route([anApp('app', [], { health: 'starting' })])
    const first = get(world.port, 'app.test')
    await sleep(50)
    await world.route([anApp('app', [], { health: 'crashed' })])
    assert.equal((await first).headers['berth-error'], 'app-crashed')
    await world.route([anApp('app', [], { health: 'starting' })])
    const second = await get(world.port, 'app.test')
    assert.deepEqual([second.status, second.headers['berth-error']], [503, 'app-starting'])
  }).timeout(10_000)

  it('a client that leaves while its request waits is forgotten', async () => {
    let asked = 0
    const app = keep(
      await httpApp((_, response) => {
        asked += 1
        response.end()
      }),
    )
    await world.route([anApp('app', [], { health: 'starting' })])
    const client = talk(world.port, 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
    await sleep(100)
    client.socket.destroy()
    await until(() => world.requests.some(({ code }) => code === 'client-left'))
    await world.route([anApp('app', [app.endpoint])])
    await get(world.port, 'app.test')
    assert.equal(asked, 1)
  })

  it('requests beyond what an instance may have wait their turn, and each gets one', async () => {
    let now = 0
    let most = 0
    const open: ServerResponse[] = []
    const app = keep(
      await httpApp((_, response) => {
        now += 1
        most = Math.max(most, now)
        response.once('close', () => (now -= 1))
        open.push(response)
      }),
    )
    await world.route([
      anApp('app', [app.endpoint], { settings: { ...quickSettings, concurrency: { soft: 1, hard: 2 } } }),
    ])
    const replies = [1, 2, 3, 4, 5, 6].map(() => get(world.port, 'app.test'))
    for (let answered = 0; answered < 6; answered += 1) {
      await until(() => open.length > 0)
      open.shift()?.end('done')
    }
    assert.deepEqual(
      (await Promise.all(replies)).map(({ body }) => body),
      Array(6).fill('done'),
    )
    assert.equal(most, 2)
  }).timeout(10_000)

  it('H68: a body that comes too slowly is given up, at the app too', async () => {
    let aborted = false
    const app = keep(
      await httpApp((request) => {
        request.on('error', () => {})
        request.resume().on('close', () => (aborted = !request.complete))
      }),
    )
    await world.route([anApp('app', [app.endpoint])])
    const client = talk(world.port, 'POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 1000\r\n\r\nstart')
    const drip = setInterval(() => client.ended() ?? client.send('x'), 100)
    const text = await client.end()
    clearInterval(drip)
    assert.match(text, /^HTTP\/1\.1 408 [\s\S]*Berth-Error: bad-request\r\n/)
    await until(() => aborted)
  }).timeout(10_000)

  it('H68: a body that comes slowly but steadily is not', async () => {
    const app = keep(await httpApp((request, response) => request.resume().on('end', () => response.end('all of it'))))
    await world.route([anApp('app', [app.endpoint])])
    const client = talk(world.port, 'POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 2000\r\n\r\n')
    const drip = setInterval(() => client.ended() ?? client.send('x'.repeat(100)), 50)
    await client.hear('all of it').finally(() => clearInterval(drip))
    client.socket.destroy()
  }).timeout(10_000)

  it('H68: a client that reads nothing of its answer is reset', async () => {
    const flood = keep(await httpApp((_, response) => void response.end(Buffer.alloc(50_000_000))))
    await world.route([anApp('app', [flood.endpoint])])
    const client = talk(world.port)
    client.socket.pause()
    client.send('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
    await until(() => world.requests.some(({ app, code }) => app === 'app' && code === 'client-left'), 8_000)
    await until(() => flood.connections.size === 0)
    client.socket.destroy()
  }).timeout(12_000)

  it('H68: an idle connection is closed without a word', async () => {
    const client = talk(world.port, 'GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n')
    await client.hear('No app answers')
    const before = client.received().length
    await client.end()
    assert.equal(client.received().length, before)
  })

  it('H22: a body that ends early never reaches the app as a whole one', async () => {
    let complete: boolean | null = null
    const app = keep(
      await httpApp((request) => {
        request.on('error', () => {})
        request.resume().on('close', () => (complete = request.complete))
      }),
    )
    await world.route([anApp('app', [app.endpoint])])
    const client = talk(world.port, 'POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 100\r\n\r\nhalf')
    await until(() => app.connections.size === 1)
    client.socket.end()
    await until(() => complete !== null)
    assert.equal(complete, false)
  })

  it('A17: an app that accepts and never reads is given up', async () => {
    const deaf = keep(await rawApp((socket: Socket) => void socket.pause()))
    await world.route([anApp('app', [deaf.endpoint])])
    const client = talk(world.port)
    client.send(`POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 50000000\r\n\r\n${'x'.repeat(20_000_000)}`)
    const text = await client.end().catch(() => client.received())
    assert.match(text, /^HTTP\/1\.1 504 [\s\S]*Berth-Error: timeout\r\n/)
  }).timeout(15_000)

  it('A15: an app that drips its answer out with pauses is cut when a pause is too long', async () => {
    const drip = keep(
      await rawApp((socket) => socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx'))),
    )
    await world.route([anApp('app', [drip.endpoint])])
    const client = talk(world.port, 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
    await client.end()
    assert.equal(client.ended(), 'reset')
  }).timeout(10_000)

  it('a body larger than the app takes is refused before, or cut when it shows', async () => {
    let seen = 0
    const app = keep(
      await httpApp((request, response) => {
        request.on('error', () => {})
        request.resume().on('end', () => {
          seen += 1
          response.end('taken')
        })
      }),
    )
    await world.route([anApp('app', [app.endpoint], { settings: { ...quickSettings, bodyLimitBytes: 10 } })])
    const told = await get(world.port, 'app.test', '/', { method: 'POST', body: 'x'.repeat(11) })
    assert.deepEqual([told.status, told.headers['berth-error']], [413, 'body-too-large'])
    const text = await talk(
      world.port,
      'POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nxxxxxx\r\n6\r\nxxxxxx\r\n0\r\n\r\n',
    ).end()
    assert.match(text, /^HTTP\/1\.1 413 /)
    assert.equal((await get(world.port, 'app.test', '/', { method: 'POST', body: 'x'.repeat(10) })).body, 'taken')
    assert.equal(seen, 1)
  })
})
