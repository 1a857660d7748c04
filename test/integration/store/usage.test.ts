import assert from 'node:assert/strict'
import type { AppId, TenantId } from '#core/domain/ids.ts'
import { resolutions } from '#core/domain/usage.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { keys } from '#core/store/keys.ts'
import { loadBuckets, recordUsage, tenantUsage, usageBetween, type UsageSample } from '#core/store/usage.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis.ts'

const MINUTE = 60_000
const [minutes, hours, days] = resolutions
/** The beginning of a minute of late, so that nothing has expired. */
const start = Date.now() - (Date.now() % MINUTE) - 5 * MINUTE
const app = 'a-one' as AppId
const tenant = 'acme' as TenantId

const aSample = (seconds: number, cpuSeconds: number, over: Partial<UsageSample> = {}): UsageSample => ({
  subject: 'i-one-1',
  tenantId: tenant,
  appId: app,
  at: start + seconds * 1000,
  usage: { cpuSeconds },
  ended: false,
  ...over,
})

describe('The ledger', () => {
  let redis: TestRedis
  let store: Store
  before(async () => {
    redis = await startRedis()
    store = connectStore(redis.url)
  })
  beforeEach(() => store.flushall())
  after(async () => {
    store.disconnect()
    await redis.stop()
  })

  const cpu = async () => (await usageBetween(store, `app:${app}`, start - MINUTE, Date.now())).cpuSeconds
  const cpuByMinute = async () =>
    [...(await loadBuckets(store, `app:${app}`, minutes, start, start + 10 * MINUTE)).values()].map(
      ({ cpuSeconds }) => cpuSeconds,
    )

  it('adds only the increase of a cumulative sample, to the app and to its tenant', async () => {
    await recordUsage(store, [
      aSample(0, 1),
      aSample(10, 2.5),
      aSample(0, 4, { subject: 'i-two-1', appId: 'a-two' as AppId }),
    ])
    assert.equal(await cpu(), 2.5)
    assert.equal((await tenantUsage(store, tenant, start, Date.now())).cpuSeconds, 6.5)
  })

  it('counts a sample once that is delivered twice, late or after a lost one', async () => {
    const samples = [aSample(0, 1), aSample(10, 2), aSample(20, 3), aSample(30, 4)]
    const [one, two, three, four] = samples as [UsageSample, UsageSample, UsageSample, UsageSample]
    await recordUsage(store, [one, one])
    await recordUsage(store, [three])
    await recordUsage(store, [two])
    await recordUsage(store, [four, two, one, four])
    assert.equal(await cpu(), 4)
  })

  it('puts what was used into the minute of the sample, not of its delivery', async () => {
    await recordUsage(store, [aSample(10, 1), aSample(70, 3), aSample(130, 6)])
    assert.deepEqual(await cpuByMinute(), [1, 2, 3])
  })

  it('counts nothing of a life after its last sample', async () => {
    await recordUsage(store, [aSample(0, 1), aSample(10, 2, { ended: true }), aSample(10, 2), aSample(20, 9)])
    assert.equal(await cpu(), 2)
    assert.ok(((await store.memory('USAGE', keys.meter('i-one-1'))) ?? 0) < 120)
  })

  it('keeps the highest peak instead of adding peaks up', async () => {
    const peak = (seconds: number, cpuSeconds: number, memoryPeakBytes: number) =>
      aSample(seconds, cpuSeconds, { usage: { cpuSeconds, memoryPeakBytes } })
    await recordUsage(store, [peak(0, 1, 500), peak(10, 2, 900), peak(20, 3, 700)])
    assert.equal((await usageBetween(store, `app:${app}`, start, Date.now())).memoryPeakBytes, 900)
  })

  it('says the same by minutes, by hours and by days, and for the tenant', async () => {
    for (let minute = 0; minute < 5; minute++) await recordUsage(store, [aSample(minute * 60, minute + 1 / 3)])
    for (const scope of [`app:${app}`, `tenant:${tenant}`] as const)
      for (const resolution of [minutes, hours, days]) {
        const buckets = await loadBuckets(store, scope, resolution, start, Date.now())
        const sum = [...buckets.values()].reduce((total, { cpuSeconds }) => total + cpuSeconds, 0)
        assert.ok(Math.abs(sum - (4 + 1 / 3)) < 1e-6, `${scope} by ${resolution.name}: ${sum}`)
      }
  })

  it('lets buckets go when they are no longer kept', async () => {
    await recordUsage(store, [aSample(0, 1)])
    for (const key of await store.keys('berth:*')) assert.ok((await store.pttl(key)) > 0, `${key} would stay for ever`)
    await recordUsage(store, [
      aSample(0, 1, { subject: 'i-old-1', appId: 'a-old' as AppId, at: start - 30 * 3600_000 }),
    ])
    assert.deepEqual((await store.keys('berth:usage:app:a-old:*')).length, 2, 'an hour and a day, no minute')
  })

  it('goes on after a restart of Redis that forgot the commands', async () => {
    await recordUsage(store, [aSample(0, 1)])
    await store.script('FLUSH')
    await recordUsage(store, [aSample(10, 2), aSample(20, 3)])
    assert.equal(await cpu(), 3)
  })
})
