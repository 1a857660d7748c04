import assert from 'node:assert/strict'
import type { Applied } from '#core/domain/instance.ts'
import type { AppId, DeployId } from '#core/domain/ids.ts'
import { removeApp, restartApp, setPaused } from '#core/store/apps.ts'
import { loadInstances } from '#core/store/instances.ts'
import { loadPromises } from '#core/store/promises.ts'
import { createRelease } from '#core/store/releases.ts'
import { loadRoutes } from '#core/store/routes.ts'
import { changeTenant, createTenant, newTenant } from '#core/store/tenants.ts'
import { makeSigningKey, readSigningKey } from '#core/runtime/signing.ts'
import { connectStore } from '#core/store/connection.ts'
import { openQueues } from '../../../../controller/queues.ts'
import { aSlug, formation, tenant } from '../../../helpers/cluster.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { startEngine, until, type Engine } from './engine.ts'

describe('the reconciler, on a real store and real queues', function () {
  this.timeout(60_000)
  let engine: Engine

  beforeEach(async () => {
    engine = await startEngine()
    engine.startRouter()
  })
  afterEach(() => engine.stop())

  /** An app with one release as its target, as the deploy story leaves it. */
  async function releasedApp(counts: Record<string, number>) {
    const app = await engine.createApp('shop')
    await release(app.id, 'd-one', counts)
    return app
  }
  const release = async (appId: AppId, deploy: string, counts: Record<string, number> | null) =>
    createRelease(
      engine.store,
      {
        appId,
        slug: aSlug({ web: 'node web.js', worker: 'node worker.js' }),
        config: {},
        commit: null,
        description: '',
        actor: '',
        createdAt: Date.now(),
        deployId: deploy as DeployId,
      },
      counts && { tenantId: tenant, formation: formation(counts), promises: await loadPromises(engine.store, tenant) },
    )
  const running = async () =>
    (await loadInstances(engine.store))
      .map(({ desired, reported }) => `${desired.hostId} ${desired.intent} ${reported?.state ?? 'unheard'}`)
      .sort()
  const settled = (id: AppId, count: number) =>
    until(`${count} instances`, async () => {
      const all = await running()
      return all.length === count && all.every((line) => line.endsWith('run running')) && (await engine.app(id)).current
    })

  it('runs the formation, scales it, and removes what belongs to no app', async () => {
    await engine.startAgent('host-a')
    engine.startController()
    const app = await releasedApp({ web: 2, worker: 1 })
    await settled(app.id, 3)
    await engine.setFormation(app, { web: 1, worker: 0 })
    await settled(app.id, 1)
    await removeApp(engine.store, app, Date.now())
    await until('no instance', async () => (await running()).length === 0)
    assert.deepEqual((await loadRoutes(engine.store))?.apps, [])
  })

  it('changes limits, freezes and thaws instances where they run, and the routers keep or get them back', async () => {
    await engine.startAgent('host-a')
    engine.startController()
    const app = await releasedApp({ web: 2 })
    await settled(app.id, 2)
    const ids = async () => (await loadInstances(engine.store)).map(({ desired }) => desired.id).sort()
    const routeOf = async () => (await loadRoutes(engine.store))?.apps[0]
    const applied = async (what: string, wanted: Partial<Applied>) =>
      until(what, async () =>
        (await loadInstances(engine.store)).every(({ reported }) => {
          const has = reported?.applied
          return has && Object.entries(wanted).every(([field, value]) => has[field as keyof Applied] === value)
        }),
      )
    const before = { ids: await ids(), endpoints: (await routeOf())?.endpoints }
    assert.equal(before.endpoints?.length, 2)
    await engine.setFormation(app, { web: 2 }, 256)
    await applied('the smaller size', { memoryMb: 256 })
    assert.deepEqual({ ids: await ids(), endpoints: (await routeOf())?.endpoints }, before)
    await setPaused(engine.store, app.id, { at: Date.now(), by: 'me' })
    await applied('the freeze', { paused: true })
    assert.deepEqual([(await routeOf())?.health, (await routeOf())?.endpoints], ['paused', []])
    await setPaused(engine.store, app.id, null)
    await applied('the thaw', { paused: false })
    await until('both routed again', async () => (await routeOf())?.endpoints.length === 2)
    assert.deepEqual(await ids(), before.ids)
  })

  it('stops what a suspended tenant runs, and brings it back', async () => {
    await engine.startAgent('host-a')
    engine.startController()
    await createTenant(engine.store, newTenant(tenant, 0))
    const app = await releasedApp({ web: 2, worker: 1 })
    await settled(app.id, 3)
    await changeTenant(engine.store, tenant, { suspended: { at: 0, by: 'ops', reason: 'why' } })
    await until('no instance', async () => (await running()).length === 0)
    assert.equal((await loadRoutes(engine.store))?.apps[0]?.health, 'suspended')
    await changeTenant(engine.store, tenant, { suspended: null })
    await settled(app.id, 3)
  })

  it('replaces all instances for a restart', async () => {
    await engine.startAgent('host-a')
    engine.startController()
    const app = await releasedApp({ web: 2 })
    await settled(app.id, 2)
    const before = new Set((await loadInstances(engine.store)).map(({ desired }) => desired.id))
    assert.ok(await restartApp(engine.store, app.id, Date.now()))
    await until('new instances', async () => {
      const now = await loadInstances(engine.store)
      return (
        now.length === 2 &&
        now.every(({ desired, reported }) => !before.has(desired.id) && reported?.state === 'running')
      )
    })
  })

  it('is led by one controller, and taken over by the other when that one ends', async () => {
    await engine.startAgent('host-a')
    const first = engine.startController()
    const app = await releasedApp({ web: 1 })
    await settled(app.id, 1)
    engine.startController()
    await first.stop()
    await engine.setFormation(app, { web: 3 })
    await settled(app.id, 3)
  })

  it('does not give the routers a new table because the controller restarted', async () => {
    await engine.startAgent('host-a')
    const first = engine.startController()
    const app = await releasedApp({ web: 1 })
    await settled(app.id, 1)
    await first.stop()
    const version = (await loadRoutes(engine.store))?.version
    const next = engine.startController()
    await until('a leader', async () => (await engine.store.get('berth:lease:reconciler')) !== null)
    next.reconciler.wake()
    await engine.setFormation(app, { web: 1, worker: 1 })
    await settled(app.id, 2)
    assert.equal((await loadRoutes(engine.store))?.version, version)
  })

  it('starts the instances of a lost host elsewhere', async () => {
    const first = await engine.startAgent('host-a')
    engine.startController()
    const app = await releasedApp({ web: 1 })
    await settled(app.id, 1)
    await engine.startAgent('host-b')
    await first.vanish()
    await until('an instance on host-b', async () => (await running()).includes('host-b run running'), 30_000)
    const table = await until('a route to host-b only', async () => {
      const now = await loadRoutes(engine.store)
      return now?.apps[0]?.endpoints.length === 1 && now
    })
    const [endpoint] = table.apps[0]?.endpoints ?? []
    const there = (await loadInstances(engine.store)).find(({ desired }) => desired.hostId === 'host-b')
    assert.equal(endpoint?.instanceId, there?.desired.id)
  })
})

describe('the job queue of a host that is gone', () => {
  it('leaves nothing in Redis', async function () {
    this.timeout(15_000)
    const redis = await startRedis()
    const store = connectStore(redis.url)
    const queues = openQueues(redis.url, readSigningKey(makeSigningKey()))
    try {
      for (const host of ['host-a', 'host-b'])
        await queues.send(host as never, { kind: 'instance', instanceId: 'i-one' as never })
      await queues.forget('host-a' as never)
      const left = await store.keys('*')
      assert.deepEqual(
        left.filter((key) => key.includes('host-a')),
        [],
      )
      assert.notDeepEqual(
        left.filter((key) => key.includes('host-b')),
        [],
      )
    } finally {
      await queues.stop()
      store.disconnect()
      await redis.stop()
    }
  })
})

describe('a job queue without its Redis', () => {
  it('says within seconds that it cannot take a job', async function () {
    this.timeout(15_000)
    const redis = await startRedis()
    const queues = openQueues(redis.url, readSigningKey(makeSigningKey()))
    await redis.stop()
    await assert.rejects(queues.send('host-a' as never, { kind: 'instance', instanceId: 'i-one' as never }), {
      code: 'UNAVAILABLE',
    })
    await queues.stop()
  })
})
