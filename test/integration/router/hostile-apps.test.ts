import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import {
  anApp,
  deadPort,
  endpointAt,
  get,
  httpApp,
  rawApp,
  sayingApp,
  startWorld,
  talk,
  until,
  type TestApp,
  type World,
} from './support.ts'

describe('an app that misbehaves', () => {
  let world: World
  const apps: TestApp[] = []
  const route = async (...made: TestApp[]) => {
    apps.push(...made)
    await world.route([
      anApp(
        'bad',
        made.map(({ endpoint }) => endpoint),
      ),
    ])
  }
  before(async () => {
    world = await startWorld()
  })
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.stop()))
  })
  after(() => world.stop())

  const answers: [id: string, what: string, bytes: string, status: number, code: string][] = [
    ['A01', 'two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc', 502, 'bad-response'],
    [
      'A01',
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      502,
      'bad-response',
    ],
    [
      'A02',
      'a coding under the chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      502,
      'bad-response',
    ],
    [
      'A05',
      'informational responses without end',
      'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'.repeat(200),
      502,
      'bad-response',
    ],
    [
      'A06',
      'a 101 that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhi',
      502,
      'bad-response',
    ],
    ['A06', 'a bare 101', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 502, 'bad-response'],
    ['A07', 'a bare line feed', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', 502, 'bad-response'],
    ['A08', 'the status 000', 'HTTP/1.1 000 No\r\nContent-Length: 0\r\n\r\n', 502, 'bad-response'],
    ['A08', 'the status 099', 'HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n', 502, 'bad-response'],
    ['A08', 'the status 999', 'HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n', 502, 'bad-response'],
    ['A08', 'the status 1000', 'HTTP/1.1 1000 No\r\nContent-Length: 0\r\n\r\n', 502, 'bad-response'],
    [
      'A12',
      'a head that is too large',
      `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(20_000)}\r\nContent-Length: 0\r\n\r\n`,
      502,
      'bad-response',
    ],
    [
      'A12',
      'more fields than it takes',
      `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(1000)}Content-Length: 0\r\n\r\n`,
      502,
      'bad-response',
    ],
    ['A00', 'something that is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 502, 'bad-response'],
  ]
  for (const [id, what, bytes, status, code] of answers)
    it(`${id}: ${what} becomes a ${status} ${code}`, async () => {
      await route(await sayingApp(bytes))
      const reply = await get(world.port, 'bad.test')
      assert.deepEqual([reply.status, reply.headers['berth-error']], [status, code])
    })

  it('A03: bytes after a response never reach another client', async () => {
    let number = 0
    await route(
      await rawApp((socket) =>
        socket.on('data', () => {
          number += 1
          socket.write(
            `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${number}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`,
          )
        }),
      ),
    )
    for (const wanted of ['1', '2', '3']) assert.equal((await get(world.port, 'bad.test')).body, wanted)
  })

  it('A04: a body where none may be is dropped', async () => {
    await route(await sayingApp('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'))
    const client = talk(world.port, 'HEAD / HTTP/1.1\r\nHost: bad.test\r\n\r\n')
    await client.hear(/\r\n\r\n$/)
    client.send('GET / HTTP/1.1\r\nHost: bad.test\r\nConnection: close\r\n\r\n')
    assert.equal((await client.end()).match(/hello/g)?.length, 1)
    for (const status of [204, 304]) {
      await route(await sayingApp(`HTTP/1.1 ${status} X\r\nContent-Length: 5\r\n\r\nhello`))
      const text = await talk(world.port, 'GET / HTTP/1.1\r\nHost: bad.test\r\nConnection: close\r\n\r\n').end()
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `))
      assert.doesNotMatch(text, /hello/)
    }
  })

  it('A05: a few informational responses are passed on before the real one, but for a 100', async () => {
    await route(
      await sayingApp(
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      ),
    )
    const text = await talk(world.port, 'GET / HTTP/1.1\r\nHost: bad.test\r\nConnection: close\r\n\r\n').end()
    assert.match(text, /^HTTP\/1\.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP\/1\.1 200 [\s\S]*ok$/)
    const old = await talk(world.port, 'GET / HTTP/1.0\r\nHost: bad.test\r\n\r\n').end()
    assert.match(old, /^HTTP\/1\.1 200 /, 'an HTTP/1.0 client knows of none (RFC 9110 §15.2)')
  })

  it('A08: a reason phrase is not passed on', async () => {
    await route(await sayingApp('HTTP/1.1 200 \xc3\xa9vil\r\nContent-Length: 0\r\n\r\n'))
    const text = await talk(world.port, 'GET / HTTP/1.1\r\nHost: bad.test\r\nConnection: close\r\n\r\n').end()
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
  })

  it('A09: closing before or within the head becomes a 502 app-closed', async () => {
    for (const bytes of ['', 'HTTP/1.1 200 OK\r\nContent-Le']) {
      await route(await rawApp((socket) => socket.once('data', () => socket.end(bytes))))
      const reply = await get(world.port, 'bad.test', '/', { method: 'POST', body: 'x' })
      assert.deepEqual([reply.status, reply.headers['berth-error']], [502, 'app-closed'])
    }
  })

  it('A09: a kept connection that the app closed meanwhile is no reason to fail a GET', async () => {
    let connections = 0
    await route(
      await rawApp((socket) => {
        connections += 1
        let requests = 0
        socket.on('data', () => {
          requests += 1
          // Closes without a word when asked again.
          if (requests > 1) return void socket.destroy()
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        })
      }),
    )
    assert.equal((await get(world.port, 'bad.test')).body, 'ok')
    assert.equal((await get(world.port, 'bad.test')).body, 'ok')
    assert.equal(connections, 2)
    const post = await get(world.port, 'bad.test', '/', { method: 'POST' })
    assert.equal(post.headers['berth-error'], 'app-closed', 'a POST may have had its effect')
  })

  it('A09: an app that dies on a fresh connection is not asked twice', async () => {
    let asked = 0
    await route(
      await rawApp((socket) =>
        socket.on('data', () => {
          asked += 1
          socket.destroy()
        }),
      ),
    )
    assert.equal((await get(world.port, 'bad.test')).headers['berth-error'], 'app-closed')
    assert.equal(asked, 1)
  })

  const halves: [string, string, (app: Socket) => void][] = [
    ['within a length, by closing', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', (socket) => socket.end()],
    [
      'within a length, by a reset',
      'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf',
      (socket) => socket.resetAndDestroy(),
    ],
    [
      'within a chunk, by closing',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf',
      (socket) => socket.end(),
    ],
    [
      'between chunks, by closing',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
      (socket) => socket.end(),
    ],
    ['within a chunk, by silence', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf', () => {}],
  ]
  for (const [how, bytes, end] of halves)
    it(`A10: half a response (${how}) resets the client, and is never ended cleanly`, async () => {
      await route(await sayingApp(bytes, (socket) => setTimeout(() => end(socket), 50)))
      for (const version of ['1.1', '1.0']) {
        const client = talk(world.port, `GET / HTTP/${version}\r\nHost: bad.test\r\n\r\n`)
        const text = await client.end()
        assert.match(text, /half/)
        assert.equal(client.ended(), 'reset')
        assert.doesNotMatch(text, /0\r\n\r\n$/)
      }
    }).timeout(10_000)

  it('A11: a response that ends with its connection is passed on in chunks', async () => {
    await route(await sayingApp('HTTP/1.1 200 OK\r\n\r\nhello', (socket) => socket.end()))
    const reply = await get(world.port, 'bad.test')
    assert.deepEqual([reply.body, reply.headers['transfer-encoding']], ['hello', 'chunked'])
  })

  it('A13: fields of the connection, and our own, are not passed on', async () => {
    await route(
      await sayingApp(
        'HTTP/1.1 200 OK\r\nConnection: X-Int, Set-Cookie, keep-alive\r\nX-Int: 1\r\nKeep-Alive: timeout=999\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTrailer: X\r\nBerth-Error: quota-requests\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n',
      ),
    )
    const { headers } = await get(world.port, 'bad.test')
    for (const gone of ['x-int', 'proxy-authenticate', 'upgrade', 'trailer', 'berth-error'])
      assert.equal(headers[gone], undefined, gone)
    assert.doesNotMatch(String(headers['keep-alive']), /999/)
    assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2'])
  })

  it('A15: silence before the first byte becomes a 504', async () => {
    await route(await rawApp((socket) => void socket.resume()))
    const reply = await get(world.port, 'bad.test')
    assert.deepEqual([reply.status, reply.headers['berth-error']], [504, 'timeout'])
    await until(() => apps[0]?.connections.size === 0)
  }).timeout(10_000)

  it('is left for another instance when it does not accept connections, whatever the method', async () => {
    const good = await httpApp((request, response) => request.pipe(response))
    apps.push(good)
    const dead = await Promise.all([deadPort(), deadPort()])
    await world.route([anApp('bad', [...dead.map((port) => endpointAt(port)), good.endpoint])])
    for (let i = 0; i < 10; i += 1) {
      const reply = await get(world.port, 'bad.test', '/', { method: 'POST', body: 'once' })
      assert.deepEqual([reply.status, reply.body], [200, 'once'])
    }
  })

  it('becomes a 502 connect-failed when no instance accepts connections', async () => {
    await world.route([anApp('bad', [endpointAt(await deadPort()), endpointAt(await deadPort())])])
    const reply = await get(world.port, 'bad.test')
    assert.deepEqual([reply.status, reply.headers['berth-error']], [502, 'connect-failed'])
    assert.match(reply.body, /^bad: No instance of this app accepts connections\./)
  })
})
