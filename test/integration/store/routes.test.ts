import assert from 'node:assert/strict'
import type { AppId, AppName, TenantId } from '#core/domain/ids.ts'
import { defaultTraffic } from '#core/domain/quota.ts'
import { defaultRouteSettings, type AppRoute, type RouteChange, type RouteHead } from '#core/domain/route.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { catchUp, createRouteReader, loadRoutes, putChange, putRoutes, type RouteCopy } from '#core/store/routes.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis.ts'

const aRoute = (name: string, over: Partial<AppRoute> = {}): AppRoute => ({
  appId: `a-${name}` as AppId,
  name: name as AppName,
  tenantId: 't-one' as TenantId,
  addresses: [{ host: `${name}.test`, path: '/' }],
  settings: defaultRouteSettings,
  health: 'stopped',
  endpoints: [],
  ...over,
})
const manyRoutes = (count: number) => Array.from({ length: count }, (_, n) => aRoute(`app-${n}`))

/** A copy that remembers how it got its rows. */
class Listening implements RouteCopy {
  head: RouteHead = { version: 0, mark: '' }
  readonly apps = new Map<AppId, AppRoute>()
  merges = 0
  merge({ changed, removed }: RouteChange | Parameters<RouteCopy['merge']>[0], head: RouteHead): void {
    this.merges += 1
    for (const id of removed) this.apps.delete(id)
    for (const route of changed) this.apps.set(route.appId, route)
    this.head = head
  }
}

describe('the stored route table', function () {
  this.timeout(60_000)
  let redis: TestRedis
  let store: Store
  beforeEach(async () => {
    redis = await startRedis()
    store = connectStore(redis.url)
  })
  afterEach(async () => {
    store.disconnect()
    await redis.stop()
  })

  const change = async (over: Partial<RouteChange>): Promise<boolean> => {
    const stored = await loadRoutes(store)
    const from = stored?.mark ?? ''
    return putChange(store, {
      from,
      version: (stored?.version ?? 0) + 1,
      changed: [],
      removed: [],
      tenants: {},
      ...over,
    })
  }

  it('takes in what changed, and keeps the rest', async () => {
    const quota = { ...defaultTraffic, connections: 5 }
    await change({ changed: [aRoute('one'), aRoute('two')], tenants: { ['t-one' as TenantId]: quota } })
    await change({ changed: [aRoute('two', { health: 'crashed' })], removed: ['a-one' as AppId] })
    const table = await loadRoutes(store)
    assert.deepEqual(table?.apps, [aRoute('two', { health: 'crashed' })])
    assert.deepEqual(table.tenants, { 't-one': quota })
    assert.equal(table.version, 2)
    await change({ tenants: { ['t-one' as TenantId]: null } })
    assert.deepEqual((await loadRoutes(store))?.tenants, {})
  })

  it('refuses a change that was made on another table, and leaves nothing of it', async () => {
    await change({ changed: [aRoute('one')] })
    const stored = await loadRoutes(store)
    const late = { version: 2, changed: [aRoute('late')], removed: [], tenants: {} }
    assert.equal(await putChange(store, { ...late, from: '' }), false)
    assert.equal(await putChange(store, { ...late, from: stored?.mark ?? '', version: 1 }), false)
    assert.deepEqual(await loadRoutes(store), stored)
  })

  it('of two changes on one table takes one', async () => {
    await change({ changed: [aRoute('one')] })
    const from = (await loadRoutes(store))?.mark ?? ''
    const each = ['red', 'blue'].map((name) => ({
      from,
      version: 2,
      changed: [aRoute(name)],
      removed: [],
      tenants: {},
    }))
    const taken = await Promise.all(each.map((made) => putChange(store, made)))
    assert.deepEqual(taken.sort(), [false, true])
    assert.equal((await loadRoutes(store))?.apps.length, 2)
  })

  it('brings a copy up to date by the changes alone', async () => {
    await change({ changed: manyRoutes(50) })
    const copy = (await catchUp<Listening>(store, null, () => new Listening())) ?? assert.fail()
    copy.merges = 0
    for (let n = 0; n < 20; n++) await change({ changed: [aRoute('app-0', { name: `n${n}` as AppName })] })
    assert.equal(await catchUp(store, copy, () => assert.fail('built anew')), copy)
    assert.equal(copy.merges, 20)
    assert.equal(copy.head.version, 21)
    assert.equal(copy.apps.get('a-app-0' as AppId)?.name, 'n19')
  })

  it('has a copy built anew where the log leaves a gap: too long ago, or too large a change', async () => {
    await change({ changed: [aRoute('one')] })
    const copy = (await catchUp<Listening>(store, null, () => new Listening())) ?? assert.fail()
    await change({ changed: manyRoutes(1_000) })
    const second = (await catchUp<Listening>(store, copy, () => new Listening())) ?? assert.fail()
    assert.notEqual(second, copy)
    assert.equal(second.apps.size, 1_001)

    await change({ changed: [aRoute('two')] })
    await change({ changed: [aRoute('three')] })
    await store.xtrim('berth:routes:changes', 'MAXLEN', 1)
    const third = (await catchUp<Listening>(store, second, () => new Listening())) ?? assert.fail()
    assert.notEqual(third, second)
    assert.equal(third.apps.size, 1_003)
  })

  it('is told from another one with the same number, which a Redis that was set back may come to', async () => {
    await change({ changed: [aRoute('one')] })
    const before = await Promise.all(
      ['', ':apps', ':tenants', ':changes'].map(async (part) => ({
        key: `berth:routes${part}`,
        dump: await store.dumpBuffer(`berth:routes${part}`),
      })),
    )
    await change({ changed: [aRoute('lost')] })
    const reader = createRouteReader(store)
    const copy = (await catchUp<Listening>(store, null, () => new Listening())) ?? assert.fail()
    await reader.load()

    await store.flushdb()
    for (const { key, dump } of before) if (dump) await store.restore(key, 0, dump)
    await change({ changed: [aRoute('other')] })
    await change({ changed: [aRoute('more')] })

    const found = (await catchUp<Listening>(store, copy, () => new Listening())) ?? assert.fail()
    assert.deepEqual([...found.apps.keys()].sort(), ['a-more', 'a-one', 'a-other'])
    assert.deepEqual((await reader.load())?.apps.map(({ name }) => name).sort(), ['more', 'one', 'other'])
  })

  it('reads as none where Redis lost everything, and begins again', async () => {
    await change({ changed: [aRoute('one')] })
    const reader = createRouteReader(store)
    assert.equal((await reader.load())?.version, 1)
    await store.flushdb()
    assert.equal(await reader.load(), null)
    assert.equal(await change({ version: 9, changed: [aRoute('two')] }), true)
    assert.deepEqual(
      (await reader.load())?.apps.map(({ name }) => name),
      ['two'],
    )
  })

  it('counts a table of an earlier format as none', async () => {
    await store.hset('berth:routes', 'version', '40', 'table', '{}')
    assert.equal(await loadRoutes(store), null)
    assert.equal(await change({ changed: [aRoute('one')] }), true)
    assert.equal((await loadRoutes(store))?.version, 1)
    assert.equal(await store.hexists('berth:routes', 'table'), 0)
  })

  it('is whole for a copy that is built while it changes', async () => {
    await change({ changed: manyRoutes(5_000) })
    let writing = true
    const written: AppId[] = []
    const writer = (async () => {
      for (let n = 0; writing; n++) {
        const removed = [`a-app-${n}` as AppId]
        assert.equal(await change({ removed, changed: [aRoute(`new-${n}`)] }), true)
        written.push(...removed)
      }
    })()
    const copies = []
    for (let n = 0; n < 5; n++) copies.push(await catchUp<Listening>(store, null, () => new Listening()))
    writing = false
    await writer
    assert.ok(written.length > 0)
    const stored = (await loadRoutes(store))?.apps.map(({ appId }) => appId).sort()
    for (const copy of copies) {
      const found = await catchUp<Listening>(store, copy, () => assert.fail('built anew'))
      assert.deepEqual([...(found?.apps.keys() ?? [])].sort(), stored)
    }
  })

  it('of 100,000 apps is read, and one change of it too, without holding up what else is done', async () => {
    await putRoutes(store, { version: 1, apps: manyRoutes(100_000), tenants: {} })
    const copy = (await catchUp<Listening>(store, null, () => new Listening())) ?? assert.fail()
    assert.equal(copy.apps.size, 100_000)
    assert.ok(copy.merges > 100, 'it came in pieces')
    const stored = copy.head
    await putChange(store, {
      from: stored.mark,
      version: 2,
      changed: [aRoute('app-7', { health: 'crashed' })],
      removed: [],
      tenants: {},
    })
    const began = performance.now()
    assert.equal(await catchUp(store, copy, () => assert.fail('built anew')), copy)
    assert.ok(performance.now() - began < 1_000)
    assert.equal(copy.apps.get('a-app-7' as AppId)?.health, 'crashed')
  })
})
