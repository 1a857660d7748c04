import assert from 'node:assert/strict'
import { slotOf, type Figures } from '#core/domain/figures.ts'
import { quantile } from '#core/domain/latency.ts'
import type { AppId } from '#core/domain/ids.ts'
import { sleep } from '#core/runtime/clock.ts'
import { readFigures } from '#core/store/figures.ts'
import { anApp, get, httpApp, startWorld, until, type TestApp, type World } from './support.ts'

describe("the figures of an app's requests", function () {
  this.timeout(40_000)
  let world: World
  let app: TestApp

  before(async () => {
    world = await startWorld()
    app = await httpApp((request, response) => {
      void sleep(request.url === '/slow' ? 200 : 0).then(() => {
        response.statusCode = request.url === '/broken' ? 500 : 200
        response.end('x'.repeat(1000))
      })
    })
  })
  after(async () => {
    await world.stop()
    await app.stop()
  })

  const figuresOf = async (id: string): Promise<Figures | undefined> => {
    const newest = slotOf(Date.now())
    const slots = Array.from({ length: 25 }, (_, back) => newest - back)
    return (await readFigures(world.store, slots)).get(id as AppId)
  }

  it('tell how many there were, how many failed, how long they took and how large they were, within seconds', async () => {
    await world.route([anApp('app', [app.endpoint]), anApp('stopped', [])])
    for (const path of ['/', '/', '/', '/slow', '/broken']) await get(world.port, 'app.test', path)
    assert.equal((await get(world.port, 'stopped.test')).status, 503)
    await until(async () => (await figuresOf('a-app'))?.requests === 5, 10_000)
    const figures = await figuresOf('a-app')
    assert.ok(figures)
    assert.equal(figures.errors, 1)
    assert.ok(figures.outBytes > 5_000 && figures.inBytes > 100, JSON.stringify(figures))
    assert.equal(
      Array.from(figures.latency).reduce((sum, count) => sum + count, 0),
      5,
    )
    assert.ok((quantile(figures.latency, 1) ?? 0) >= 180)
    assert.ok((quantile(figures.latency, 0.2) ?? 1e9) < 180)
    await until(async () => (await figuresOf('a-stopped'))?.errors === 1, 10_000)
  })
})
