import assert from 'node:assert/strict'
import { slotOf, type Figures } from '#core/domain/figures.ts'
import { quantile } from '#core/domain/latency.ts'
import type { AppId, InstanceId } from '#core/domain/ids.ts'
import { sleep } from '#core/runtime/clock.ts'
import { mergeAnswered, type Answered } from '#core/domain/answered.ts'
import { readAnswered } from '#core/store/answered.ts'
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

  const newestSlots = () => Array.from({ length: 25 }, (_, back) => slotOf(Date.now()) - back)
  const answered = async (): Promise<Answered | null> =>
    mergeAnswered(await Promise.all(newestSlots().map((slot) => readAnswered(world.store, slot))))
  const figuresOf = async (id: string): Promise<Figures | undefined> => {
    return (await readFigures(world.store, newestSlots())).get(id as AppId)
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

  it('tell how many of them each instance answered, each counted once, and leave out one that answers none', async () => {
    const other = await httpApp((_, response) => void response.end('other'))
    const gone = await httpApp(() => {})
    await gone.stop()
    const refuses = { ...gone.endpoint, instanceId: 'i-refuses' as InstanceId }
    try {
      await world.route([
        anApp('first', [{ ...app.endpoint, instanceId: 'i-first' as InstanceId }]),
        anApp('second', [{ ...other.endpoint, instanceId: 'i-second' as InstanceId }, refuses]),
        anApp('none', [refuses]),
      ])
      for (const path of ['/', '/broken', '/']) assert.ok((await get(world.port, 'first.test', path)).status > 0)
      for (let n = 0; n < 5; n++) assert.equal((await get(world.port, 'second.test')).body, 'other')
      assert.equal((await get(world.port, 'none.test')).status, 502)
      const counts = async () => {
        const all = await answered()
        return ['i-first', 'i-second', 'i-refuses'].map((id) => all?.get(id as InstanceId) ?? 0)
      }
      await until(async () => (await counts()).join() === '3,5,0', 10_000)
      // The next stretches say that this router is there, and repeat nothing.
      const slot = slotOf(Date.now())
      await until(async () => (await readAnswered(world.store, slot + 1)) !== null, 10_000)
      assert.deepEqual(await counts(), [3, 5, 0])
    } finally {
      await other.stop()
    }
  })
})
