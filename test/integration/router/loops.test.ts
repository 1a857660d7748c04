import assert from 'node:assert/strict'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { anApp, get, httpApp, startWorld, talk, type TestApp, type World } from './support.ts'

/** Hands its requests on to the router, as an app that is a proxy does. */
const proxyTo = (port: () => number, host: string, seen: IncomingHttpHeaders[]): Promise<TestApp> =>
  httpApp((asked, response) => {
    seen.push(asked.headers)
    const headers = { ...asked.headers, host }
    const onward = httpRequest({ port: port(), path: asked.url, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    asked.pipe(onward)
  })

describe('a request that comes back to the router', () => {
  let world: World
  const apps: TestApp[] = []
  before(async () => {
    world = await startWorld()
  })
  after(async () => {
    await world.stop()
    await Promise.all(apps.map((app) => app.stop()))
  })
  const kept = async (making: Promise<TestApp>) => {
    const app = await making
    apps.push(app)
    return app.endpoint
  }

  it('H66: does not go round for ever, also through two apps that point at each other', async () => {
    const seen: IncomingHttpHeaders[] = []
    const port = () => world.port
    await world.route([
      anApp('one', [await kept(proxyTo(port, 'two.test', seen))]),
      anApp('two', [await kept(proxyTo(port, 'one.test', seen))]),
    ])
    const answer = await get(world.port, 'one.test', '/round')
    assert.deepEqual([answer.status, answer.headers['berth-error']], [508, undefined], 'the app passed it on')
    assert.match(answer.body, /came back to Berth 5 times/)
    assert.deepEqual(
      seen.map(({ via }) => via?.split(', ').length),
      [1, 2, 3, 4, 5],
    )
    assert.equal(world.requests.filter(({ code }) => code === 'loop-detected').length, 1)
  })

  it('H66: is served where it goes through a few apps, and tells the last of each hop', async () => {
    const seen: IncomingHttpHeaders[] = []
    const port = () => world.port
    await world.route([
      anApp('front', [await kept(proxyTo(port, 'back.test', seen))]),
      anApp('back', [await kept(httpApp(({ headers }, response) => response.end(headers.via)))]),
    ])
    const answer = await get(world.port, 'front.test', '/', { headers: { Via: '1.1 cdn (x, y)' } })
    assert.deepEqual([answer.status, answer.body], [200, '1.1 cdn (x, y), 1.1 berth, 1.1 berth'])
  })

  it('H66: is refused in the slow lane too, and the connection serves what comes next', async () => {
    await world.route([anApp('app', [await kept(httpApp((_, response) => response.end('fine')))])])
    const vias = 'Via: 1.1 berth, 1.1 berth\r\nvia: 1.1 berth\r\nVIA:1.1 berth\r\nVia: 1.1 berth\r\n'
    const client = talk(world.port, `GET / HTTP/1.1\r\nHost: app.test\r\n${vias}\r\n`)
    await client.hear(/^HTTP\/1\.1 508 [^]*Berth-Error: loop-detected/)
    client.send('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
    await client.hear('fine')
    client.socket.destroy()
  })
})
