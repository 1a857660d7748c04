import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { anApp, get, httpApp, startWorld, talk, until, type TestApp, type World } from './support.ts'

describe('a request through the router', () => {
  let world: World
  const apps: TestApp[] = []
  const app = async (...[listener]: Parameters<typeof httpApp>) => {
    const made = await httpApp(listener)
    apps.push(made)
    return made
  }
  before(async () => {
    world = await startWorld()
  })
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((made) => made.stop()))
  })
  after(() => world.stop())

  it('reaches the app that claims its host, in any spelling of the host', async () => {
    const one = await app((_, response) => response.end('one'))
    const two = await app((_, response) => response.end('two'))
    await world.route([anApp('one', [one.endpoint]), anApp('two', [two.endpoint])])
    assert.equal((await get(world.port, 'one.test')).body, 'one')
    assert.equal((await get(world.port, 'TWO.test.:8080')).body, 'two')
  })

  it('tells the app who asked, and believes nothing of that from the client', async () => {
    const mirror = await app((request, response) => response.end(JSON.stringify(request.headers)))
    await world.route([anApp('mirror', [mirror.endpoint])])
    const { body } = await get(world.port, 'mirror.test:8080', '/', {
      headers: {
        'X-Forwarded-For': '6.6.6.6',
        'X-Forwarded-Prefix': '/evil',
        'X-Real-IP': '6.6.6.6',
        Forwarded: 'for=6.6.6.6',
        'X-Request-Id': 'mine',
        'X-Request-Start': '1',
        X_Forwarded_For: '6.6.6.6',
        'Keep-Alive': 'timeout=1',
        TE: 'trailers',
        Connection: 'close, x-internal, authorization',
        'X-Internal': 'secret',
        Authorization: 'Basic YTpi',
      },
    })
    const seen = JSON.parse(body) as Record<string, string>
    assert.equal(seen['host'], 'mirror.test:8080')
    assert.equal(seen['x-forwarded-for'], '127.0.0.1')
    assert.equal(seen['x-forwarded-proto'], 'http')
    assert.equal(seen['x-forwarded-host'], 'mirror.test:8080')
    assert.equal(seen['x-forwarded-port'], String(world.port))
    assert.ok(Math.abs(Number(seen['x-request-start']) - Date.now()) < 10_000)
    assert.match(seen['x-request-id'] ?? '', /^[0-9a-f-]{36}$/)
    assert.equal(seen['authorization'], 'Basic YTpi', 'a client cannot nominate an end-to-end field away')
    for (const gone of [
      'x-real-ip',
      'forwarded',
      'x-forwarded-prefix',
      'x_forwarded_for',
      'x-internal',
      'te',
      'keep-alive',
    ])
      assert.equal(seen[gone], undefined, gone)
  })

  it('carries a large body both ways unharmed', async () => {
    const digest = await app((request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/octet-stream' })
      request.pipe(response)
    })
    await world.route([anApp('echo', [digest.endpoint])])
    const body = randomBytes(5_000_000)
    const hash = createHash('sha256')
    const request = httpRequest({ port: world.port, method: 'POST', headers: { Host: 'echo.test' } })
    request.end(body)
    const [response] = (await once(request, 'response')) as [AsyncIterable<Buffer>]
    for await (const chunk of response) hash.update(chunk)
    assert.equal(hash.digest('hex'), createHash('sha256').update(body).digest('hex'))
  })

  it('hands on each event of a stream when it happens, also before the first one', async () => {
    let say: (text: string) => void = () => {}
    const events = await app((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.flushHeaders()
      say = (text) => (text === '' ? response.end() : response.write(text))
    })
    await world.route([anApp('events', [events.endpoint])])
    const client = talk(world.port, 'GET / HTTP/1.1\r\nHost: events.test\r\n\r\n')
    await client.hear('text/event-stream')
    say('data: first\n\n')
    await client.hear('data: first')
    assert.doesNotMatch(client.received(), /second/)
    say('data: second\n\n')
    await client.hear('data: second')
    say('')
    await client.hear('0\r\n\r\n')
    client.socket.destroy()
  })

  it('does not fill its memory when a client reads slowly', async () => {
    let written = 0
    const flood = await app((_, response) => {
      const chunk = Buffer.alloc(65_536, 'x')
      const more = () => {
        while (written < 200_000_000) {
          written += chunk.length
          if (!response.write(chunk)) return void response.once('drain', more)
        }
        response.end()
      }
      more()
    })
    await world.route([anApp('flood', [flood.endpoint])])
    const client = talk(world.port)
    client.socket.pause()
    client.send('GET / HTTP/1.1\r\nHost: flood.test\r\n\r\n')
    await until(() => written > 0)
    let before = -1
    await until(async () => {
      const still = written === before
      before = written
      await new Promise((resolve) => setTimeout(resolve, 150))
      return still
    })
    client.socket.destroy()
    assert.ok(written < 50_000_000, `the app could write ${written} bytes that nobody read`)
    await until(() => flood.connections.size === 0)
  })

  it('ends the request at the app when the client leaves', async () => {
    let left = false
    const slow = await app((request) => request.once('close', () => (left = true)))
    await world.route([anApp('slow', [slow.endpoint])])
    const client = talk(world.port, 'GET / HTTP/1.1\r\nHost: slow.test\r\n\r\n')
    await until(() => slow.connections.size === 1)
    client.socket.destroy()
    await until(() => left)
  })

  it('answers pipelined requests in their order, each with its own answer', async () => {
    const seen: string[] = []
    const uneven = await app((request, response) => {
      seen.push(request.url ?? '')
      setTimeout(() => response.end(`<${request.url}>`), request.url === '/1' ? 60 : 0)
    })
    await world.route([anApp('uneven', [uneven.endpoint])])
    const requests = ['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nHost: uneven.test\r\n\r\n`).join('')
    const client = talk(world.port, requests)
    const text = await client.hear('</3>')
    assert.deepEqual(text.match(/<[^>]+>/g), ['</1>', '</2>', '</3>'])
    assert.deepEqual(seen, ['/1', '/2', '/3'], 'the second was not sent before the first was answered')
    client.socket.destroy()
  })

  it('H69: answers a thousand pipelined requests', async () => {
    const echo = await app((request, response) => response.end(`<${request.url}>`))
    await world.route([anApp('echo', [echo.endpoint])])
    const paths = Array.from({ length: 1000 }, (_, index) => `/${index}`)
    const client = talk(world.port, paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: echo.test\r\n\r\n`).join(''))
    const text = await client.hear('</999>')
    assert.deepEqual(
      text.match(/<[^>]+>/g),
      paths.map((path) => `<${path}>`),
    )
    client.socket.destroy()
  }).timeout(10_000)

  it('H72: routes each request of a connection on its own', async () => {
    const one = await app((_, response) => response.end('<one>'))
    const two = await app((_, response) => response.end('<two>'))
    await world.route([anApp('one', [one.endpoint]), anApp('two', [two.endpoint])])
    const client = talk(world.port, 'GET / HTTP/1.1\r\nHost: one.test\r\n\r\n')
    await client.hear('<one>')
    client.send('GET / HTTP/1.1\r\nHost: two.test\r\n\r\n')
    await client.hear('<two>')
    client.socket.destroy()
  })

  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'POST'])
    for (const framing of ['Content-Length: 27', 'Transfer-Encoding: chunked'] as const)
      it(`H23: forwards a ${method} with ${framing} as one request with that body`, async () => {
        const seen: string[] = []
        const counter = await app((request, response) => {
          let body = ''
          request.on('data', (chunk: Buffer) => (body += chunk.toString()))
          request.on('end', () => {
            seen.push(`${request.method} ${request.url} ${body}`)
            response.end('done')
          })
        })
        await world.route([anApp('counter', [counter.endpoint])])
        const hidden = 'GET /smuggled HTTP/1.1\r\n\r\n'.padEnd(27, '\n')
        const body = framing.startsWith('C') ? hidden : `1b\r\n${hidden}\r\n0\r\n\r\n`
        const head = (m: string, path: string, field: string) =>
          `${m} ${path} HTTP/1.1\r\nHost: counter.test\r\n${field}\r\n`
        const client = talk(
          world.port,
          head(method, '/outer', `${framing}\r\n`) + body + head('GET', '/next', 'Connection: close\r\n'),
        )
        await client.end()
        assert.deepEqual(seen, [`${method} /outer ${hidden}`, 'GET /next '])
      })

  it('H24: takes what follows a POST without a length for the next request', async () => {
    const seen: string[] = []
    const counter = await app((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      request.resume().on('end', () => response.end('x'))
    })
    await world.route([anApp('counter', [counter.endpoint])])
    const client = talk(
      world.port,
      'POST /a HTTP/1.1\r\nHost: counter.test\r\n\r\nGET /b HTTP/1.1\r\nHost: counter.test\r\nConnection: close\r\n\r\n',
    )
    await client.end()
    assert.deepEqual(seen, ['POST /a', 'GET /b'])
  })

  it('H34: keeps trailers from the app', async () => {
    let fields: unknown = null
    const trailed = await app((request, response) => {
      request.resume().on('end', () => {
        fields = { ...request.headers, ...request.trailers }
        response.end('x')
      })
    })
    await world.route([anApp('trailed', [trailed.endpoint])])
    const client = talk(
      world.port,
      'POST / HTTP/1.1\r\nHost: trailed.test\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nAuthorization: root\r\n\r\n',
    )
    await client.end()
    assert.doesNotMatch(JSON.stringify(fields), /authorization|root|trailer/i)
  })

  it('H54: answers an HTTP/1.0 client without chunks, and closes', async () => {
    const chunky = await app((_, response) => {
      response.write('he')
      response.end('llo')
    })
    await world.route([anApp('chunky', [chunky.endpoint])])
    const text = await talk(world.port, 'GET / HTTP/1.0\r\nHost: chunky.test\r\nConnection: keep-alive\r\n\r\n').end()
    assert.match(text, /\r\nConnection: close\r\n/)
    assert.match(text, /\r\n\r\nhello$/)
  })

  it('H58: sends one 100 when the app is there to take the body, and never the expectation itself', async () => {
    let expected: string | undefined = 'not seen'
    const taker = await app((request, response) => {
      expected = request.headers['expect']
      request.pipe(response)
    })
    await world.route([anApp('taker', [taker.endpoint])])
    const client = talk(
      world.port,
      'POST / HTTP/1.1\r\nHost: taker.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n',
    )
    await client.hear('HTTP/1.1 100 Continue\r\n\r\n')
    client.send('hello')
    const text = await client.end()
    assert.equal(text.match(/100 Continue/g)?.length, 1)
    assert.match(text, /200 OK[\s\S]*hello/)
    assert.equal(expected, undefined)
  })

  it('H58: sends no 100 for a request that it refuses', async () => {
    await world.route([])
    const text = await talk(
      world.port,
      'POST / HTTP/1.1\r\nHost: nobody.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n',
    ).end()
    assert.match(text, /^HTTP\/1\.1 404 /)
  })

  it('H70: passes on an answer that comes before the body was read, and does not reuse either connection', async () => {
    const hasty = await app((_, response) => response.writeHead(413).end('too much'))
    await world.route([anApp('hasty', [hasty.endpoint])])
    const client = talk(world.port, 'POST / HTTP/1.1\r\nHost: hasty.test\r\nContent-Length: 1000000\r\n\r\nstart')
    const text = await client.end()
    assert.match(text, /^HTTP\/1\.1 413 /)
    assert.match(text, /too much/)
    assert.match(text, /\r\nConnection: close\r\n/)
    await until(() => hasty.connections.size === 0)
  })

  it('keeps an app’s connection for the next request', async () => {
    const ports = new Set<number | undefined>()
    const kept = await app((request, response) => {
      ports.add(request.socket.remotePort)
      response.end('x')
    })
    await world.route([anApp('kept', [kept.endpoint])])
    for (let i = 0; i < 5; i += 1) await get(world.port, 'kept.test')
    assert.equal(ports.size, 1)
  })

  it('answers for its own health only where no app does', async () => {
    const claimed = await app((_, response) => response.end('the app’s own'))
    await world.route([anApp('claimed', [claimed.endpoint])])
    const path = '/.well-known/berth/health'
    assert.deepEqual((({ status, body }) => ({ status, body }))(await get(world.port, '127.0.0.1:8080', path)), {
      status: 200,
      body: 'ok\n',
    })
    assert.equal((await get(world.port, 'localhost', path)).body, 'ok\n')
    assert.equal((await get(world.port, '[::1]:80', path)).body, 'ok\n')
    assert.equal((await get(world.port, 'claimed.test', path)).body, 'the app’s own')
    assert.equal((await get(world.port, 'nobody.test', path)).status, 404)
  })

  it('logs one event per request', async () => {
    const plain = await app((_, response) => response.end('hello'))
    await world.route([anApp('plain', [plain.endpoint])])
    world.requests.length = 0
    await get(world.port, 'plain.test', `/${'p'.repeat(500)}`)
    await until(() => world.requests.length === 1)
    const [entry = {}] = world.requests
    assert.deepEqual(
      { app: entry['app'], host: entry['host'], method: entry['method'], status: entry['status'], code: entry['code'] },
      { app: 'plain', host: 'plain.test', method: 'GET', status: 200, code: null },
    )
    assert.equal(String(entry['path']).length, 200)
    assert.equal(entry['instance'], plain.endpoint.instanceId)
    assert.ok(Number(entry['bytes']) > 5)
  })
})
