import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { makeId, type DeployId } from '#core/domain/ids.ts'
import type { Deploy } from '#core/domain/release.ts'
import { findApp } from '#core/store/apps.ts'
import { appendDeployLog, createDeploy, loadDeploy, loadDeploys, saveDeploy } from '#core/store/deploys.ts'
import { endDeploy, startApi, type TestApi } from '../../../helpers/api.ts'

describe('The API for builds', function () {
  this.timeout(30_000)
  let api: TestApi
  let operator: string
  beforeEach(async () => {
    api = await startApi()
    operator = api.operator
    for (const name of ['shop', 'other']) await api.call(operator, 'POST', '/v1/apps', { name })
  })
  afterEach(() => api.stop())

  async function aBuild(change: Partial<Deploy> = {}, name = 'shop'): Promise<Deploy> {
    const app = await findApp(api.context.store, name as never)
    assert.ok(app)
    const deploy: Deploy = {
      id: makeId('d', randomBytes(13)) as DeployId,
      appId: app.id,
      kind: 'push',
      actor: 'ada',
      description: 'Deploy ccccccc',
      createdAt: Date.now(),
      state: 'queued',
      commit: 'c'.repeat(40),
      source: 'e'.repeat(64),
      fromRelease: null,
      config: null,
      release: null,
      buildHost: null,
      buildEpoch: 0,
      startedAt: null,
      phases: [],
      releaseRun: null,
      postdeployRun: null,
      error: null,
      endedAt: null,
    }
    await createDeploy(api.context.store, deploy)
    const changed = { ...deploy, ...change }
    await saveDeploy(api.context.store, changed)
    return changed
  }

  it('lists what was built, newest first, with its host and how long its parts took', async () => {
    const first = await aBuild({ state: 'failed', error: 'no', endedAt: Date.now() })
    await aBuild({ kind: 'config', source: null, commit: null })
    const second = await aBuild({
      state: 'building',
      buildHost: 'host-a',
      startedAt: 1000,
      phases: [{ name: 'queue', ms: 7 }],
    })
    const { body } = await api.call(operator, 'GET', '/v1/apps/shop/builds')
    assert.deepEqual(
      (body.builds as { id: string }[]).map(({ id }) => id),
      [second.id, first.id],
    )
    const { host, startedAt, phases, state, actor } = body.builds[0]
    assert.deepEqual(
      { host, startedAt, phases, state, actor },
      {
        host: 'host-a',
        startedAt: '1970-01-01T00:00:01.000Z',
        phases: [{ name: 'queue', ms: 7 }],
        state: 'building',
        actor: 'ada',
      },
    )
  })

  it('hands out what a build printed so far, and with tail until it is over', async () => {
    const build = await aBuild({ state: 'building' })
    await appendDeployLog(api.context.store, build.id, ['one'])
    const path = `/v1/apps/shop/builds/${build.id}/output`
    const linesOf = async (query = '') => {
      const response = await fetch(api.url + path + query, { headers: { authorization: `Bearer ${operator}` } })
      return (await response.text())
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { line?: string; end?: { state: string } })
    }
    assert.deepEqual(await linesOf(), [{ line: 'one' }])
    const following = linesOf('?tail=1')
    await endDeploy(api, build, { state: 'succeeded', release: 1 }, ['two'])
    const lines = await following
    assert.deepEqual(lines.slice(0, 2), [{ line: 'one' }, { line: 'two' }])
    assert.equal(lines[2]?.end?.state, 'succeeded')
    assert.equal((await api.call(operator, 'GET', `${path}?tail=perhaps`)).status, 400)
  })

  it('cancels one that waits, notes the wish for one that runs, and says why it cannot', async () => {
    const waiting = await aBuild()
    const cancelled = await api.call(operator, 'POST', `/v1/apps/shop/builds/${waiting.id}/cancel`, {})
    assert.equal(cancelled.status, 202)
    assert.match(String(cancelled.body.error), /^Cancelled by /)
    const again = await api.call(operator, 'POST', `/v1/apps/shop/builds/${waiting.id}/cancel`, {})
    assert.deepEqual([again.status, again.body.code], [409, 'NOT_CANCELLABLE'])
    assert.match(String(again.body.detail), /is over already \(cancelled\)/)
    const running = await aBuild({ state: 'building' })
    assert.equal(
      (await api.call(operator, 'POST', `/v1/apps/shop/builds/${running.id}/cancel`, {})).body.state,
      'building',
    )
    const rolling = await aBuild({ state: 'rolling', release: 3 })
    const late = await api.call(operator, 'POST', `/v1/apps/shop/builds/${rolling.id}/cancel`, {})
    assert.match(String(late.body.detail), /goes live as v3 already.*berth rollback -a shop/)
  })

  it('knows no build of another app, and no deploy without a source', async () => {
    const elsewhere = await aBuild({}, 'other')
    const config = await aBuild({ kind: 'config', source: null })
    for (const { id } of [elsewhere, config, { id: 'd-nothing' }, { id: '..%2f..' }])
      for (const [method, path] of [
        ['GET', ''],
        ['GET', '/output'],
        ['POST', '/cancel'],
      ] as const)
        assert.equal(
          (await api.call(operator, method, `/v1/apps/shop/builds/${id}${path}`, method === 'POST' ? {} : undefined))
            .status,
          404,
        )
    assert.equal((await loadDeploy(api.context.store, elsewhere.id))?.state, 'queued')
  })

  it('purges the cache by raising its generation, which builders are told', async () => {
    assert.equal((await api.call(operator, 'DELETE', '/v1/apps/shop/build-cache')).status, 204)
    assert.equal((await api.call(operator, 'DELETE', '/v1/apps/shop/build-cache')).status, 204)
    const build = await aBuild({ state: 'building', buildHost: 'host-a' })
    const agent = await api.agentOf('host-a')
    const { body } = await agent.call('GET', `/internal/deploys/${build.id}/build`)
    assert.equal(body.cacheGeneration, 2)
    assert.equal((await api.call(operator, 'DELETE', '/v1/apps/nothing/build-cache')).status, 404)
  })

  it('forgets the oldest of very many, with their output', async () => {
    const first = await aBuild({ state: 'failed', endedAt: 1 })
    await appendDeployLog(api.context.store, first.id, ['old'])
    for (let n = 0; n < 100; n++) await aBuild({ state: 'failed', endedAt: 1 })
    assert.equal((await loadDeploys(api.context.store, first.appId, 1000)).length, 100)
    assert.equal(await loadDeploy(api.context.store, first.id), null)
    assert.equal(await api.context.store.exists(`berth:deploy:${first.id}:log`), 0)
  })
})
