import assert from 'node:assert/strict'
import type { InstanceView } from '#core/contract/api.ts'
import { waitFor, type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

export const twoHosts = (start: Start): void =>
  void describe('More than one host', () => {
    let world: World
    before(async function () {
      this.timeout(180_000)
      world = await start()
    })

    const instances = async () =>
      ((await world.api('GET', '/v1/apps/spread/instances')).body as { instances: InstanceView[] }).instances
    const running = async () =>
      (await instances()).filter(({ state, intent }) => state === 'running' && intent === 'run')

    it('spreads four instances over two hosts, and makes the app whole again on the other when one stops hard', async function () {
      this.timeout(240_000)
      const other = await world.addHost('host-b')
      await world.cli(['create', 'spread'])
      const { code, output } = await world.pushApp('spread', 'node-plain')
      assert.equal(code, 0, output)
      await world.cli(['scale', 'web=4', '-a', 'spread'])
      const perHost = Map.groupBy(await running(), ({ host }) => host)
      assert.deepEqual([...perHost.keys()].sort(), ['host-a', 'host-b'])
      assert.equal(perHost.get('host-a')?.length, 2)
      assert.equal(perHost.get('host-b')?.length, 2)
      assert.equal((await world.http('spread', '/')).status, 200)

      // As if its power had failed: the agent and all that it ran.
      await other.kill()
      await waitFor(async () => (await running()).filter(({ host }) => host === 'host-a').length === 4, {
        timeoutMs: 60_000,
        what: 'four instances on the host that is left',
      })
      assert.equal((await world.http('spread', '/')).status, 200)
      const hosts = (await world.api('GET', '/v1/hosts')).body as { hosts: { id: string; live: boolean }[] }
      assert.equal(hosts.hosts.find(({ id }) => id === 'host-b')?.live, false)
    })
  })
