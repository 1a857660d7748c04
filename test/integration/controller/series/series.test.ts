import assert from 'node:assert/strict'
import type { SeriesView } from '#core/contract/series.ts'
import type { App } from '#core/domain/app.ts'
import type { Figures } from '#core/domain/figures.ts'
import type { AppId, AppName } from '#core/domain/ids.ts'
import { LATENCY_BUCKETS } from '#core/domain/latency.ts'
import { ringOf, seriesSteps } from '#core/domain/series.ts'
import { silentLog } from '#core/runtime/log.ts'
import { findApp, removeApp } from '#core/store/apps.ts'
import { recordFigures } from '#core/store/figures.ts'
import { heartbeat } from '#core/store/hosts.ts'
import { assignInstance, reportInstance, reportStats } from '#core/store/instances.ts'
import { readPoints, seriesKeys, writePoints } from '#core/store/series.ts'
import { createSampler } from '../../../../controller/series/sampler.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { aLiveHost, aRunningReport, anInstanceOf } from '../../../helpers/instances.ts'

/** What docs/metrics.md says that a subject takes at most. */
const BOUND_BYTES = 57 * 1024

describe('time series', function () {
  this.timeout(60_000)
  let api: TestApi
  let member: string

  before(async () => {
    api = await startApi()
    member = await api.member('alpha')
    await heartbeat(api.context.store, aLiveHost)
  })
  after(() => api.stop())

  const newApp = async (name: string): Promise<App> => {
    await api.call(member, 'POST', '/v1/apps', { name })
    const app = await findApp(api.context.store, name as AppName)
    assert.ok(app)
    return app
  }
  const sampler = () => createSampler({ store: api.context.store, log: silentLog, now: () => Date.now() })
  const requests = (count: number): Map<AppId, Figures> =>
    new Map([['' as AppId, { requests: count, errors: 1, inBytes: 0, outBytes: 5000, latency: [0, 0, 0, count] }]])
  const deliver = (app: App, router: string, slot: number, count: number) =>
    recordFigures(api.context.store, router, slot, new Map([[app.id, requests(count).get('' as AppId) as Figures]]))
  const show = async (path: string): Promise<SeriesView> => {
    const { status, body } = await api.call(path.startsWith('/apps') ? member : api.operator, 'GET', `/v1${path}`)
    assert.equal(status, 200, JSON.stringify(body))
    return body as SeriesView
  }

  it('hold what runs and what all routers counted, of the app, its tenant, its host and the platform', async () => {
    const { store } = api.context
    const app = await newApp('shop')
    const desired = anInstanceOf(app, 1)
    await assignInstance(store, desired)
    await reportInstance(store, aLiveHost.id, desired.id, aRunningReport)
    await reportStats(
      store,
      aLiveHost.id,
      new Map([[desired.id, { at: Date.now(), cpuMilli: 250, memoryBytes: 50_000_000 }]]),
    )
    const index = Math.floor(Date.now() / 10_000) - 1
    await deliver(app, 'r-1', index * 5, 60)
    await deliver(app, 'r-2', index * 5 + 4, 40)
    await sampler().sample(index)

    const view = await show('/apps/shop/metrics')
    assert.equal(view.stepSeconds, 10)
    const place = index - Date.parse(view.from) / 10_000
    const at = (shown: SeriesView, name: keyof SeriesView['series']) => shown.series[name]?.[place]
    const figures = ['cpuMilli', 'instances', 'requestsPerSecond', 'errorsPerSecond', 'bytesOutPerSecond'] as const
    assert.deepEqual(
      figures.map((name) => at(view, name)),
      [250, 1, 10, 0.2, 1000],
    )
    assert.equal(Math.round((at(view, 'memoryBytes') ?? 0) / 1e6), 50)
    assert.ok((at(view, 'p95Ms') ?? 0) > 0.5)
    assert.equal(view.series.cpuMilli?.filter((value) => value !== null).length, 1)
    assert.equal(at(await show('/tenants/alpha/metrics'), 'requestsPerSecond'), 10)
    assert.equal(at(await show('/metrics'), 'requestsPerSecond'), 10)
    const host = await show(`/hosts/${aLiveHost.id}/metrics`)
    assert.deepEqual([at(host, 'cpuMilli'), at(host, 'instances'), host.series.requestsPerSecond], [300, 1, undefined])
    assert.equal((await api.call(api.operator, 'GET', '/v1/hosts/nowhere/metrics')).status, 404)
    assert.equal((await api.call(api.operator, 'GET', '/v1/tenants/nobody/metrics')).status, 404)
  })

  it('become minutes and hours, also of what a leader before left undone, and nothing is counted twice', async () => {
    const { store } = api.context
    const app = await newApp('rolled')
    const hour = Math.floor(Date.now() / 3600_000) + 100
    const first = hour * 360
    const one = sampler()
    await one.sample(first - 7)
    for (let n = 0; n < 9; n++) {
      await deliver(app, 'r-1', (first + n) * 5, 100)
      await one.sample(first + n)
    }
    // Another leads from here on, after the minute that began has ended; some of it is written again.
    const other = sampler()
    for (let n = 7; n < 20; n++) {
      if (n < 12) await deliver(app, 'r-1', (first + n) * 5, 100)
      if (n < 9 || n > 12) await other.sample(first + n)
    }
    await other.sample(first + 360)
    const subject = `app:${app.id}` as const
    const minutes = await readPoints(store, subject, '1m', hour * 60, hour * 60 + 4)
    assert.deepEqual(
      minutes.map((point) => point?.requestsPerSecond ?? null),
      [10, 10, null, null],
    )
    const [whole] = await readPoints(store, subject, '1h', hour, hour + 1)
    assert.deepEqual([whole?.requestsPerSecond, whole?.errorsPerSecond], [10, 0.1])
  })

  it('make up for points of traffic that the same leader was too late for', async () => {
    const { store } = api.context
    const app = await newApp('late')
    const index = Math.floor(Date.now() / 10_000) + 200_000
    const one = sampler()
    await one.sample(index)
    for (let n = 1; n <= 3; n++) await deliver(app, 'r-1', (index + n) * 5, n * 10)
    await one.sample(index + 3)
    const points = await readPoints(store, `app:${app.id}`, '10s', index, index + 4)
    assert.deepEqual(
      points.map((point) => point?.requestsPerSecond ?? null),
      [null, 1, 2, 3],
    )
  })

  it('take no more memory than is stated, however long they are kept, and go with their app', async () => {
    const { store } = api.context
    const app = await newApp('bounded')
    const subject = `app:${app.id}` as const
    const known = new Set<string>()
    const point = { cpuMilli: 1000, memoryBytes: 1e9, requestsPerSecond: 123, p95Ms: 45, restarts: 1 }
    for (const step of seriesSteps) {
      const { points } = ringOf(step)
      const places = [0, points - 1, points, 3 * points + 7, 100 * points - 1]
      for (const place of places) await writePoints(store, step, place, new Map([[subject, point]]), known)
    }
    const sizes = await Promise.all(seriesKeys(subject).map((key) => store.memory('USAGE', key)))
    const total = sizes.reduce((sum: number, size) => sum + (size ?? 0), 0)
    assert.ok(total > 50_000 && total <= BOUND_BYTES, `${total} bytes`)
    for (const key of seriesKeys(subject)) assert.ok((await store.ttl(key)) > 0, key)
    await removeApp(store, app, Date.now())
    assert.equal(await store.exists(...seriesKeys(subject)), 0)
  })

  it('keep what a router counted for a minute only, in a few bytes for each app', async () => {
    const { store } = api.context
    const busy: Figures = {
      requests: 10_000,
      errors: 12,
      inBytes: 1e7,
      outBytes: 1e8,
      latency: Array.from({ length: LATENCY_BUCKETS }, (_, bucket) => (bucket > 10 && bucket < 30 ? 500 : 0)),
    }
    const counted = new Map(Array.from({ length: 1000 }, (_, n) => [`a-${n}` as AppId, busy]))
    await recordFigures(store, 'r-1', 77, counted)
    const size = (await store.memory('USAGE', 'berth:figures:77')) ?? 0
    assert.ok(size < 1000 * 350, `${size} bytes`)
    const ttl = await store.ttl('berth:figures:77')
    assert.ok(ttl > 0 && ttl <= 60, String(ttl))
  })

  it('refuse what cannot be asked, and say what can', async () => {
    const refused: [query: string, named: string][] = [
      ['range=2h', '30d'],
      ['range=1h&from=2026-11-01', 'range'],
      ['to=2026-11-01', 'from'],
      ['from=2026-11-02&to=2026-11-01', 'before'],
      ['from=yesterday', '2026-11-01'],
    ]
    for (const [query, named] of refused) {
      const { status, body } = await api.call(member, 'GET', `/v1/apps/shop/metrics?${query}`)
      assert.equal(status, 400, query)
      assert.ok(JSON.stringify(body).includes(named), JSON.stringify(body))
    }
  })
})
