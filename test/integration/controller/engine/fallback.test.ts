import assert from 'node:assert/strict'
import type { App } from '#core/domain/app.ts'
import { isOver, type Deploy } from '#core/domain/release.ts'
import { setAutoRollback, setConfig } from '#core/store/apps.ts'
import { loadDeploys, loadOpenDeploys } from '#core/store/deploys.ts'
import { loadEvents } from '#core/store/events.ts'
import { loadInstances, reportInstance } from '#core/store/instances.ts'
import { loadRelease } from '#core/store/releases.ts'
import { aReport } from '../../../helpers/cluster.ts'
import { aPush, startEngine, until, type Engine } from './engine.ts'

describe('a release that crashes, on a real store and real queues', function () {
  this.timeout(60_000)
  let engine: Engine
  let app: App

  beforeEach(async () => {
    engine = await startEngine()
    engine.startRouter()
    await engine.startAgent('host-a')
    app = await engine.createApp('shop')
  })
  afterEach(() => engine.stop())

  const deployed = async (deploy: Deploy): Promise<Deploy> =>
    until('the end of the deploy', async () => {
      const now = await engine.deploy(deploy.id)
      return isOver(now) && now
    })
  const current = async () => (await engine.app(app.id)).current?.release

  /** The agent's word: its instances exit again and again. */
  async function crash(release: number): Promise<void> {
    for (const { desired } of await loadInstances(engine.store)) {
      if (desired.release !== release || desired.intent !== 'run') continue
      const facts = {
        state: 'starting',
        restarts: 3,
        epoch: desired.epoch,
        detail: 'web.1 exited with code 7.',
      } as const
      await reportInstance(engine.store, desired.hostId, desired.id, aReport(facts))
    }
  }

  it('gives way to the one before by a release of its own, once, and keeps the config vars that are set', async () => {
    const { deploys } = engine.startController()
    await deployed(await deploys.submit(aPush(app, { config: { COLOUR: 'green' } })))
    await setConfig(engine.store, app.id, { COLOUR: 'red' })
    await deployed(await deploys.submit(aPush(app)))
    assert.equal(await current(), 2)
    await crash(2)
    await until('v3', async () => (await current()) === 3)
    await until('the end of its deploy', async () => (await loadOpenDeploys(engine.store)).length === 0)
    const back = await loadRelease(engine.store, app.id, 3)
    assert.deepEqual([back?.description, back?.actor], ['Rollback to v1: v2 crashed', 'berth'])
    assert.deepEqual(back?.config, { COLOUR: 'green' })
    assert.deepEqual((await engine.app(app.id)).config, { COLOUR: 'red' })
    const told = await loadEvents(engine.store, app.id, { limit: 9, kinds: ['fellBack'] })
    assert.deepEqual(
      told.map(({ text, release }) => [text, release]),
      [['v2 crashes, and gives way to v1: web.1 exited with code 7.', 2]],
    )
    await crash(3)
    await crash(3)
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    assert.equal(await current(), 3)
    assert.equal((await loadDeploys(engine.store, app.id, 10)).length, 3)
  })

  it('is left alone while another deploy is on its way, which may bring the repair', async () => {
    const { deploys } = engine.startController()
    await deployed(await deploys.submit(aPush(app)))
    await deployed(await deploys.submit(aPush(app)))
    engine.behaviour.build = 'hangs'
    const repair = await deploys.submit(aPush(app))
    await until('its build', async () => (await engine.deploy(repair.id)).state === 'building')
    await crash(2)
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    assert.equal((await loadDeploys(engine.store, app.id, 10)).length, 3)
  })

  it('is not left for a release that somebody has made since', async () => {
    const { deploys } = engine.startController()
    for (let n = 0; n < 3; n++) await deployed(await deploys.submit(aPush(app)))
    const late = await deployed(
      await deploys.submit(aPush(app, { kind: 'rollback', fromRelease: 1, leaves: 2, commit: null, source: null })),
    )
    assert.deepEqual([late.state, late.error], ['failed', 'v3 was released meanwhile.'])
    assert.equal(await current(), 3)
  })

  it('stays where its owner has switched that off', async () => {
    const { deploys } = engine.startController()
    await deployed(await deploys.submit(aPush(app)))
    await deployed(await deploys.submit(aPush(app)))
    await setAutoRollback(engine.store, app.id, false)
    await crash(2)
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    assert.equal(await current(), 2)
  })
})
