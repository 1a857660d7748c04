import assert from 'node:assert/strict'
import type { App } from '#core/domain/app.ts'
import { processName } from '#core/domain/instance.ts'
import { isOver, type Deploy } from '#core/domain/release.ts'
import { removeApp, setFormation } from '#core/store/apps.ts'
import { defaultPlan } from '#core/domain/quota.ts'
import { savePlan } from '#core/store/plans.ts'
import { changeTenant, createTenant, newTenant } from '#core/store/tenants.ts'
import { loadAssignedBuilds, loadOpenDeploys } from '#core/store/deploys.ts'
import { loadEvents } from '#core/store/events.ts'
import { setCordoned } from '#core/store/hosts.ts'
import { loadInstances, reportInstance } from '#core/store/instances.ts'
import { loadPromises } from '#core/store/promises.ts'
import { loadRelease, loadReleases } from '#core/store/releases.ts'
import { loadRuns } from '#core/store/runs.ts'
import { loadRoutes } from '#core/store/routes.ts'
import { aReport, formation, tenant } from '../../../helpers/cluster.ts'
import { aPush, startEngine, until, type Engine } from './engine.ts'

describe('a deploy, on a real store and real queues', function () {
  this.timeout(40_000)
  let engine: Engine

  beforeEach(async () => {
    engine = await startEngine()
  })
  afterEach(() => engine.stop())

  const over = (deploy: Pick<Deploy, 'id'>): Promise<Deploy> =>
    until('the end of the deploy', async () => {
      const now = await engine.deploy(deploy.id)
      return isOver(now) && now
    })
  const states = async () =>
    (await loadInstances(engine.store))
      .map(({ desired, reported }) => `v${desired.release} ${desired.intent} ${reported?.state ?? 'unheard'}`)
      .sort()

  it('goes from the push to a routed instance, and tells the pusher how', async () => {
    engine.startRouter()
    await engine.startAgent('host-a')
    const { deploys } = engine.startController()
    const app = await engine.createApp('shop')
    const deploy = await over(await deploys.submit(aPush(app)))
    assert.equal(deploy.state, 'succeeded', deploy.error ?? '')
    assert.equal(deploy.release, 1)
    const log = await engine.log(deploy.id)
    for (const line of [
      /^-----> Building on host-a$/m,
      /^ {7}built in \d+\.\d s$/m,
      /^-----> Releasing v1$/m,
      /^-----> Starting web=1$/m,
      /^ {7}web\.1 running after 12 ms$/m,
      /^-----> v1 is live \(\d+\.\d s\)$/m,
    ])
      assert.match(log, line)
    const table = await loadRoutes(engine.store)
    assert.deepEqual(table?.apps[0]?.addresses, [{ host: 'shop.test.local', path: '/' }])
    assert.equal(table?.apps[0]?.endpoints.length, 1)
    assert.deepEqual(await loadAssignedBuilds(engine.store, 'host-a' as never), [])
    assert.deepEqual(await loadOpenDeploys(engine.store), [])
    const [event] = await loadEvents(engine.store, app.id, { limit: 1 })
    assert.deepEqual([event?.kind, event?.release, event?.text], ['released', 1, 'v1 is live: Deploy abc'])
  })

  it('replaces the release before, which is stopped and forgotten', async () => {
    engine.startRouter()
    await engine.startAgent('host-a')
    const { deploys } = engine.startController()
    const app = await engine.createApp('shop')
    await over(await deploys.submit(aPush(app)))
    await engine.setFormation(app, { web: 2 })
    const deploy = await over(await deploys.submit(aPush(app)))
    assert.equal(deploy.state, 'succeeded', deploy.error ?? '')
    await until('only v2 runs', async () => (await states()).join() === 'v2 run running,v2 run running')
  })

  it('fails with the reason when an instance fails, and the release before keeps serving', async () => {
    engine.startRouter()
    await engine.startAgent('host-a')
    const { deploys } = engine.startController()
    const app = await engine.createApp('shop')
    await over(await deploys.submit(aPush(app)))
    engine.behaviour.start = 'fails'
    const deploy = await over(await deploys.submit(aPush(app)))
    assert.equal(deploy.state, 'failed')
    assert.equal(deploy.error, 'v2 did not go live: web.1 exited with code 1 before it was ready. v1 keeps serving.')
    await until('only v1 runs', async () => (await states()).join() === 'v1 run running')
    assert.equal((await engine.app(app.id)).current?.release, 1)
  })

  it('fails with what the plan is short of when its first instance has no room there, and makes no release', async () => {
    await engine.startAgent('host-a')
    const { deploys } = engine.startController()
    await savePlan(engine.store, { ...defaultPlan, instances: 0 })
    const app = await engine.createApp('shop')
    const deploy = await over(await deploys.submit(aPush(app)))
    assert.match(
      deploy.error ?? '',
      /^The first instance of shop needs 1 instance, 0 instances left of plan default's 0 instances\./,
    )
    const { target, formation: stored } = await engine.app(app.id)
    assert.deepEqual([target, stored], [null, {}])
  })

  it('is ended in the middle of its build when its tenant is suspended, with the reason', async () => {
    await engine.startAgent('host-a')
    engine.behaviour.build = 'hangs'
    const { deploys } = engine.startController()
    const app = await engine.createApp('shop')
    const deploy = await deploys.submit(aPush(app))
    await until('the build', async () => (await engine.deploy(deploy.id)).state === 'building')
    await createTenant(engine.store, newTenant(tenant, 0))
    await changeTenant(engine.store, tenant, { suspended: { at: 0, by: 'ops', reason: 'sends spam' } })
    const ended = await over(deploy)
    assert.match(ended.error ?? '', /^The build was ended: default is suspended \(sends spam\)/)
    assert.deepEqual(await loadAssignedBuilds(engine.store, 'host-a' as never), [])
  })

  it('fails with the error of the build, and makes no release', async () => {
    await engine.startAgent('host-a')
    const { deploys } = engine.startController()
    const app = await engine.createApp('shop')
    engine.behaviour.build = 'fails'
    const deploy = await over(await deploys.submit(aPush(app)))
    assert.equal(deploy.error, 'npm install failed.')
    assert.deepEqual(await loadReleases(engine.store, app.id), [])
    const [event] = await loadEvents(engine.store, app.id, { limit: 1 })
    assert.deepEqual([event?.kind, event?.release, event?.text], ['releaseFailed', null, 'npm install failed.'])
  })

  it('changes config vars and rolls back by releasing code again without a build', async () => {
    await engine.startAgent('host-a')
    const { deploys } = engine.startController()
    const app = await engine.createApp('shop')
    await over(await deploys.submit(aPush(app)))
    const config = await over(
      await deploys.submit(aPush(app, { kind: 'config', commit: null, source: null, config: { COLOUR: 'sealed' } })),
    )
    assert.equal(config.release, 2)
    assert.equal(config.buildHost, null)
    assert.deepEqual((await loadRelease(engine.store, app.id, 2))?.config, { COLOUR: 'sealed' })
    const resized = formation({ web: 1 }, 256)
    const entry = { appId: app.id, description: 'Resize web', actor: 'me', createdAt: 1, formation: resized }
    await setFormation(engine.store, app, resized, await loadPromises(engine.store, tenant), entry)
    assert.equal(await loadRelease(engine.store, app.id, 3), null, 'it is no release')
    const back = await over(
      await deploys.submit(aPush(app, { kind: 'rollback', commit: null, source: null, fromRelease: 1 })),
    )
    assert.equal(back.state, 'succeeded')
    assert.deepEqual((await loadRelease(engine.store, app.id, 4))?.config, {})
    assert.deepEqual((await engine.app(app.id)).formation, resized, 'sizes are of today, not of the release')
  })

  it('refuses config vars of an app without code in a way that ends', async () => {
    const { deploys } = engine.startController()
    const app = await engine.createApp('shop')
    const deploy = await over(await deploys.submit(aPush(app, { kind: 'config', source: null, config: {} })))
    assert.match(deploy.error ?? '', /no release yet/)
  })

  it('keeps the order of one app’s deploys', async () => {
    await engine.startAgent('host-a')
    const { deploys } = engine.startController()
    const app = await engine.createApp('shop')
    const submitted = await Promise.all(
      [1, 2, 3].map((n) => deploys.submit(aPush(app, { description: `Deploy ${n}` }))),
    )
    for (const deploy of submitted) assert.equal((await over(deploy)).state, 'succeeded')
    const releases = await loadReleases(engine.store, app.id)
    const order = new Map(submitted.map((deploy) => [deploy.id, deploy.description]))
    assert.deepEqual(
      releases.map(({ deployId }) => order.get(deployId)),
      ['Deploy 1', 'Deploy 2', 'Deploy 3'],
    )
  })

  it('is finished by the next controller when the first one dies in the middle', async () => {
    await engine.startAgent('host-a')
    const first = engine.startController()
    const app = await engine.createApp('shop')
    engine.behaviour.build = 'hangs'
    const { id } = await first.deploys.submit(aPush(app))
    await until('the build', async () => (await engine.deploy(id)).state === 'building')
    await first.stop()
    assert.equal((await engine.deploy(id)).state, 'building')
    engine.behaviour.build = 'works'
    engine.startController()
    const deploy = await over({ id })
    assert.equal(deploy.state, 'succeeded', deploy.error ?? '')
    assert.equal(deploy.buildEpoch, 1)
  })

  it('is finished by the next controller when it dies while the release rolls, and makes no second release', async () => {
    const agent = await engine.startAgent('host-a')
    const first = engine.startController()
    const app = await engine.createApp('shop')
    await setCordonedAfterBuild()
    await first.stop()
    await setCordoned(engine.store, agent.id, false)
    engine.startController()
    const [open] = await loadOpenDeploys(engine.store)
    assert.ok(open)
    const deploy = await over(open)
    assert.equal(deploy.state, 'succeeded', deploy.error ?? '')
    assert.equal((await loadReleases(engine.store, app.id)).length, 1)

    /** Nothing can start on a cordoned host, so the rollout waits. */
    async function setCordonedAfterBuild() {
      engine.behaviour.build = 'hangs'
      const { id } = await first.deploys.submit(aPush(app))
      await until('the build', async () => (await engine.deploy(id)).state === 'building')
      await setCordoned(engine.store, agent.id, true)
      engine.behaviour.build = 'works'
      await until('the rollout', async () => (await engine.deploy(id)).state === 'rolling')
    }
  })

  describe('with a release command', () => {
    const withCommand = { web: 'node web.js', release: 'node migrate.js' }
    const versions = async () => (await loadReleases(engine.store, app.id)).map(({ version }) => version)
    let app: App

    beforeEach(async () => {
      await engine.startAgent('host-a')
      app = await engine.createApp('shop')
      engine.behaviour.processes = withCommand
    })

    it('runs it before anything of the release is started, with what it is about in the log', async () => {
      const { deploys } = engine.startController()
      engine.behaviour.once = 'hangs'
      const { id } = await deploys.submit(aPush(app))
      await until('the command', async () => (await states()).join() === 'v1 run running')
      assert.equal((await engine.app(app.id)).target, null)
      assert.deepEqual(
        (await loadInstances(engine.store)).map(({ desired }) => processName(desired)),
        ['release.1'],
      )
      const run = (await engine.deploy(id)).releaseRun
      assert.ok(run)
      await reportInstance(engine.store, 'host-a' as never, run, {
        ...aReport(),
        state: 'stopped',
        reason: 'completed',
        exitCode: 0,
      })
      const deploy = await over({ id })
      assert.equal(deploy.state, 'succeeded', deploy.error ?? '')
      assert.match(await engine.log(id), /^-----> Running the release command: node migrate\.js$/m)
      await until('only web', async () =>
        (await loadInstances(engine.store)).every(({ desired }) => desired.once === null),
      )
    })

    it('fails with the command, keeps what serves, and changes no target', async () => {
      const { deploys } = engine.startController()
      assert.equal((await over(await deploys.submit(aPush(app)))).state, 'succeeded')
      engine.behaviour.once = 'fails'
      const deploy = await over(await deploys.submit(aPush(app)))
      assert.equal(deploy.state, 'failed')
      assert.equal(deploy.error, 'The release command of v2 failed: release.2 exited with code 3. v1 keeps serving.')
      assert.equal((await engine.app(app.id)).target?.release, 1)
      await until('only v1', async () => (await states()).join() === 'v1 run running')
      engine.behaviour.once = 'works'
      assert.equal((await over(await deploys.submit(aPush(app)))).release, 3)
      assert.deepEqual(await versions(), [1, 2, 3])
    })

    for (const when of ['runs', 'has ended'] as const) {
      it(`is finished by the next controller when the first one dies while the command ${when}, which runs once`, async () => {
        engine.behaviour.once = 'hangs'
        const first = engine.startController()
        const { id } = await first.deploys.submit(aPush(app))
        await until('the command', async () => (await states()).join() === 'v1 run running')
        await first.stop()
        const { releaseRun } = await engine.deploy(id)
        assert.ok(releaseRun)
        const end = () =>
          reportInstance(engine.store, 'host-a' as never, releaseRun, {
            ...aReport(),
            state: 'stopped',
            reason: 'completed',
            exitCode: 0,
          })
        if (when === 'has ended') await end()
        engine.startController()
        if (when === 'runs') await end()
        const deploy = await over({ id })
        assert.equal(deploy.state, 'succeeded', deploy.error ?? '')
        assert.deepEqual([deploy.releaseRun, (await loadRuns(engine.store, app.id)).length], [releaseRun, 1])
        assert.deepEqual(await versions(), [1])
      })
    }

    it('fails when the host of its command is lost: it may have run, and is not run again', async function () {
      this.timeout(60_000)
      engine.behaviour.once = 'hangs'
      const { deploys } = engine.startController()
      await engine.startAgent('host-b')
      const { id } = await deploys.submit(aPush(app))
      await until('the command', async () => (await states()).join() === 'v1 run running')
      const [instance] = await loadInstances(engine.store)
      const [run] = await loadRuns(engine.store, app.id)
      assert.ok(instance && run)
      await engine.vanish(instance.desired.hostId)
      const deploy = await until(
        'the end',
        async () => {
          const now = await engine.deploy(id)
          return isOver(now) && now
        },
        50_000,
      )
      assert.match(deploy.error ?? '', /was lost; whether it ran to its end is not known/)
      assert.equal((await loadRuns(engine.store, app.id)).length, 1)
    })
  })

  it('builds again on another host when the first one is lost', async () => {
    const first = await engine.startAgent('host-a')
    const { deploys } = engine.startController()
    const app = await engine.createApp('shop')
    engine.behaviour.build = 'hangs'
    const { id } = await deploys.submit(aPush(app))
    await until('the build', async () => (await engine.deploy(id)).startedAt !== null)
    await first.vanish()
    engine.behaviour.build = 'works'
    await engine.startAgent('host-b')
    const deploy = await until(
      'the end',
      async () => {
        const now = await engine.deploy(id)
        return isOver(now) && now
      },
      35_000,
    )
    assert.equal(deploy.state, 'succeeded', deploy.error ?? '')
    assert.equal(deploy.buildHost, 'host-b')
    assert.equal(deploy.buildEpoch, 2)
  })

  it('ends when its app is destroyed', async () => {
    await engine.startAgent('host-a')
    const { deploys } = engine.startController()
    const app = await engine.createApp('shop')
    engine.behaviour.build = 'hangs'
    const { id } = await deploys.submit(aPush(app))
    await until('the build', async () => (await engine.deploy(id)).state === 'building')
    await deploys.cancelApp(app.id)
    const deploy = await engine.deploy(id)
    assert.equal(deploy.state, 'failed')
    await removeApp(engine.store, app, Date.now())
    assert.deepEqual(await loadOpenDeploys(engine.store), [])
    assert.deepEqual(await loadAssignedBuilds(engine.store, 'host-a' as never), [])
  })
})
