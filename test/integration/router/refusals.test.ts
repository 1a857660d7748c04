import assert from 'node:assert/strict'
import { anApp, get, httpApp, startWorld, talk, until, type TestApp, type World } from './support.ts'

describe('what the router refuses', () => {
  let world: World
  let app: TestApp
  const seen: string[] = []
  before(async () => {
    world = await startWorld({ headMs: 300 })
    app = await httpApp((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      request.resume().on('end', () => response.end('from the app'))
    })
    await world.route([anApp('app', [app.endpoint])])
  })
  beforeEach(() => void (seen.length = 0))
  after(async () => {
    await world.stop()
    await app.stop()
  })

  const host = 'Host: app.test\r\n'
  const next = `GET /next HTTP/1.1\r\n${host}\r\n`
  // Each is followed by a complete request that must not be run: after a refusal nobody knows where it starts.
  const cases: [id: string, what: string, bytes: string, status: number][] = [
    [
      'H01',
      'Content-Length with Transfer-Encoding',
      `POST / HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    [
      'H02',
      'chunked that is not last',
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['H03', 'gzip under chunked', `POST / HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 501],
    ['H04', 'the coding identity', `POST / HTTP/1.1\r\n${host}Transfer-Encoding: identity\r\n\r\n`, 400],
    ['H05', 'the coding xchunked', `POST / HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n`, 400],
    [
      'H06',
      'chunked twice',
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    [
      'H07',
      'identity, then chunked',
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    [
      'H08',
      'an empty list element before chunked',
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['H11', 'a space before the colon', `POST / HTTP/1.1\r\n${host}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`, 400],
    [
      'H13',
      'Transfer-Encoding in HTTP/1.0',
      `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['H15', 'a folded field', `GET / HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`, 400],
    ['H16', 'two Content-Lengths', `POST / HTTP/1.1\r\n${host}Content-Length: 0\r\nContent-Length: 0\r\n\r\n`, 400],
    ['H18', 'a signed Content-Length', `POST / HTTP/1.1\r\n${host}Content-Length: +0\r\n\r\n`, 400],
    ['H19', 'Content-Length 00', `POST / HTTP/1.1\r\n${host}Content-Length: 00\r\n\r\n`, 400],
    [
      'H20',
      'a Content-Length that cannot be counted',
      `POST / HTTP/1.1\r\n${host}Content-Length: 9007199254740993\r\n\r\n`,
      413,
    ],
    ['H35', 'bare line feeds', `GET / HTTP/1.1\n${host.replace('\r', '')}\n`, 400],
    ['H36', 'a control character in a value', `GET / HTTP/1.1\r\n${host}X: a\x01b\r\n\r\n`, 400],
    ['H39', 'no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['H40', 'two Hosts', `GET / HTTP/1.1\r\n${host}${host}\r\n`, 400],
    ['H41', 'userinfo in Host', 'GET / HTTP/1.1\r\nHost: user@app.test\r\n\r\n', 400],
    ['H43', 'an absolute target', `GET http://other.test/ HTTP/1.1\r\n${host}\r\n`, 400],
    ['H44', 'an absolute target of another scheme', `GET ftp://app.test/ HTTP/1.1\r\n${host}\r\n`, 400],
    ['H46', 'an asterisk', `OPTIONS * HTTP/1.1\r\n${host}\r\n`, 400],
    ['H47', 'a fragment', `GET /a#b HTTP/1.1\r\n${host}\r\n`, 400],
    ['H47', 'a backslash', `GET /a\\b HTTP/1.1\r\n${host}\r\n`, 400],
    ['H51', 'HTTP/2.0 as a version', `GET / HTTP/2.0\r\n${host}\r\n`, 505],
    ['H51', 'HTTP/0.9', 'GET /\r\n\r\n', 400],
    ['H53', 'the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
    [
      'H59',
      'a strange expectation',
      `POST / HTTP/1.1\r\n${host}Content-Length: 0\r\nExpect: y 100-continue\r\n\r\n`,
      417,
    ],
    ['H59', 'another expectation', `POST / HTTP/1.1\r\n${host}Content-Length: 0\r\nExpect: payment\r\n\r\n`, 417],
    ['H65', 'TRACE', `TRACE / HTTP/1.1\r\n${host}\r\n`, 405],
    ['H65', 'CONNECT', 'CONNECT app.test:80 HTTP/1.1\r\nHost: app.test:80\r\n\r\n', 405],
    ['H65', 'a method that nobody knows', `M-SEARCH / HTTP/1.1\r\n${host}\r\n`, 501],
    ['H67', 'more fields than it takes', `GET / HTTP/1.1\r\n${host}${'X: y\r\n'.repeat(101)}\r\n`, 431],
    ['H67', 'a head that is too large', `GET / HTTP/1.1\r\n${host}X: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    ['H67', 'a target that is too long', `GET /${'y'.repeat(9_000)} HTTP/1.1\r\n${host}\r\n`, 414],
  ]
  for (const [id, what, bytes, status] of cases)
    it(`${id}: answers ${what} with ${status}, closes, and runs nothing that follows`, async () => {
      const text = await talk(world.port, bytes + next).end()
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `))
      assert.match(text, /\r\nBerth-Error: bad-request\r\n/)
      assert.equal(text.match(/HTTP\/1\.1 \d/g)?.length, 1)
      assert.deepEqual(seen, [])
    })

  it('P2: refuses and accepts alike when the bytes come one by one', async () => {
    for (const [bytes, status] of [
      [`POST / HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 501],
      [`GET / HTTP/1.1\r\n${host}Connection: close\r\n\r\n`, 200],
    ] as const) {
      const client = talk(world.port)
      client.socket.setNoDelay(true)
      for (const byte of bytes) {
        if (client.ended() === null) client.send(byte)
        await new Promise((resolve) => setImmediate(resolve))
      }
      assert.match(await client.end(), new RegExp(`^HTTP/1\\.1 ${status} `))
    }
  })

  it('H30: breaks off a body whose chunks are malformed, at the app too', async () => {
    const client = talk(world.port, `POST /bad HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`)
    await until(() => seen.length === 1)
    client.send('zz\r\n')
    const text = await client.end()
    assert.match(text, /^HTTP\/1\.1 400 /)
    assert.doesNotMatch(text, /from the app/)
    await until(() => app.connections.size === 0)
  })

  it('H69: still gives the first answer when bytes follow a request that closes', async () => {
    const text = await talk(world.port, `GET /1 HTTP/1.1\r\n${host}Connection: close\r\n\r\n${next}`).end()
    assert.match(text, /^HTTP\/1\.1 200 [\s\S]*from the app$/)
    assert.deepEqual(seen, ['GET /1'])
  })

  it('H68: does not wait for a slow head', async () => {
    const text = await talk(world.port, 'GET / HTTP/1.1\r\nHost: ').end()
    assert.match(text, /^HTTP\/1\.1 408 /)
  })

  it('H68: does not wait for a slow head that goes on and on either', async () => {
    const client = talk(world.port, 'GET / HTTP/1.1\r\nHost: app.test\r\nX: ')
    const drip = setInterval(() => client.ended() ?? client.send('x'), 40)
    const text = await client.end().finally(() => clearInterval(drip))
    assert.match(text, /^HTTP\/1\.1 408 /)
  })

  it('H48: forwards a target byte for byte', async () => {
    const path = '/%00%0d%0a/%2e%2e//..;a?b=%2f&c=|{}'
    await talk(world.port, `GET ${path} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`).end()
    assert.deepEqual(seen, [`GET ${path}`])
  })

  it('says who is at fault, in the form that the client prefers', async () => {
    const text = await get(world.port, 'nobody.test')
    assert.equal(text.status, 404)
    assert.equal(text.headers['berth-error'], 'unknown-host')
    assert.match(text.body, /^nobody\.test: No app answers at this address\. .*\n$/)
    const html = await get(world.port, 'nobody.test', '/', { headers: { Accept: 'text/html,*/*' } })
    assert.match(String(html.headers['content-type']), /^text\/html/)
    assert.match(html.body, /<h1>nobody\.test<\/h1>/)
    const head = await get(world.port, 'nobody.test', '/', { method: 'HEAD' })
    assert.equal(head.body, '')
  })

  it('says why an app without instances has none', async () => {
    const states = [
      ['starting', 'app-starting', 503],
      ['crashed', 'app-crashed', 503],
      ['stopped', 'app-stopped', 503],
      ['paused', 'app-paused', 503],
      ['suspended', 'app-suspended', 503],
      ['empty', 'no-release', 404],
      ['serving', 'no-instance', 503],
    ] as const
    await world.route([anApp('app', [app.endpoint]), ...states.map(([health]) => anApp(health, [], { health }))])
    for (const [health, code, status] of states) {
      const reply = await get(world.port, `${health}.test`)
      assert.deepEqual([reply.headers['berth-error'], reply.status], [code, status])
      assert.match(reply.body, new RegExp(`^${health}: `))
    }
    assert.ok(Number((await get(world.port, 'starting.test')).headers['retry-after']) >= 1)
  })
})
