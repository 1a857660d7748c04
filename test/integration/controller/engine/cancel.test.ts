import assert from 'node:assert/strict'
import type { App } from '#core/domain/app.ts'
import { isOver, type Deploy } from '#core/domain/release.ts'
import { loadAssignedBuilds, loadOpenDeploys, saveDeploy } from '#core/store/deploys.ts'
import { loadEvents } from '#core/store/events.ts'
import { loadInstances } from '#core/store/instances.ts'
import { loadRuns } from '#core/store/runs.ts'
import { aPush, startEngine, until, type Engine } from './engine.ts'

describe('cancelling a deploy', function () {
  this.timeout(40_000)
  let engine: Engine
  let app: App
  beforeEach(async () => {
    engine = await startEngine()
    await engine.startAgent('host-a')
    app = await engine.createApp('shop')
  })
  afterEach(() => engine.stop())

  const over = ({ id }: Pick<Deploy, 'id'>): Promise<Deploy> =>
    until('the end of the deploy', async () => {
      const now = await engine.deploy(id)
      return isOver(now) && now
    })
  const building = ({ id }: Pick<Deploy, 'id'>) =>
    until('the build', async () => {
      const now = await engine.deploy(id)
      return now.startedAt !== null && now
    })

  it('ends a build that runs, with who did it, takes it off its host, and keeps what serves', async () => {
    const { deploys } = engine.startController()
    assert.equal((await over(await deploys.submit(aPush(app)))).state, 'succeeded')
    engine.behaviour.build = 'hangs'
    const { id } = await deploys.submit(aPush(app))
    assert.equal(await deploys.cancel(await building({ id }), 'ada'), true)
    const deploy = await over({ id })
    assert.deepEqual([deploy.state, deploy.error, deploy.release], ['cancelled', 'Cancelled by ada.', null])
    assert.match(await engine.log(id), /^ ! {5}Cancelled by ada\.$/m)
    assert.deepEqual(await loadAssignedBuilds(engine.store, 'host-a' as never), [])
    assert.equal((await engine.app(app.id)).target?.release, 1)
    const events = await loadEvents(engine.store, app.id, { limit: 10 })
    assert.ok(events.some(({ text }) => text === 'Deploy abc: Cancelled by ada.'))
    assert.equal(await deploys.cancel(deploy, 'ada'), false)
  })

  it('ends one that waits for its turn at once, and never begins it', async () => {
    const { deploys } = engine.startController()
    engine.behaviour.build = 'hangs'
    const first = await deploys.submit(aPush(app))
    const second = await deploys.submit(aPush(app))
    await building(first)
    await deploys.cancel(second, 'ada')
    const cancelled = await engine.deploy(second.id)
    assert.equal(cancelled.state, 'cancelled')
    await deploys.cancel(await engine.deploy(first.id), 'ada')
    await over(first)
    assert.deepEqual(await loadOpenDeploys(engine.store), [])
    assert.equal((await engine.deploy(second.id)).buildHost, null)
    assert.equal(await saveDeploy(engine.store, { ...cancelled, state: 'building' }), false)
  })

  it('is done by any controller, whichever runs the deploy', async () => {
    const [one, other] = [engine.startController(), engine.startController()]
    engine.behaviour.build = 'hangs'
    const { id } = await one.deploys.submit(aPush(app))
    await other.deploys.cancel(await building({ id }), 'ada')
    assert.equal((await over({ id })).state, 'cancelled')
  })

  it('is not forgotten when the controller dies before it sees it', async () => {
    const first = engine.startController()
    engine.behaviour.build = 'hangs'
    const { id } = await first.deploys.submit(aPush(app))
    const deploy = await building({ id })
    await first.stop()
    const second = engine.startController()
    await second.deploys.cancel(deploy, 'ada')
    assert.equal((await over({ id })).state, 'cancelled')
  })

  it('stops the release command that runs, and keeps the release before', async () => {
    const { deploys } = engine.startController()
    assert.equal((await over(await deploys.submit(aPush(app)))).state, 'succeeded')
    engine.behaviour.processes = { web: 'node web.js', release: 'node migrate.js' }
    engine.behaviour.once = 'hangs'
    const { id } = await deploys.submit(aPush(app))
    await until('the command', async () =>
      (await loadInstances(engine.store)).some(
        ({ desired, reported }) => desired.once && reported?.state === 'running',
      ),
    )
    await deploys.cancel(await engine.deploy(id), 'ada')
    const deploy = await over({ id })
    assert.equal(deploy.state, 'cancelled')
    const run = await until('the end of the command', async () => {
      const [newest] = await loadRuns(engine.store, app.id)
      return newest?.end && newest
    })
    assert.equal(run.end?.reason, 'stopped')
    assert.equal((await engine.app(app.id)).target?.release, 1)
    assert.equal(
      (await over(await deploys.submit(aPush(app, { kind: 'rollback', source: null, fromRelease: 1 })))).state,
      'succeeded',
    )
  })
})
