import assert from 'node:assert/strict'
import type { App } from '#core/domain/app.ts'
import { isOver, type Deploy } from '#core/domain/release.ts'
import { setConfig } from '#core/store/apps.ts'
import { loadRelease } from '#core/store/releases.ts'
import { loadRuns } from '#core/store/runs.ts'
import { openConfig } from '../../../../controller/secrets.ts'
import { aPush, startEngine, until, type Engine } from './engine.ts'

describe('what an app.json says of the app as a whole', function () {
  this.timeout(60_000)
  let engine: Engine
  let app: App

  beforeEach(async () => {
    engine = await startEngine()
    await engine.startAgent('host-a')
    app = await engine.createApp('shop')
    engine.behaviour.processes = { web: 'node web.js', worker: 'node worker.js', clock: 'node clock.js' }
    engine.behaviour.manifest = {
      postdeploy: 'node seed.js',
      formation: {
        web: { quantity: 2, size: { memoryMb: 256, cpuMilli: null } },
        worker: { quantity: 1, size: null },
        gone: { quantity: 3, size: null },
      } as never,
      env: { GREETING: { value: 'hello' }, SECRET: { generator: 'secret' }, SET: { value: 'not this' } },
    }
    await setConfig(engine.store, app.id, { SET: engine.sealer.seal(app.id, 'SET', 'before') })
  })
  afterEach(() => engine.stop())

  const over = ({ id }: Pick<Deploy, 'id'>): Promise<Deploy> =>
    until('the end of the deploy', async () => {
      const now = await engine.deploy(id)
      return isOver(now) && now
    })
  const config = async () => openConfig(engine.sealer, app.id, (await engine.app(app.id)).config)

  it('becomes config vars of the first release where they are not set, secrets of its own among them', async () => {
    const { deploys } = engine.startController()
    const deploy = await over(await deploys.submit(aPush(app)))
    assert.equal(deploy.state, 'succeeded', deploy.error ?? '')
    const { SECRET, ...others } = await config()
    assert.deepEqual(others, { GREETING: 'hello', SET: 'before' })
    assert.match(SECRET ?? '', /^[0-9a-f]{64}$/)
    const release = await loadRelease(engine.store, app.id, 1)
    assert.deepEqual(openConfig(engine.sealer, app.id, release?.config ?? {}), await config())
    const log = await engine.log(deploy.id)
    assert.match(log, /^-----> Config vars set as app\.json says: GREETING, SECRET$/m)
    assert.ok(!log.includes(SECRET ?? ''))

    engine.behaviour.manifest = { ...engine.behaviour.manifest, env: { LATER: { value: 'x' } } }
    await over(await deploys.submit(aPush(app)))
    assert.deepEqual(Object.keys(await config()).sort(), ['GREETING', 'SECRET', 'SET'])
  })

  it('becomes the formation of the first release, and of no later one', async () => {
    const { deploys } = engine.startController()
    await over(await deploys.submit(aPush(app)))
    const shown = async () =>
      Object.entries((await engine.app(app.id)).formation)
        .map(([type, process]) => `${type}=${process?.count}:${process?.size.memoryMb}`)
        .sort()
    assert.deepEqual(await shown(), ['clock=0:512', 'web=2:256', 'worker=1:512'])
    await engine.setFormation(app, { web: 1 }, 128)
    await over(await deploys.submit(aPush(app)))
    assert.deepEqual(await shown(), ['clock=0:512', 'web=1:128', 'worker=0:512'])
  })

  it('runs the postdeploy script once, after the first release is live, with its output with the push', async () => {
    const { deploys } = engine.startController()
    const first = await over(await deploys.submit(aPush(app)))
    assert.match(
      await engine.log(first.id),
      /^-----> Running the postdeploy script: node seed\.js\n(.*\n)* {7}postdeploy script done in \d+\.\d s\n.*\n-----> v1 is live/m,
    )
    await over(await deploys.submit(aPush(app)))
    const runs = await loadRuns(engine.store, app.id)
    assert.deepEqual(
      runs.map(({ id, command, release, deploy }) => [id, command, release, deploy]),
      [[first.postdeployRun, 'node seed.js', 1, first.id]],
    )
  })

  it('a postdeploy script that fails is told, and the release is live all the same', async () => {
    const { deploys } = engine.startController()
    engine.behaviour.once = 'fails'
    const deploy = await over(await deploys.submit(aPush(app)))
    assert.equal(deploy.state, 'succeeded', deploy.error ?? '')
    assert.match(
      await engine.log(deploy.id),
      /^ ! {5}The postdeploy script failed: postdeploy\.1 .*\n ! {5}The release is live all the same\. .*berth run "node seed\.js"$/m,
    )
  })

  it('a first release that never goes live leaves the script to the one that does', async () => {
    const { deploys } = engine.startController()
    engine.behaviour.start = 'fails'
    assert.equal((await over(await deploys.submit(aPush(app)))).state, 'failed')
    assert.deepEqual(await loadRuns(engine.store, app.id), [])
    engine.behaviour.start = 'works'
    const deploy = await over(await deploys.submit(aPush(app)))
    assert.equal(deploy.state, 'succeeded', deploy.error ?? '')
    assert.deepEqual(
      (await loadRuns(engine.store, app.id)).map(({ release }) => release),
      [deploy.release],
    )
  })

  it('the script runs once although the controller dies while it does, and the next one waits for it', async () => {
    engine.behaviour.once = 'hangs'
    const first = engine.startController()
    const { id } = await first.deploys.submit(aPush(app))
    const [run] = await until('the script', async () => {
      const runs = await loadRuns(engine.store, app.id)
      return runs.length > 0 && runs
    })
    await first.stop()
    const second = engine.startController()
    await until(
      'the other controller',
      async () => (await engine.log(id)).match(/Running the postdeploy script/g)?.length === 2,
    )
    assert.deepEqual(
      (await loadRuns(engine.store, app.id)).map((one) => one.id),
      [run?.id],
    )
    assert.equal(isOver(await engine.deploy(id)), false)
    await second.stop()
  })

  it('config vars that would be too large together end the deploy with the figures', async () => {
    const { deploys } = engine.startController()
    engine.behaviour.manifest = {
      ...engine.behaviour.manifest,
      env: { A: { value: 'x'.repeat(40_000) }, B: { value: 'x'.repeat(40_000) } },
    }
    const deploy = await over(await deploys.submit(aPush(app)))
    assert.equal(deploy.state, 'failed')
    assert.match(deploy.error ?? '', /With those of app\.json the config vars would have \d+ bytes; 65536 is the most/)
    assert.deepEqual(await config(), { SET: 'before' })
  })
})
