import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { makeId, type AppId, type AppName, type DeployId, type LayerDigest } from '#core/domain/ids.ts'
import { emptyManifest } from '#core/domain/manifest.ts'
import type { App } from '#core/domain/app.ts'
import type { Deploy, Release } from '#core/domain/release.ts'
import { silentLog } from '#core/runtime/log.ts'
import { createApp, findApp, removeApp, setCurrent } from '#core/store/apps.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { assignBuild, createDeploy, reportBuild, saveDeploy } from '#core/store/deploys.ts'
import { loadCollected } from '#core/store/layers.ts'
import { loadPromises } from '#core/store/promises.ts'
import { createRelease } from '#core/store/releases.ts'
import { aSlug, anApp } from '#test/helpers/cluster.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis.ts'
import { collect, type CollectContext } from '../../../../controller/slugs/collect.ts'
import { want } from '../../../../controller/slugs/wanted.ts'

const GRACE_MS = 1000
const BUILD_MS = 10_000

describe('Collecting slugs', function () {
  this.timeout(30_000)
  let redis: TestRedis
  let store: Store
  let stored: Set<LayerDigest>
  let clock: number
  let context: CollectContext

  beforeEach(async () => {
    redis = await startRedis()
    store = connectStore(redis.url)
    stored = new Set()
    clock = 1_000_000
    context = {
      store,
      log: silentLog,
      config: { keepReleases: 2, buildTimeoutMs: BUILD_MS },
      layers: {
        async *list() {
          for (const digest of [...stored]) yield await Promise.resolve({ digest, bytes: 10 })
        },
        remove: (digest) => Promise.resolve(void stored.delete(digest)),
      },
      now: () => clock,
    }
  })
  afterEach(async () => {
    store.disconnect()
    await redis.stop()
  })

  const layer = (name: string) => Buffer.from(name).toString('hex').padStart(64, '0') as LayerDigest
  const names = () => [...stored].map((digest) => Buffer.from(digest, 'hex').toString().replaceAll('\0', '')).sort()

  async function newApp(name: string): Promise<App> {
    const record = anApp({ id: makeId('a', randomBytes(13)) as AppId, name: name as AppName })
    await createApp(store, record, await loadPromises(store, record.tenantId))
    return (await findApp(store, record.name)) as App
  }

  const aDeploy = (app: App, over: Partial<Deploy> = {}): Deploy =>
    ({
      id: makeId('d', randomBytes(13)) as DeployId,
      appId: app.id,
      state: 'succeeded',
      buildEpoch: 1,
      fromRelease: null,
      release: null,
      ...over,
    }) as Deploy

  /** A release of these layers that goes live, or does not. */
  async function release(app: App, layers: string[], goesLive = true): Promise<number> {
    const deploy = aDeploy(app, { state: goesLive ? 'succeeded' : 'failed' })
    await createDeploy(store, deploy)
    await saveDeploy(store, deploy)
    for (const name of layers) stored.add(layer(name))
    const slug = {
      ...aSlug(),
      layers: layers.map((name) => ({ digest: layer(name), bytes: 10, kind: 'app' as const })),
    }
    const made: Omit<Release, 'version'> = {
      appId: app.id,
      slug,
      config: {},
      commit: null,
      description: '',
      actor: '',
      createdAt: 0,
      deployId: deploy.id,
    }
    const version = await createRelease(store, made, null)
    assert.ok(version)
    if (goesLive) await setCurrent(store, app.id, { release: version, generation: 0, since: 0 })
    return version
  }

  /** Two rounds, so far apart that what was condemned in the first is deleted in the second. */
  async function collectAll(): Promise<void> {
    await collect(context, GRACE_MS)
    clock += GRACE_MS + BUILD_MS + 1
    await collect(context, GRACE_MS)
  }

  it('keeps the code of the current release and of as many before it as the setting says, and says what is gone', async () => {
    const app = await newApp('shop')
    for (const n of [1, 2, 3, 4, 5]) await release(app, ['deps', `app${n}`])
    await collectAll()
    assert.deepEqual(names(), ['app3', 'app4', 'app5', 'deps'])
    assert.deepEqual([...(await loadCollected(store, app.id))], [1, 2])
  })

  it('counts slugs, not releases, and no release that never went live', async () => {
    const app = await newApp('shop')
    await release(app, ['app1'])
    await release(app, ['app2'])
    for (let changes = 0; changes < 5; changes++) await release(app, ['app2'])
    await release(app, ['broken'], false)
    await release(app, ['app3'])
    await collectAll()
    assert.deepEqual(names(), ['app1', 'app2', 'app3'])
  })

  it('keeps a layer that two apps share for as long as one of them needs it', async () => {
    const [one, two] = [await newApp('one'), await newApp('two')]
    await release(one, ['shared', 'one'])
    await release(two, ['shared', 'two'])
    await removeApp(store, one, 0)
    await collectAll()
    assert.deepEqual(names(), ['shared', 'two'])
    await removeApp(store, two, 0)
    await collectAll()
    assert.deepEqual(names(), [])
  })

  it('deletes nothing in the round that finds it, and nothing that is needed again by the next', async () => {
    const app = await newApp('shop')
    for (const n of [1, 2, 3, 4]) await release(app, [`app${n}`])
    await collect(context, GRACE_MS)
    assert.deepEqual(names(), ['app1', 'app2', 'app3', 'app4'])
    await createDeploy(store, aDeploy(app, { state: 'queued', kind: 'rollback', fromRelease: 1 }))
    clock += 10 * GRACE_MS
    await collect(context, GRACE_MS)
    assert.deepEqual(names(), ['app1', 'app2', 'app3', 'app4'])
    assert.deepEqual([...(await loadCollected(store, app.id))], [])
  })

  it('keeps what a build has sent before there is a release that names it', async () => {
    const app = await newApp('shop')
    const asking = { store, now: () => clock, signal: AbortSignal.timeout(10_000) }
    stored.add(layer('deps'))
    await want(asking, layer('deps'))
    await collect(context, GRACE_MS)
    clock += BUILD_MS
    await collect(context, GRACE_MS)
    assert.deepEqual(names(), ['deps'])
    // The build has ended, and its release is about to be made, however long that takes.
    const deploy = aDeploy(app, { state: 'building', buildHost: 'h' })
    await createDeploy(store, deploy)
    await assignBuild(store, 'h' as never, deploy.id)
    const slug = { ...aSlug(), layers: [{ digest: layer('deps'), bytes: 10, kind: 'app' as const }] }
    await reportBuild(store, 'h' as never, deploy.id, {
      epoch: 1,
      state: 'succeeded',
      at: clock,
      slug,
      manifest: emptyManifest,
    })
    clock += 10 * BUILD_MS
    await collectAll()
    assert.deepEqual(names(), ['deps'])
    await saveDeploy(store, { ...deploy, state: 'failed' })
    await collectAll()
    assert.deepEqual(names(), [])
  })

  it('tells nobody that a layer is there while it deletes it', async () => {
    stored.add(layer('old'))
    await collect(context, GRACE_MS)
    clock += GRACE_MS + BUILD_MS + 1
    let asked = Promise.resolve()
    const order: string[] = []
    context.layers.remove = async (digest) => {
      asked = want({ store, now: () => clock, signal: AbortSignal.timeout(10_000) }, digest).then(
        () => void order.push('answered'),
      )
      await new Promise((resolve) => setTimeout(resolve, 200))
      stored.delete(digest)
      order.push('deleted')
    }
    await collect(context, GRACE_MS)
    await asked
    assert.deepEqual(order, ['deleted', 'answered'])
  })

  it('goes on after it was killed between deleting and saying so', async () => {
    stored.add(layer('old'))
    await collect(context, GRACE_MS)
    clock += GRACE_MS + BUILD_MS + 1
    context.layers.remove = (digest) => {
      stored.delete(digest)
      return Promise.reject(new Error('killed'))
    }
    await assert.rejects(collect(context, GRACE_MS), /killed/)
    await collect(context, GRACE_MS)
    await want({ store, now: () => clock, signal: AbortSignal.timeout(10_000) }, layer('old'))
  })
})
