import assert from 'node:assert/strict'
import { defaultRouteSettings } from '#core/domain/route.ts'
import { anApp, get, httpApp, startWorld, type Reply, type TestApp, type World } from './support.ts'

describe('an app that keeps its clients on one instance', () => {
  let world: World
  let apps: TestApp[]
  const settings = { ...defaultRouteSettings, sticky: true }

  before(async () => {
    world = await startWorld()
    apps = await Promise.all(['one', 'two', 'three'].map((name) => httpApp((_, response) => response.end(name))))
  })
  after(async () => {
    await world.stop()
    await Promise.all(apps.map((app) => app.stop()))
  })

  const serve = (...served: TestApp[]) =>
    world.route([
      anApp(
        'app',
        served.map(({ endpoint }) => endpoint),
        { settings },
      ),
    ])
  const cookieOf = ({ headers }: Reply): string => {
    const [line = ''] = headers['set-cookie'] ?? []
    return line.slice(0, line.indexOf(';'))
  }
  const ask = (cookie: string) => get(world.port, 'app.test', '/', { headers: { Cookie: `a=b; ${cookie}` } })

  it('sends a client where it was, and tells it so once', async () => {
    await serve(...apps)
    const first = await get(world.port, 'app.test')
    const cookie = cookieOf(first)
    assert.match(cookie, /^Berth-Instance-[0-9a-f]{8}=[0-9a-f]{24}$/)
    for (let i = 0; i < 20; i += 1) {
      const again = await ask(cookie)
      assert.deepEqual([again.body, again.headers['set-cookie']], [first.body, undefined])
    }
  })

  it('spreads clients without a cookie, and those with a made-up one', async () => {
    await serve(...apps)
    const bodies = new Set<string>()
    for (let i = 0; i < 40; i += 1)
      bodies.add((await ask(i % 2 === 0 ? '' : 'Berth-Instance-00000000=000000000000000000000000')).body)
    assert.ok(bodies.size > 1, [...bodies].join())
  })

  it('moves a client whose instance is gone, and keeps it at its new one', async () => {
    await serve(...apps)
    const first = await get(world.port, 'app.test')
    const names = ['one', 'two', 'three']
    await serve(...apps.filter((_, index) => names[index] !== first.body))
    const moved = await ask(cookieOf(first))
    assert.notEqual(moved.body, first.body)
    const cookie = cookieOf(moved)
    assert.notEqual(cookie, cookieOf(first))
    for (let i = 0; i < 10; i += 1) assert.equal((await ask(cookie)).body, moved.body)
  })

  it('moves a client whose instance is in the table but does not answer', async () => {
    const doomed = await httpApp((_, response) => response.end('doomed'))
    await serve(doomed)
    const cookie = cookieOf(await get(world.port, 'app.test'))
    await serve(doomed, ...apps)
    await doomed.stop()
    const moved = await ask(cookie)
    assert.equal(moved.status, 200)
    assert.notEqual(cookieOf(moved), cookie)
  })

  it('tells neither addresses nor ids of instances by the cookie', async () => {
    await serve(...apps)
    const { headers } = await get(world.port, 'app.test')
    const [line = ''] = headers['set-cookie'] ?? []
    assert.match(line, /; Path=\/; HttpOnly; SameSite=Lax$/)
    for (const { endpoint } of apps)
      for (const secret of [endpoint.host, endpoint.instanceId, String(endpoint.port)])
        assert.ok(
          !line.includes(`=${secret}`) && !Buffer.from(valueOf(line), 'hex').toString('latin1').includes(secret),
        )
  })
})

const valueOf = (line: string): string => /=([0-9a-f]+);/.exec(line)?.[1] ?? ''
