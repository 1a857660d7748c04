import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { defaultRouteSettings, type RouteSettings } from '#core/domain/route.ts'
import { anApp, get, httpApp, startWorld, type TestApp, type World } from './support.ts'

describe('the terms of an app, at the router', () => {
  let world: World
  let app: TestApp
  let asked = 0

  before(async () => {
    world = await startWorld()
    app = await httpApp((_, response) => {
      asked += 1
      response.end('the app')
    })
  })
  after(async () => {
    await world.stop()
    await app.stop()
  })

  const serve = (settings: Partial<RouteSettings>) =>
    world.route([anApp('app', [app.endpoint], { settings: { ...defaultRouteSettings, ...settings } })])

  it('turn requests away before the app sees them, and let them in again at once', async () => {
    asked = 0
    await serve({ maintenance: true })
    const closed = await get(world.port, 'app.test')
    assert.equal(closed.status, 503)
    assert.equal(closed.headers['berth-error'], 'app-maintenance')

    await serve({ forceHttps: true })
    const plain = await get(world.port, 'App.Test', '/a?b')
    assert.equal(plain.status, 308)
    assert.equal(plain.headers.location, `https://app.test:${world.router.httpsPort}/a?b`)

    await serve({ access: { allow: ['192.0.2.0/24'], users: [] } })
    assert.equal((await get(world.port, 'app.test')).headers['berth-error'], 'address-refused')
    assert.equal(asked, 0)

    await serve({ access: { allow: ['127.0.0.0/8'], users: [] } })
    assert.equal((await get(world.port, 'app.test')).body, 'the app')
    await serve({})
    assert.equal((await get(world.port, 'app.test')).body, 'the app')
  })

  it('ask for a password, and take the right one only', async () => {
    const users = [{ name: 'ann', salt: 's', digest: hash('sha256', 's:open sesame') }]
    await serve({ access: { allow: [], users } })
    const login = (pair: string) =>
      get(world.port, 'app.test', '/', { headers: { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` } })
    const refused = await get(world.port, 'app.test')
    assert.equal(refused.status, 401)
    assert.match(String(refused.headers['www-authenticate']), /^Basic realm="app"/)
    assert.equal((await login('ann:open sesam')).status, 401)
    assert.equal((await login('ann:open sesame')).body, 'the app')
  })

  it('give each path of a host, and each name below a wildcard, to its app', async () => {
    const apps = await Promise.all(
      ['site', 'api', 'wild'].map((name) => httpApp((req, res) => res.end(`${name} ${req.url}`))),
    )
    try {
      const addresses = [
        [{ host: 'h.test', path: '/' }],
        [{ host: 'h.test', path: '/api' }],
        [{ host: '*.h.test', path: '/' }],
      ]
      await world.route(apps.map(({ endpoint }, n) => anApp(`app-${n}`, [endpoint], { addresses: addresses[n] ?? [] })))
      const body = async (host: string, path: string) => (await get(world.port, host, path)).body
      assert.equal(await body('h.test', '/x'), 'site /x')
      assert.equal(await body('h.test', '/api/x?y'), 'api /api/x?y')
      assert.equal(await body('h.test', '/apis'), 'site /apis')
      assert.equal(await body('a.H.test.', '/'), 'wild /')
      assert.equal((await get(world.port, 'a.b.h.test')).status, 404)
    } finally {
      await Promise.all(apps.map((made) => made.stop()))
    }
  })
})
