import assert from 'node:assert/strict'
import { connectStore, type Store } from '#core/store/connection.ts'
import { sleep } from '#core/runtime/clock.ts'
import { withLease } from '../../../../controller/reconcile/lease.ts'
import { startRedis, type TestRedis } from '../../../helpers/redis.ts'
import { until } from './engine.ts'

describe('work under a lease', function () {
  this.timeout(20_000)
  let redis: TestRedis
  let store: Store
  const forEver = new AbortController().signal

  beforeEach(async () => {
    redis = await startRedis()
    store = connectStore(redis.url)
  })
  afterEach(async () => {
    store.disconnect()
    await redis.stop()
  })

  it('runs for one owner at a time; the next one begins when the first has ended', async () => {
    const log: string[] = []
    const work = (owner: string) =>
      withLease({ store, name: 'work', owner }, forEver, async () => {
        log.push(`${owner} begins`)
        await sleep(200)
        log.push(`${owner} ends`)
      })
    const first = work('one')
    await until('the first', () => Promise.resolve(log.length > 0))
    await Promise.all([first, work('two')])
    assert.deepEqual(log, ['one begins', 'one ends', 'two begins', 'two ends'])
    assert.equal(await store.get('berth:lease:work'), null)
  })

  it('is told to end when another owner has the lease, and leaves it to that one', async () => {
    await withLease({ store, name: 'work', owner: 'one' }, forEver, async (held) => {
      await store.set('berth:lease:work', 'two')
      await sleep(15_000, held)
      assert.ok(held.aborted)
    })
    assert.equal(await store.get('berth:lease:work'), 'two')
  })

  it('is told to end before the lease lapses when the store is away', async () => {
    const began = Date.now()
    await withLease({ store, name: 'work', owner: 'one' }, forEver, async (held) => {
      await redis.stop()
      await sleep(15_000, held)
    })
    assert.ok(Date.now() - began < 15_000)
  })

  it('does not begin once it was told to stop', async () => {
    const stopping = new AbortController()
    await store.set('berth:lease:work', 'other')
    const waiting = withLease({ store, name: 'work', owner: 'one' }, stopping.signal, () => Promise.resolve('worked'))
    stopping.abort()
    assert.equal(await waiting, null)
  })
})
