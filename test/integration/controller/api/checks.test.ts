import assert from 'node:assert/strict'
import type { AppName, DeployId } from '#core/domain/ids.ts'
import { findApp, setCurrent } from '#core/store/apps.ts'
import { createRelease } from '#core/store/releases.ts'
import { startApi, type TestApi } from '#test/helpers/api.ts'
import { aSlug } from '../../../helpers/cluster.ts'

describe('how an app is checked, and its jobs', function () {
  this.timeout(20_000)
  let api: TestApi
  let token: string

  before(async () => {
    api = await startApi()
    token = await api.member('ann')
  })
  beforeEach(async () => {
    await api.call(token, 'DELETE', '/v1/apps/shop?confirm=shop')
    await api.call(token, 'POST', '/v1/apps', { name: 'shop' })
  })
  after(() => api.stop())

  const ask = (method: string, path: string, body?: unknown) => api.call(token, method, `/v1/apps/shop/${path}`, body)

  /** A release that serves, with a check and two jobs of its own. */
  async function release(): Promise<void> {
    const { store } = api.context
    const app = (await findApp(store, 'shop' as AppName)) ?? assert.fail()
    const job = { command: 'true', schedule: '0 3 * * *', timeoutMs: 60_000, overlap: 'skip' as const }
    const slug = {
      ...aSlug({ web: 'node web.js', worker: 'node worker.js', release: 'true' }),
      health: { web: { kind: 'http' as const, path: '/up', startTimeoutMs: 90_000 } },
      cron: [
        { ...job, name: 'cleanup' },
        { ...job, name: 'broken', schedule: '61 * * * *' },
      ],
    }
    const made = { appId: app.id, slug, config: {}, commit: null, description: '', actor: '', createdAt: 0 }
    const version = await createRelease(store, { ...made, deployId: 'd-one' as DeployId }, null)
    await setCurrent(store, app.id, { release: version ?? 0, generation: 0, since: Date.now() })
  }

  it('are as the code says, until something else is set, field by field, and again when that is taken back', async () => {
    await release()
    const web = { process: 'web', kind: 'http', path: '/up', startTimeoutMs: 90_000, from: 'code' }
    const worker = { process: 'worker', kind: 'none', path: '/', startTimeoutMs: 60_000, from: 'default' }
    assert.deepEqual((await ask('GET', 'checks')).body, { app: 'shop', autoRollback: true, checks: [web, worker] })
    const changed = await ask('PATCH', 'checks', {
      processes: { web: { startTimeoutMs: 30_000 }, worker: { kind: 'tcp' } },
      autoRollback: false,
    })
    assert.deepEqual(changed.body, {
      app: 'shop',
      autoRollback: false,
      checks: [
        { ...web, startTimeoutMs: 30_000, from: 'app' },
        { ...worker, kind: 'tcp', from: 'app' },
      ],
    })
    const { body } = await ask('PATCH', 'checks', { processes: { web: null } })
    assert.deepEqual([body.checks[0], body.autoRollback], [web, false])
    const { events } = (await ask('GET', 'events')).body
    assert.match(String(events[1].text), /shop: web: within 30 s; worker: a connection; a release that crashes stays/)
    assert.equal(api.submitted.length, 0, 'no release is made')
  })

  it('are refused where they make no sense, with what would', async () => {
    await release()
    const refusal = async (processes: unknown) => {
      const { status, body } = await ask('PATCH', 'checks', { processes })
      assert.ok(status === 400 || status === 422, `${status}`)
      return String(body.detail)
    }
    assert.match(await refusal({ wrok: { kind: 'tcp' } }), /no process type "wrok"; this app has: web, worker/)
    assert.match(await refusal({ release: { kind: 'none' } }), /no process type "release"/)
    assert.match(await refusal({ web: { path: 'up' } }), /must be a path like \/healthz/)
    assert.match(await refusal({ web: { path: '/a b\r\nX: y' } }), /must be a path like \/healthz/)
    assert.match(await refusal({ web: { startTimeoutMs: 1 } }), /startTimeoutMs/)
    assert.match(await refusal({ web: { every: 1 } }), /every/)
    const lower = { ...api.context.config, bootTimeoutMs: 60_000 }
    Object.assign(api.context, { config: lower })
    assert.match(await refusal({ web: { startTimeoutMs: 61_000 } }), /A start may take 60 s at most here, .* 61 s/)
  })

  it('shows jobs with their next run, and what is wrong with one', async () => {
    assert.deepEqual((await ask('GET', 'cron')).body, { app: 'shop', halted: null, jobs: [] })
    await release()
    const { jobs } = (await ask('GET', 'cron')).body
    assert.match(String(jobs[0].nextAt), /T03:00:00\.000Z$/)
    assert.deepEqual([jobs[0].name, jobs[0].last, jobs[0].missed, jobs[0].problem], ['cleanup', null, null, null])
    assert.match(String(jobs[1].problem), /its minute must be of 0 to 59/)
    assert.equal(jobs[1].nextAt, null)
    assert.equal((await ask('GET', 'cron/nothing')).status, 404)
  })

  it('runs a job now, but not beside itself, and lists its runs', async () => {
    await release()
    const made = await ask('POST', 'cron/cleanup/run')
    assert.deepEqual([made.status, made.body.job, made.body.timeoutSeconds], [201, 'cleanup', 60])
    const again = await ask('POST', 'cron/cleanup/run')
    assert.deepEqual([again.status, again.body.code], [409, 'JOB_UNDER_WAY'])
    assert.match(String(again.body.detail), /berth ps:stop run\.1 -a shop/)
    const named = async (query: string) =>
      ((await ask('GET', `runs${query}`)).body.runs as { name: string }[]).map(({ name }) => name)
    assert.deepEqual(await named('?job=cleanup'), ['run.1'])
    assert.deepEqual(await named('?job=broken'), [])
    assert.equal((await ask('GET', 'runs?n=0')).status, 400)
  })

  it('pauses and resumes a job, and says who did', async () => {
    await release()
    const paused = (await ask('POST', 'cron/cleanup/pause')).body
    assert.deepEqual([paused.nextAt, typeof paused.paused.by], [null, 'string'])
    await ask('POST', 'cron/cleanup/pause')
    assert.equal((await ask('POST', 'cron/cleanup/resume')).body.paused, null)
    const { events } = (await ask('GET', 'events?kind=cronChanged')).body as { events: { text: string }[] }
    assert.deepEqual(
      events.map(({ text }) => text),
      ['The job cleanup runs again', 'The job cleanup is paused: its runs are left out'],
    )
  })

  it('C01: are nobody else’s', async () => {
    await release()
    const other = await api.member('bob')
    for (const [method, path] of [
      ['GET', 'checks'],
      ['PATCH', 'checks'],
      ['GET', 'cron'],
      ['POST', 'cron/cleanup/run'],
      ['POST', 'cron/cleanup/pause'],
    ] as const)
      assert.equal(
        (await api.call(other, method, `/v1/apps/shop/${path}`, method === 'GET' ? undefined : {})).status,
        404,
      )
  })
})
