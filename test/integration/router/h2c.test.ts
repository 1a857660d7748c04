import assert from 'node:assert/strict'
import { once } from 'node:events'
import { constants, type ClientHttp2Session } from 'node:http2'
import { anApp, deadPort, endpointAt, get, httpApp, sayingApp, talk, until, type TestApp } from './support.ts'
import {
  anH2cApp,
  ask,
  block,
  connectTo,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  frameApp,
  GOAWAY,
  h2cApp,
  HEADERS,
  number,
  RST_STREAM,
  startSecureWorld,
  type SecureWorld,
} from './http2-support.ts'

const response = (...fields: [string, string][]): Buffer => block([':status', '200'], ...fields)

describe('an app that asks for HTTP/2', function () {
  this.timeout(20_000)
  let world: SecureWorld
  const apps: TestApp[] = []
  const sessions: ClientHttp2Session[] = []
  const kept = <T extends TestApp>(app: T): T => {
    apps.push(app)
    return app
  }
  const session = (name = 'one') => {
    const made = connectTo(world, {}, name)
    sessions.push(made)
    return made
  }

  beforeEach(async () => {
    world = await startSecureWorld()
  })
  afterEach(async () => {
    for (const made of sessions.splice(0)) made.destroy()
    await world.stop()
    await Promise.all(apps.splice(0).map((app) => app.stop()))
  })

  it('is reached by clients of HTTP/1.1 and of HTTP/2, on one connection', async () => {
    const seen: Record<string, unknown>[] = []
    const app = kept(
      await h2cApp((stream, headers) => {
        seen.push(headers)
        let body = ''
        stream.setEncoding('utf8').on('data', (text: string) => (body += text))
        stream.on('end', () => {
          stream.respond({ ':status': 200, 'x-app': 'yes', 'berth-error': 'forged' })
          stream.end(`got ${body}`)
        })
      }),
    )
    world.route([anH2cApp('one', [app.endpoint])])
    const old = await get(world.plainPort, 'one.test', '/old', { method: 'POST', body: 'old' })
    assert.deepEqual([old.status, old.body, old.headers['x-app']], [200, 'got old', 'yes'])
    assert.equal(old.headers['berth-error'], undefined)
    const fresh = await ask(session(), { ':authority': 'one.test', ':method': 'POST', ':path': '/new' }, 'new')
    assert.deepEqual([fresh.status, fresh.body], [200, 'got new'])
    assert.equal(app.sessions.size, 1)
    assert.deepEqual(
      seen.map((headers) => [
        headers[':path'],
        headers[':authority'],
        headers[':scheme'],
        headers['x-forwarded-proto'],
      ]),
      [
        ['/old', 'one.test', 'http', 'http'],
        ['/new', 'one.test', 'http', 'https'],
      ],
    )
    assert.deepEqual(
      [seen[0]?.['te'], seen[0]?.['x-forwarded-for'], seen[0]?.['content-length']],
      ['trailers', '127.0.0.1', '3'],
    )
  })

  it('gets a client’s trailers, and its own reach who takes them', async () => {
    let trailers: unknown
    const app = kept(
      await h2cApp((stream) => {
        stream.on('trailers', (headers: Record<string, unknown>) => (trailers = headers['x-client']))
        stream.resume().on('end', () => {
          stream.respond({ ':status': 200 }, { waitForTrailers: true })
          stream.on('wantTrailers', () => stream.sendTrailers({ 'x-app': 'sum', 'set-cookie': 'no' }))
          stream.end('ok')
        })
      }),
    )
    world.route([anH2cApp('one', [app.endpoint])])
    const stream = session().request(
      { ':authority': 'one.test', ':method': 'POST', ':path': '/', te: 'trailers' },
      { waitForTrailers: true },
    )
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-client': 'sum' }))
    stream.end('body')
    const [got] = (await once(stream.resume(), 'trailers')) as [Record<string, unknown>]
    assert.deepEqual([got['x-app'], got['set-cookie'], trailers], ['sum', undefined, 'sum'])
    assert.equal((await get(world.plainPort, 'one.test')).body, 'ok')
  })

  it('is not sent more at once than it says that it takes', async () => {
    let open = 0
    let most = 0
    const app = kept(
      await h2cApp(
        (stream) => {
          open += 1
          most = Math.max(most, open)
          setTimeout(() => {
            open -= 1
            stream.respond({ ':status': 200 })
            stream.end('x')
          }, 20)
        },
        { settings: { maxConcurrentStreams: 2 } },
      ),
    )
    world.route([anH2cApp('one', [app.endpoint])])
    const answers = await Promise.all(Array.from({ length: 60 }, () => get(world.plainPort, 'one.test')))
    for (const { status } of answers) assert.equal(status, 200)
    assert.ok(app.sessions.size <= 8, `${app.sessions.size} sessions`)
    assert.ok(most <= 2 * 8, `${most} at once`)
  })

  it('that says it did not look at a request gets it again, also a POST', async () => {
    let times = 0
    const app = kept(
      await frameApp((socket) => {
        times += 1
        const id = 2 * times - 1
        if (times === 1) socket.write(frame(RST_STREAM, 0, 1, number(constants.NGHTTP2_REFUSED_STREAM)))
        else
          socket.write(
            Buffer.concat([frame(HEADERS, END_HEADERS, id, response()), frame(DATA, END_STREAM, id, 'second')]),
          )
      }),
    )
    world.route([anH2cApp('one', [app.endpoint])])
    const { status, body } = await get(world.plainPort, 'one.test', '/', { method: 'POST' })
    assert.deepEqual([status, body, times], [200, 'second', 2])
  })

  it('that goes away gets what it had not begun on a new connection', async () => {
    let times = 0
    const app = kept(
      await frameApp((socket) => {
        times += 1
        if (times === 1) socket.write(frame(GOAWAY, 0, 0, Buffer.concat([number(0), number(0)])))
        else
          socket.write(Buffer.concat([frame(HEADERS, END_HEADERS, 1, response()), frame(DATA, END_STREAM, 1, 'new')]))
      }),
    )
    world.route([anH2cApp('one', [app.endpoint])])
    assert.equal((await get(world.plainPort, 'one.test', '/', { method: 'POST' })).body, 'new')
  })

  it('that dies with a request gets no POST twice, and the client hears of it', async () => {
    let times = 0
    const app = kept(
      await frameApp((socket) => {
        times += 1
        socket.destroy()
      }),
    )
    world.route([anH2cApp('one', [app.endpoint])])
    const { status, headers } = await get(world.plainPort, 'one.test', '/', { method: 'POST' })
    assert.deepEqual([status, headers['berth-error'], times], [502, 'app-closed', 1])
  })

  for (const [what, code] of [
    ['without an error', constants.NGHTTP2_NO_ERROR],
    ['by cancelling', constants.NGHTTP2_CANCEL],
    ['with an error', constants.NGHTTP2_INTERNAL_ERROR],
  ] as const)
    it(`that breaks its answer off ${what} never has half of it taken for the whole`, async () => {
      const app = kept(
        await frameApp((socket, id) => {
          socket.write(Buffer.concat([frame(HEADERS, END_HEADERS, id, response()), frame(DATA, 0, id, 'half')]))
          // Together with the rest, it would be no answer at all.
          setTimeout(() => socket.write(frame(RST_STREAM, 0, id, number(code))), 100)
        }),
      )
      world.route([anH2cApp('one', [app.endpoint])])
      await assert.rejects(ask(session(), { ':authority': 'one.test' }), { code: 'ERR_HTTP2_STREAM_ERROR' })
      const client = talk(world.plainPort, 'GET / HTTP/1.1\r\nHost: one.test\r\n\r\n')
      const text = await client.end()
      assert.match(text, /half/)
      assert.doesNotMatch(text, /0\r\n\r\n$/)
    })

  it('that sends nonsense, an HTTP/1.1 answer, or nothing is a 502 or 504 to the client', async () => {
    const cases: [string, Promise<TestApp>, string][] = [
      ['upper case', frameApp((s) => s.write(frame(HEADERS, 5, 1, response(['X-Up', 'v'])))), 'bad-response'],
      ['connection', frameApp((s) => s.write(frame(HEADERS, 5, 1, response(['connection', 'close'])))), 'bad-response'],
      ['101', frameApp((s) => s.write(frame(HEADERS, 4, 1, block([':status', '101'])))), 'bad-response'],
      ['no status', frameApp((s) => s.write(frame(HEADERS, 5, 1, block(['x', 'y'])))), 'bad-response'],
      ['HTTP/1.1', sayingApp('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 'bad-response'],
      ['silence', frameApp(() => {}), 'timeout'],
    ]
    for (const [what, made, code] of cases) {
      const app = kept(await made)
      world.route([anH2cApp('one', [app.endpoint])])
      const { headers } = await get(world.plainPort, 'one.test')
      assert.equal(headers['berth-error'], code, what)
    }
    world.route([anH2cApp('one', [endpointAt(await deadPort())])])
    assert.equal((await get(world.plainPort, 'one.test')).headers['berth-error'], 'connect-failed')
  })

  it('gets no WebSocket, and the client is told', async () => {
    const app = kept(await h2cApp((stream) => stream.respond({ ':status': 200 }, { endStream: true })))
    world.route([anH2cApp('one', [app.endpoint])])
    const client = talk(
      world.plainPort,
      'GET / HTTP/1.1\r\nHost: one.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    assert.match(await client.hear('Berth-Error'), /^HTTP\/1.1 501 /)
  })

  it('hears when its client leaves, in the middle of its answer', async () => {
    let closed = -1
    const app = kept(
      await h2cApp((stream) => {
        stream.respond({ ':status': 200 })
        stream.write('endless')
        stream.on('close', () => (closed = stream.rstCode))
      }),
    )
    world.route([anH2cApp('one', [app.endpoint])])
    const stream = session().request({ ':authority': 'one.test' })
    await once(stream, 'response')
    stream.close(constants.NGHTTP2_CANCEL)
    await until(() => closed === constants.NGHTTP2_CANCEL)
  })

  it('H70: is never made to take half a request for a whole one', async () => {
    let ended = false
    let code = -1
    const app = kept(
      await h2cApp((stream) => {
        stream.resume().on('end', () => (ended = !stream.aborted))
        stream.on('close', () => (code = stream.rstCode))
      }),
    )
    world.route([anH2cApp('one', [app.endpoint])])
    const client = talk(
      world.plainPort,
      'POST / HTTP/1.1\r\nHost: one.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf',
    )
    await until(() => app.sessions.size === 1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    client.socket.destroy()
    await until(() => code >= 0)
    assert.deepEqual([ended, code], [false, constants.NGHTTP2_INTERNAL_ERROR])
  })

  it('is let go when it leaves the table, and may come back', async () => {
    const app = kept(
      await h2cApp((stream) => {
        stream.respond({ ':status': 200 })
        stream.end('x')
      }),
    )
    world.route([anH2cApp('one', [app.endpoint])])
    assert.equal((await get(world.plainPort, 'one.test')).status, 200)
    assert.equal(app.sessions.size, 1)
    world.route([])
    await until(() => app.sessions.size === 0)
    world.route([anH2cApp('one', [app.endpoint])])
    assert.equal((await get(world.plainPort, 'one.test')).status, 200)
  })

  it('and one that does not are served side by side (a canary)', async () => {
    const modern = kept(
      await h2cApp((stream) => {
        stream.respond({ ':status': 200 })
        stream.end('modern')
      }),
    )
    const plain = kept(await httpApp((_, answer) => answer.end('plain')))
    world.route([anH2cApp('one', [modern.endpoint]), anApp('two', [plain.endpoint])])
    const clients = { one: session('one'), two: session('two') }
    const bodies = await Promise.all(
      (['one', 'two', 'one', 'two'] as const).map(
        async (name) => (await ask(clients[name], { ':authority': `${name}.test` })).body,
      ),
    )
    assert.deepEqual(bodies, ['modern', 'plain', 'modern', 'plain'])
  })
})
