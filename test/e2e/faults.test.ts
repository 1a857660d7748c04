import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { startWorld, waitFor, type World } from '#test/helpers/world.ts'

type Deploys = { deploys: { id: string; state: string; error: string | null }[] }

describe('Kill -9 of any part in the middle of a deploy', () => {
  let world: World
  before(async function () {
    this.timeout(180_000)
    world = await startWorld()
    await world.cli(['create', 'tough'])
    const { code, output } = await world.pushApp('tough', 'express')
    assert.equal(code, 0, output)
  })
  after(async function () {
    this.timeout(60_000)
    await world?.stop()
  })

  const deploys = async () =>
    ((await world.api('GET', '/v1/apps/tough/deploys').catch(() => null))?.body as Deploys | undefined)?.deploys

  for (const part of ['controller', 'agent', 'router', 'redis'] as const) {
    it(`I1, I4: the deploy is finished or reported failed, and the app serves on, when the ${part} is killed`, async function () {
      this.timeout(150_000)
      const before = (await deploys())?.length ?? 0
      const push = world.pushApp('tough', 'express', { change: { 'part.txt': part } })
      await waitFor(async () => ((await deploys())?.length ?? 0) > before, {
        timeoutMs: 30_000,
        what: 'the accepted deploy',
      })
      await wait(400)
      await world.killPart(part)
      await push
      await waitFor(async () => ['succeeded', 'failed'].includes((await deploys())?.[0]?.state ?? ''), {
        timeoutMs: 100_000,
        what: 'the end of the deploy',
      })
      assert.equal((await deploys())?.[0]?.state, 'succeeded', (await deploys())?.[0]?.error ?? '')
      await waitFor(async () => (await world.http('tough', '/').catch(() => null))?.status === 200, {
        timeoutMs: 20_000,
        what: 'an answer of the app',
      })
    })
  }

  it('F19: a killed agent leaves its instances running and finds them again', async function () {
    this.timeout(90_000)
    const instanceOf = async () =>
      JSON.parse((await world.http('tough', '/info')).body) as { instance: string; pid: number; startedAt: number }
    const before = await instanceOf()
    await world.killPart('agent')
    assert.deepEqual(await instanceOf(), before)
    await waitFor(async () => (await world.cli(['ps', '-a', 'tough'])).stdout.includes('running'), {
      timeoutMs: 30_000,
      what: 'the agent',
    })
    await world.cli(['scale', 'web=2', '-a', 'tough'])
    await world.cli(['scale', 'web=1', '-a', 'tough'])
    assert.equal((await world.http('tough', '/')).status, 200)
  })

  it('an app that crashes is started again', async function () {
    this.timeout(60_000)
    await world.http('tough', '/exit').catch(() => null)
    await waitFor(async () => (await world.http('tough', '/').catch(() => null))?.status === 200, {
      timeoutMs: 30_000,
      what: 'the restarted app',
    })
    const { stdout } = await world.cli(['logs', '-n', '1500', '-a', 'tough'])
    assert.match(stdout, /exited with code 1/)
    const lines = stdout.split('\n').filter((line) => line.includes(' app['))
    assert.equal(new Set(lines).size, lines.length, 'a line of output was stored twice')
  })

  it('F24: the router serves on while Redis is away', async function () {
    this.timeout(60_000)
    await world.killPart('redis')
    for (let i = 0; i < 20; i++) {
      assert.equal((await world.http('tough', '/')).status, 200)
      await wait(50)
    }
    await waitFor(async () => (await world.api('GET', '/v1/apps').catch(() => null))?.status === 200, {
      timeoutMs: 30_000,
      what: 'the API',
    })
  })
})
