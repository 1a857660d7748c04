import assert from 'node:assert/strict'
import type { InstanceId } from '#core/domain/ids.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { isRestored, markRestored } from '#core/store/copy.ts'
import { keys } from '#core/store/keys.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis.ts'
import { orphansToEnd } from '../../../agent/orphans.ts'

const MINUTE = 60_000
const all = ['i-one', 'i-two'] as InstanceId[]

describe('Instances that are assigned to nobody', () => {
  let redis: TestRedis
  let store: Store

  before(async () => {
    redis = await startRedis()
    store = connectStore(redis.url)
  })
  after(async () => {
    store?.disconnect()
    await redis?.stop()
  })

  it('are ended when they are seen twice in a row, not at once', () => {
    assert.deepEqual(orphansToEnd(all, new Set(), false), [])
    assert.deepEqual(orphansToEnd(all, new Set(['i-two'] as InstanceId[]), false), ['i-two'])
  })

  it('F35 run on for half an hour after a backup was restored that may not know them, on every host, and no longer', async () => {
    const hosts = [new Set(all.slice(0, 1)), new Set(all.slice(1))]
    const ended = async () => {
      const held = await isRestored(store)
      return hosts.map((seen) => orphansToEnd([...seen], seen, held))
    }
    assert.deepEqual(await ended(), [['i-one'], ['i-two']])
    await markRestored(store, 'b-one')
    assert.deepEqual(await ended(), [[], []])
    const left = await store.pttl(keys.restored)
    assert.ok(left > 29 * MINUTE && left <= 30 * MINUTE, String(left))
    // The store's clock is the only one that counts, so its end is brought nearer.
    await store.pexpire(keys.restored, 1)
    while (await isRestored(store)) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.deepEqual(await ended(), [['i-one'], ['i-two']])
  })
})
