import assert from 'node:assert/strict'
import { once } from 'node:events'
import { constants, type ClientHttp2Session } from 'node:http2'
import type { ServerResponse } from 'node:http'
import { anApp, httpApp, quickSettings, rawApp, sayingApp, until, type TestApp } from './support.ts'
import {
  ask,
  block,
  connectTo,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  GOAWAY,
  HEADERS,
  number,
  PING,
  requestBlock,
  RST_STREAM,
  SETTINGS,
  startSecureWorld,
  talkFrames,
  type FrameTalk,
  type SecureWorld,
} from './http2-support.ts'

describe('a client that speaks HTTP/2', function () {
  this.timeout(30_000)
  let world: SecureWorld
  const apps: TestApp[] = []
  const sessions: ClientHttp2Session[] = []
  const talks: FrameTalk[] = []
  const kept = <T extends TestApp>(app: T): T => {
    apps.push(app)
    return app
  }
  const session = (...options: Parameters<typeof connectTo> extends [unknown, ...infer Rest] ? Rest : never) => {
    const made = connectTo(world, ...options)
    sessions.push(made)
    return made
  }
  const talk = async () => {
    const made = await talkFrames(world)
    talks.push(made)
    return made
  }
  const serve = async (...[listener]: Parameters<typeof httpApp>) => {
    const app = kept(await httpApp(listener))
    world.route([anApp('one', [app.endpoint])])
  }
  const mirror = () => {
    const seen: { method: string; url: string; headers: string[]; body: string }[] = []
    return serve((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.rawHeaders, body })
        response.end('seen')
      })
      request.on('error', () => {})
    }).then(() => seen)
  }

  beforeEach(async () => {
    world = await startSecureWorld()
  })
  afterEach(async () => {
    for (const made of sessions.splice(0)) made.destroy()
    for (const made of talks.splice(0)) made.close()
    await world.stop()
    await Promise.all(apps.splice(0).map((app) => app.stop()))
  })

  it('reaches an app that speaks HTTP/1.1, which sees nothing of HTTP/2', async () => {
    const seen = await mirror()
    const answer = await ask(
      session(),
      {
        ':method': 'POST',
        ':path': '/a?b=c',
        ':authority': 'One.test:8443',
        cookie: ['a=1', 'b=2'],
        te: 'trailers',
        'x-forwarded-for': '6.6.6.6',
        'x-plain': 'yes',
      },
      'hello',
    )
    assert.deepEqual([answer.status, answer.body], [200, 'seen'])
    const [request] = seen
    assert.deepEqual([request?.method, request?.url, request?.body], ['POST', '/a?b=c', 'hello'])
    const fields = new Map<string, string>()
    for (let i = 0; i < (request?.headers.length ?? 0); i += 2)
      fields.set(request?.headers[i]?.toLowerCase() ?? '', request?.headers[i + 1] ?? '')
    assert.equal(fields.get('host'), 'One.test:8443')
    assert.equal(fields.get('cookie'), 'a=1; b=2')
    assert.equal(fields.get('x-forwarded-for'), '127.0.0.1')
    assert.equal(fields.get('x-forwarded-proto'), 'https')
    assert.equal(fields.get('via'), '2.0 berth')
    assert.equal(fields.get('x-plain'), 'yes')
    assert.equal(fields.get('transfer-encoding'), 'chunked')
    assert.equal(fields.has('te'), false)
    assert.deepEqual(
      [...fields.keys()].filter((name) => name.startsWith(':')),
      [],
    )
  })

  it('gets the answer without what is for one connection, and the app’s fields in their order', async () => {
    const app = kept(
      await sayingApp(
        'HTTP/1.1 200 Fine\r\nConnection: keep-alive, X-Gone\r\nKeep-Alive: timeout=5\r\nX-Gone: 1\r\nSet-Cookie: a=1\r\n' +
          'Set-Cookie: b=2\r\nBerth-Error: forged\r\nETag: "1"\r\nETag: "2"\r\nX-Latin: caf\xe9\r\nContent-Length: 2\r\n\r\nok',
      ),
    )
    world.route([anApp('one', [app.endpoint])])
    const { headers, body } = await ask(session(), { ':authority': 'one.test' })
    assert.equal(body, 'ok')
    assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2'])
    assert.equal(headers['content-length'], '2')
    assert.equal(headers['x-latin'], 'caf\xe9')
    for (const gone of ['connection', 'keep-alive', 'x-gone', 'transfer-encoding', 'berth-error', 'date'])
      assert.equal(headers[gone], undefined, gone)
  })

  it('gets answers without content as such: to HEAD, 204, 304 and 205', async () => {
    await serve((request, response) => {
      const status = Number(request.url?.slice(1))
      if (request.method === 'HEAD') response.setHeader('Content-Length', '1234')
      response.writeHead(status).end()
    })
    const client = session()
    const head = await ask(client, { ':authority': 'one.test', ':method': 'HEAD', ':path': '/200' })
    assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '1234', ''])
    for (const status of [204, 205, 304]) {
      const answer = await ask(client, { ':authority': 'one.test', ':path': `/${status}` })
      assert.deepEqual([answer.status, answer.body], [status, ''])
    }
  })

  it('gets informational responses, and the router’s own answers with their code', async () => {
    await serve((_, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' }, () => response.end('done'))
    })
    const client = session()
    const answer = await ask(client, { ':authority': 'one.test' })
    assert.equal(answer.informational[0]?.[':status'], 103)
    assert.equal(answer.informational[0]?.['link'], '</a.css>; rel=preload')
    const unknown = await ask(client, { ':authority': 'nobody.test' })
    assert.deepEqual([unknown.status, unknown.headers['berth-error']], [421, 'misdirected'])
  })

  it('gets what an app says twice twice, before the answer and after it too', async () => {
    const twice = 'ETag: "1"\r\nETag: "2"\r\nAge: 1\r\nAge: 2\r\n'
    const app = kept(
      await sayingApp(
        `HTTP/1.1 103 Early Hints\r\n${twice}\r\nHTTP/1.1 200 OK\r\n${twice}Transfer-Encoding: chunked\r\n\r\n` +
          '2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n',
      ),
    )
    world.route([anApp('one', [app.endpoint])])
    const answer = await ask(session(), { ':authority': 'one.test', te: 'trailers' })
    assert.deepEqual([answer.status, answer.body, answer.trailers?.['x-sum']], [200, 'ok', '1, 2'])
    assert.equal(answer.informational.length, 1)
  })

  it('waits for 100 Continue where it asked for it', async () => {
    await mirror()
    const stream = session().request({
      ':authority': 'one.test',
      ':method': 'POST',
      ':path': '/',
      expect: '100-continue',
    })
    await once(stream, 'continue')
    stream.end('now')
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
    assert.equal(headers[':status'], 200)
  })

  it('A18: gets an app’s trailers if it said that it takes them, and none otherwise', async () => {
    const app = kept(
      await sayingApp('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n'),
    )
    world.route([anApp('one', [app.endpoint])])
    const client = session()
    const taken = await ask(client, { ':authority': 'one.test', te: 'trailers' })
    assert.equal(taken.body, 'ok')
    assert.equal(taken.trailers?.['x-sum'], '42')
    assert.equal((await ask(client, { ':authority': 'one.test' })).trailers, null)
  })

  it('may ask a hundred things at once on one connection', async () => {
    const open: ServerResponse[] = []
    await serve((_, response) => void open.push(response))
    const client = session()
    await once(client, 'remoteSettings')
    assert.equal(client.remoteSettings.maxConcurrentStreams, 100)
    const answers = Array.from({ length: 100 }, (_, i) => ask(client, { ':authority': 'one.test', ':path': `/${i}` }))
    await until(() => open.length === 100)
    for (const response of open) response.end('x')
    for (const { status, body } of await Promise.all(answers)) assert.deepEqual([status, body], [200, 'x'])
  })

  it('is sent no more of an answer than it takes in, and its other streams do not wait for it', async () => {
    let written = 0
    const total = 32 * 1024 * 1024
    await serve((request, response) => {
      if (request.url === '/small') return void response.end('small')
      const piece = Buffer.alloc(64 * 1024, 'x')
      const write = () => {
        while (written < total) {
          written += piece.length
          if (!response.write(piece)) return void response.once('drain', write)
        }
        response.end()
      }
      write()
    })
    const client = session()
    const slow = client.request({ ':authority': 'one.test', ':path': '/large' })
    await once(slow, 'response')
    slow.pause()
    let before = -1
    await until(async () => {
      const same = before === written
      before = written
      await new Promise((resolve) => setTimeout(resolve, 200))
      return same
    }, 15_000)
    assert.ok(written < total / 2, `the app could write ${written} bytes that nobody read`)
    assert.equal((await ask(client, { ':authority': 'one.test', ':path': '/small' })).body, 'small')
    let read = 0
    slow.on('data', (bytes: Buffer) => (read += bytes.length))
    slow.resume()
    await once(slow, 'end')
    assert.equal(read, total)
  })

  it('sends a large body no faster than the app takes it, and all of it', async () => {
    let taken = 0
    const total = 8 * 1024 * 1024
    let go = () => {}
    const start = new Promise<void>((resolve) => (go = resolve))
    await serve((request, response) => {
      request.pause()
      void start.then(() => request.resume())
      request.on('data', (bytes: Buffer) => (taken += bytes.length)).on('end', () => response.end(String(taken)))
    })
    const stream = session().request({ ':authority': 'one.test', ':method': 'POST', ':path': '/' })
    stream.end(Buffer.alloc(total, 'x'))
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.ok(stream.writableLength > 0, 'the client was let send everything')
    go()
    let text = ''
    for await (const chunk of stream.setEncoding('utf8')) text += String(chunk)
    assert.equal(text, String(total))
  })

  it('has an answer that the app cut cut too, and never ended', async () => {
    const app = kept(
      await sayingApp('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', (socket) =>
        setTimeout(() => socket.destroy(), 100),
      ),
    )
    world.route([anApp('one', [app.endpoint])])
    const stream = session().request({ ':authority': 'one.test' })
    let ended = false
    stream.on('end', () => (ended = true)).on('error', () => {})
    const [half] = (await once(stream, 'data')) as [Buffer]
    assert.equal(half.toString(), 'half')
    await until(() => stream.destroyed)
    assert.deepEqual([ended, stream.rstCode], [false, constants.NGHTTP2_INTERNAL_ERROR])
    await until(() => world.requests.length === 1)
    assert.equal(world.requests[0]?.['code'], 'app-closed')
  })

  it('H70: that resets its request in the middle never makes the app believe it whole', async () => {
    for (const code of [constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_CANCEL]) {
      let ended = false
      let aborted = false
      const app = kept(
        await httpApp((request) => {
          request.resume()
          request.on('end', () => (ended = true)).on('error', () => (aborted = true))
        }),
      )
      world.route([anApp('one', [app.endpoint])])
      const client = await talk()
      client.send(frame(HEADERS, END_HEADERS, 1, requestBlock()), frame(DATA, 0, 1, 'half'))
      await until(() => app.connections.size === 1)
      client.send(frame(RST_STREAM, 0, 1, number(code)))
      await until(() => aborted)
      assert.equal(ended, false)
    }
  })

  it('is answered early without its whole body, and told not to send the rest', async () => {
    world.route([anApp('one', [], { settings: { ...quickSettings, bodyLimitBytes: 10 } })])
    const stream = session().request({
      ':authority': 'one.test',
      ':method': 'POST',
      ':path': '/',
      'content-length': 99,
    })
    stream.on('error', () => {})
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
    assert.equal(headers[':status'], 413)
    stream.resume()
    await once(stream, 'close')
    assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR)
  })

  describe('H76: and does not keep to it', () => {
    const malformed: [string, Buffer][] = [
      ['a field name in upper case', requestBlock(['X-Up', 'v'])],
      ['TE other than trailers', requestBlock(['te', 'gzip'])],
      ['Connection', requestBlock(['connection', 'close'])],
      ['Transfer-Encoding', requestBlock(['transfer-encoding', 'chunked'])],
      ['Upgrade', requestBlock(['upgrade', 'websocket'])],
      ['two paths', requestBlock([':path', '/other'])],
      ['a pseudo field after the fields', requestBlock(['x', 'y'], [':path', '/other'])],
      ['an unknown pseudo field', requestBlock([':protocol', 'websocket'])],
      ['a host that differs from the authority', requestBlock(['host', 'two.test'])],
      ['two lengths', requestBlock(['content-length', '4'], ['content-length', '5'])],
      ['a length that is none', requestBlock(['content-length', '+4'])],
      ['a path with a space', heads({ ':path': '/a b' })],
      ['a path with CRLF', heads({ ':path': '/ HTTP/1.1\r\nX: y' })],
      ['a path that is none', heads({ ':path': 'http://two.test/' })],
      ['no path', heads({ ':path': null })],
      ['a method with CRLF', heads({ ':method': 'GET / HTTP/1.1\r\nX: y' })],
      ['CONNECT', heads({ ':method': 'CONNECT', ':path': null, ':scheme': null })],
      ['an authority with a user', heads({ ':authority': 'a@one.test' })],
      ['an authority with a path', heads({ ':authority': 'one.test/x' })],
      ['another scheme', heads({ ':scheme': 'ftp' })],
    ]
    function heads(over: Record<string, string | null>): Buffer {
      const fields = { ':method': 'POST', ':scheme': 'https', ':authority': 'one.test', ':path': '/', ...over }
      return block(
        ...Object.entries(fields).flatMap(([name, value]) =>
          value === null ? [] : [[name, value] as [string, string]],
        ),
      )
    }

    for (const [what, bytes] of malformed)
      it(`is refused ${what}, and the app never sees it`, async () => {
        const seen = await mirror()
        const client = await talk()
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, bytes))
        const isOver = ({ type, stream }: { type: number; stream: number }) =>
          (stream === 1 && (type === RST_STREAM || type === HEADERS)) || type === GOAWAY
        await until(() => client.frames.some(isOver))
        // The next request on the connection is served, unless the connection was ended.
        if (!client.frames.some(({ type }) => type === GOAWAY)) {
          client.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, heads({ ':path': '/canary' })))
          await until(() => seen.length > 0)
        }
        assert.deepEqual(
          seen.map(({ url }) => url).filter((url) => url !== '/canary'),
          [],
        )
      })

    it('has a value with CRLF in it kept from the app', async () => {
      const seen = await mirror()
      const client = await talk()
      client.send(
        frame(HEADERS, END_HEADERS | END_STREAM, 1, requestBlock(['x-bad', 'v\r\nx-evil: 1'], ['x-good', 'w'])),
      )
      await until(() => seen.length > 0 || client.frames.some(({ type }) => type === RST_STREAM))
      assert.equal(JSON.stringify(seen).includes('evil'), false)
    })

    for (const [what, data] of [
      ['shorter', 'half'],
      ['longer', 'far too long for it'],
    ] as const)
      it(`is refused a body ${what} than its length, which the app never takes for whole`, async () => {
        const bodies: string[] = []
        const app = kept(
          await httpApp((request, response) => {
            request.on('error', () => {})
            request.resume().on('end', () => {
              bodies.push('whole')
              response.end()
            })
          }),
        )
        world.route([anApp('one', [app.endpoint])])
        const client = await talk()
        client.send(
          frame(HEADERS, END_HEADERS, 1, requestBlock(['content-length', '9'])),
          frame(DATA, END_STREAM, 1, data),
        )
        await until(() => client.frames.some(({ type }) => type === RST_STREAM || type === GOAWAY))
        assert.deepEqual(bodies, [])
      })

    it('is told of a head that is too large or has too many fields, 431, and of a path that is too long, 414', async () => {
      await mirror()
      const client = session()
      const authority = { ':authority': 'one.test' }
      const statuses = [
        await ask(client, { ...authority, 'x-large': 'x'.repeat(17_000) }),
        await ask(client, {
          ...authority,
          ...Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`x-${i}`, 'v'])),
        }),
        await ask(client, { ...authority, ':path': `/${'x'.repeat(9_000)}` }),
        await ask(client, { ...authority, ':method': 'BREW' }),
      ].map(({ status }) => status)
      assert.deepEqual(statuses, [431, 431, 414, 501])
    })

    const floods: [string, (client: FrameTalk) => void][] = [
      [
        'that opens streams and resets them at once (CVE-2023-44487)',
        (client) => {
          for (let i = 0; i < 1_000; i += 1)
            client.send(
              frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, requestBlock()),
              frame(RST_STREAM, 0, 2 * i + 1, number(constants.NGHTTP2_CANCEL)),
            )
        },
      ],
      [
        'that makes the router reset its streams (CVE-2025-8671)',
        (client) => {
          for (let i = 0; i < 1_000; i += 1)
            client.send(
              frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, requestBlock()),
              // A window update of nothing is a stream error (RFC 9113 §6.9).
              frame(8, 0, 2 * i + 1, number(0)),
            )
        },
      ],
      [
        'whose head never ends',
        (client) => {
          client.send(frame(HEADERS, 0, 1, requestBlock()))
          for (let i = 0; i < 100; i += 1) client.send(frame(CONTINUATION, 0, 1, block(['x', 'y'])))
        },
      ],
      [
        'whose head never ends and says nothing',
        (client) => {
          client.send(frame(HEADERS, 0, 1, requestBlock()))
          for (let i = 0; i < 1_000; i += 1) client.send(frame(CONTINUATION, 0, 1))
        },
      ],
      [
        'that changes its settings again and again',
        (client) => {
          for (let i = 0; i < 500; i += 1)
            client.send(frame(SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 3]), number(i)])))
        },
      ],
      [
        'with thousands of settings',
        (client) =>
          client.send(
            frame(
              SETTINGS,
              0,
              0,
              Buffer.concat(Array.from({ length: 2_000 }, () => Buffer.from([0, 3, 0, 0, 0, 100]))),
            ),
          ),
      ],
      [
        'that pings without end',
        (client) => {
          for (let i = 0; i < 20_000; i += 1) client.send(frame(PING, 0, 0, Buffer.alloc(8)))
        },
      ],
      [
        'that does not speak HTTP/2 at all',
        (client) => client.send(Buffer.from('GET / HTTP/1.1\r\nHost: one.test\r\n\r\n')),
      ],
    ]
    for (const [what, flood] of floods)
      it(`is cut off when it is one ${what}, and others are served meanwhile`, async () => {
        await mirror()
        const client = await talk()
        flood(client)
        await until(() => client.ended(), 10_000)
        const answer = await ask(session(), { ':authority': 'one.test', ':method': 'POST' }, 'x')
        assert.equal(answer.status, 200)
        await until(() => world.live.size === 1)
      })
  })

  it('H75: is told to come again on another connection for another host than it named to TLS', async () => {
    const one = kept(await httpApp((_, response) => response.end('one')))
    const two = kept(await httpApp((_, response) => response.end('two')))
    world.route([anApp('one', [one.endpoint]), anApp('two', [two.endpoint], { tenantId: 't-two' as never })])
    const client = session()
    assert.equal((await ask(client, { ':authority': 'one.test' })).body, 'one')
    assert.equal((await ask(client, { ':authority': 'two.test' })).status, 421)
    await until(() => world.requests.length === 2)
    assert.deepEqual([(await world.used('one'))?.requests], [1])
  })

  it('is cut when it sends a body too slowly, or takes no answer in', async () => {
    await world.stop()
    world = await startSecureWorld({ bodyMs: 100, writeStallMs: 300 })
    await serve((request, response) => {
      if (request.url === '/large') response.end(Buffer.alloc(4 * 1024 * 1024))
      else request.resume()
    })
    const slow = session().request({ ':authority': 'one.test', ':method': 'POST', ':path': '/' })
    slow.on('error', () => {})
    slow.write('x')
    const [headers] = (await once(slow, 'response')) as [Record<string, unknown>]
    assert.equal(headers[':status'], 408)
    const deaf = session().request({ ':authority': 'one.test', ':path': '/large' })
    deaf.on('error', () => {})
    await once(deaf, 'response')
    deaf.pause()
    await until(() => world.requests.some(({ code }) => code === 'client-left'))
  })

  it('is sent away when it asks nothing for long', async () => {
    await world.stop()
    world = await startSecureWorld({ keepAliveMs: 100 })
    const client = session()
    await once(client, 'goaway')
    await until(() => client.destroyed)
    await until(() => world.live.size === 0)
  })

  it('hears that the router stops, has what it asked answered, and is then let go', async () => {
    const open: ServerResponse[] = []
    await serve((_, response) => void open.push(response))
    const client = session()
    const answer = ask(client, { ':authority': 'one.test' })
    await until(() => open.length === 1)
    const told = once(client, 'goaway')
    world.drain()
    const [code] = (await told) as [number]
    assert.equal(code, constants.NGHTTP2_NO_ERROR)
    world.drain()
    open[0]?.end('still')
    assert.equal((await answer).body, 'still')
    await until(() => client.destroyed)
    await until(() => world.live.size === 0)
  })

  it('Q06: has the bytes of its connection booked, within one in a hundred', async () => {
    await serve((request, response) => {
      request.resume().on('end', () => response.end(Buffer.alloc(20_000)))
    })
    const client = session()
    await once(client, 'connect')
    const total = { in: 0, out: 0 }
    for (let i = 0; i < 50; i += 1)
      await ask(client, { ':authority': 'one.test', ':method': 'POST' }, 'x'.repeat(10_000))
    await until(() => world.requests.length === 50)
    const socket = client.socket as unknown as { bytesRead: number; bytesWritten: number }
    const used = await world.used('one')
    total.in = used?.requestInBytes ?? 0
    total.out = used?.requestOutBytes ?? 0
    assert.ok(Math.abs(total.in / socket.bytesWritten - 1) < 0.01, `${total.in} of ${socket.bytesWritten} in`)
    assert.ok(Math.abs(total.out / socket.bytesRead - 1) < 0.01, `${total.out} of ${socket.bytesRead} out`)
  })

  it('has an app that answers before the body came served as ever, and its connection not used again', async () => {
    let connections = 0
    const app = kept(
      await rawApp((socket) => {
        connections += 1
        socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly'))
      }),
    )
    world.route([anApp('one', [app.endpoint])])
    const client = session()
    for (let i = 1; i <= 2; i += 1) {
      const stream = client.request({ ':authority': 'one.test', ':method': 'POST', ':path': '/' })
      stream.write('some')
      let text = ''
      for await (const chunk of stream.setEncoding('utf8')) text += String(chunk)
      assert.equal(text, 'early')
      assert.equal(connections, i)
    }
  })
})
