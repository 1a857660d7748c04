import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { App } from '#core/domain/app.ts'
import type { CronJob } from '#core/domain/cron.ts'
import { makeId, type AppId, type AppName, type DeployId } from '#core/domain/ids.ts'
import { defaultPlan } from '#core/domain/quota.ts'
import { silentLog } from '#core/runtime/log.ts'
import { createApp, loadApp, removeApp, setCurrent, setPaused, setRollout } from '#core/store/apps.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { advanceClock, loadClocks } from '#core/store/cron.ts'
import { loadEvents } from '#core/store/events.ts'
import { loadPromises } from '#core/store/promises.ts'
import { savePlan } from '#core/store/plans.ts'
import { createRelease } from '#core/store/releases.ts'
import { endRun, loadRuns } from '#core/store/runs.ts'
import { decide } from '../../../../controller/cron/decide.ts'
import { createJobReader } from '../../../../controller/cron/facts.ts'
import { lookAtClocks, type CronContext } from '../../../../controller/cron/loop.ts'
import { parseSchedule } from '#core/domain/schedule.ts'
import { aSlug, tenant } from '../../../helpers/cluster.ts'
import { startRedis, type TestRedis } from '../../../helpers/redis.ts'

const MINUTE = 60_000
const job = (over: Partial<CronJob> = {}): CronJob => ({
  name: 'cleanup',
  command: 'node cleanup.js',
  schedule: '* * * * *',
  timeoutMs: 30_000,
  overlap: 'skip',
  ...over,
})

describe('the clock of all apps, on a real store', function () {
  this.timeout(40_000)
  let redis: TestRedis
  let store: Store
  let app: App
  let now: number

  beforeEach(async () => {
    redis = await startRedis()
    store = connectStore(redis.url)
    now = Date.parse('2026-11-21T10:00:30Z')
    const id = makeId('a', randomBytes(13)) as AppId
    const record = { id, name: 'shop' as AppName, tenantId: tenant, uidBase: 100_000, createdAt: now }
    await createApp(store, record, await loadPromises(store, tenant))
    app = (await loadApp(store, id)) ?? assert.fail()
    await release(job())
  })
  afterEach(async () => {
    store.disconnect()
    await redis.stop()
  })

  /** A release that is live at once. */
  async function release(...cron: CronJob[]): Promise<void> {
    const deployId = makeId('d', randomBytes(13)) as DeployId
    const made = { appId: app.id, config: {}, commit: null, description: '', actor: '', createdAt: now, deployId }
    const version = await createRelease(store, { ...made, slug: { ...aSlug(), cron } }, null)
    const target = { release: version ?? 0, generation: 0, since: now }
    await setCurrent(store, app.id, target)
    await setRollout(store, app.id, { target, state: 'done', at: now })
  }
  function aController() {
    const context: CronContext = {
      store,
      config: { runTimeoutMs: 3600_000 },
      log: silentLog,
      random: randomBytes,
      now: () => now,
      wake: () => {},
    }
    const reader = createJobReader(store)
    return { context, look: (held = new AbortController().signal) => lookAtClocks(context, reader, held) }
  }
  const runs = async () => (await loadRuns(store, app.id)).map(({ cron, end }) => [cron?.tick, end?.reason ?? 'open'])
  const endAll = async () => {
    for (const { id } of await loadRuns(store, app.id))
      await endRun(store, id, { at: now, reason: 'completed', exitCode: 0, detail: '' })
  }
  const events = async () =>
    (await loadEvents(store, app.id, { limit: 20 })).map(({ kind, text }) => `${kind}: ${text}`).reverse()

  it('makes one run per tick, and says when it is to look again', async () => {
    const { look } = aController()
    await look()
    now += 25_000
    assert.equal(await look(), Date.parse('2026-11-21T10:01:00Z'))
    for (let n = 0; n < 3; n++) {
      now += MINUTE
      await look()
      await look()
      await endAll()
    }
    assert.equal((await runs()).length, 3)
    const [run] = await loadRuns(store, app.id)
    assert.deepEqual(
      [run?.command, run?.timeoutMs, run?.actor, run?.release],
      ['node cleanup.js', 30_000, 'cron:cleanup', 1],
    )
    assert.deepEqual(run?.cron, { job: 'cleanup', tick: Date.parse('2026-11-21T10:03:00Z') })
  })

  it('makes one run per tick however many controllers look at the same time', async () => {
    const controllers = Array.from({ length: 8 }, aController)
    await controllers[0]?.look()
    for (let n = 0; n < 5; n++) {
      now += MINUTE
      await Promise.all(controllers.map(({ look }) => look()))
      await endAll()
    }
    const ticks = (await runs()).map(([tick]) => tick)
    assert.deepEqual([ticks.length, new Set(ticks).size], [5, 5])
  })

  it('goes on with the same run when the controller was killed after it had written a tick down', async () => {
    await aController().look()
    now += MINUTE
    const read = (await loadClocks(store, app.id)).standings.get('cleanup') ?? assert.fail()
    const parsed = parseSchedule('* * * * *')
    assert.ok(parsed.ok)
    const facts = { now, liveSince: 0, isPaused: false, halted: null, open: [], isBegun: false }
    const { standing } = decide(job(), parsed.schedule, read, { ...facts, nextId: 'i-written' as never })
    assert.ok(await advanceClock(store, app.id, 'cleanup', read, standing))
    now += 20_000
    await Promise.all([aController().look(), aController().look()])
    assert.deepEqual(
      (await loadRuns(store, app.id)).map(({ id }) => id),
      ['i-written'],
    )
    await aController().look()
    assert.equal((await runs()).length, 1)
    assert.equal((await loadClocks(store, app.id)).standings.get('cleanup')?.due, null)
  })

  it('reports what was missed while no controller was there, and makes up for the last alone', async () => {
    await aController().look()
    now += 10 * MINUTE
    await aController().look()
    assert.equal((await runs()).length, 1)
    assert.deepEqual(await events(), [
      'cronMissed: 9 runs of cleanup up to 2026-11-21 10:09 UTC were missed: no controller was there to begin it.',
    ])
  })

  it('runs nothing of a paused app, and says so once', async () => {
    const { look } = aController()
    await look()
    await setPaused(store, app.id, { at: now, by: 'me' })
    for (let n = 0; n < 3; n++) {
      now += MINUTE
      await look()
    }
    assert.deepEqual(await runs(), [])
    assert.deepEqual(await events(), [
      'cronMissed: The run of cleanup at 2026-11-21 10:01 UTC was missed: shop is paused.',
    ])
    await setPaused(store, app.id, null)
    now += MINUTE
    await look()
    assert.equal((await runs()).length, 1)
  })

  it('counts against the plan, and reports what that has no room for', async () => {
    await savePlan(store, { ...defaultPlan, memoryMb: 32, instanceMemoryMb: 512 })
    const { look } = aController()
    await look()
    for (let n = 0; n < 2; n++) {
      now += MINUTE
      await look()
    }
    // The usual size is as small as the plan is, so one has room, and the next has none beside it.
    assert.equal((await runs()).length, 1)
    await release(job({ overlap: 'allow' }))
    now += MINUTE
    await look()
    assert.match(
      (await events()).at(-1) ?? '',
      /cronMissed: .* A run of the job cleanup of shop needs 32 MB, 0 MB left/,
    )
  })

  it('follows the release that serves: another schedule, no job, and the job again', async () => {
    const { look } = aController()
    await look()
    now += MINUTE
    await look()
    await endAll()
    await release(job({ schedule: '0 3 * * *' }))
    now += 5 * MINUTE
    await look()
    assert.equal((await runs()).length, 1)
    await release()
    await look()
    assert.equal((await loadClocks(store, app.id)).standings.size, 0)
    now += 60 * MINUTE
    await release(job())
    await look()
    now += MINUTE
    await look()
    assert.deepEqual([(await runs()).length, await events()], [2, []])
  })

  it('makes nothing anew of an app that is destroyed meanwhile', async () => {
    const { look } = aController()
    await look()
    now += MINUTE
    await removeApp(store, app, now)
    await look()
    assert.deepEqual(await store.keys(`berth:app:${app.id}*`), [])
  })

  it('does nothing any more once its lease is lost', async () => {
    const { look } = aController()
    await look()
    now += MINUTE
    await look(AbortSignal.abort())
    assert.deepEqual(await runs(), [])
  })
})
