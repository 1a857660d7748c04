import assert from 'node:assert/strict'
import type { InstanceView } from '#core/contract/api.ts'
import { waitFor, type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

/** Counts for as long as it runs, and says at its end how far it came. */
const TELLER = `let n = 0
setInterval(() => console.log(process.env.BERTH_INSTANCE + ' says ' + ++n), 25)
process.on('SIGTERM', () => {
  console.log(process.env.BERTH_INSTANCE + ' ends after ' + n)
  process.exit(0)
})
`

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

    it('keeps a log whole when what writes it moves to another host: no line is lost, and none is there twice', async function () {
      this.timeout(240_000)
      await world.addHost('host-b')
      await world.cli(['create', 'told'])
      const { code, output } = await world.pushApp('told', 'node-plain', {
        change: { Procfile: 'web: node server.js\nteller: node teller.js\n', 'teller.js': TELLER },
      })
      assert.equal(code, 0, output)
      await world.cli(['hosts:cordon', 'host-a'])
      await world.cli(['scale', 'teller=1', '-a', 'told'])
      const said = async () => {
        const { stdout } = await world.cli(['logs', '-a', 'told', '-n', '1500', '-p', 'teller'])
        return Map.groupBy(stdout.matchAll(/(\S+) (says|ends after) (\d+)$/gm), ([, id = '']) => id)
      }
      /** By instance, in their order: how far it counted. */
      const tellers = async () =>
        [...(await said())].map(([id, lines]) => ({ id, lines: lines.map(([, , what, n]) => `${what} ${n}`) }))
      const moreThan = (lines: number, which: number) =>
        waitFor(async () => ((await tellers())[which]?.lines.length ?? 0) > lines, {
          timeoutMs: 60_000,
          what: `${lines} lines of teller ${which}`,
        })
      await moreThan(100, 0)
      const hostOf = async () => {
        const { body } = await world.api('GET', '/v1/apps/told/instances')
        return (body as { instances: InstanceView[] }).instances.find(({ process }) => process === 'teller')?.host
      }
      assert.equal(await hostOf(), 'host-b')
      await world.cli(['hosts:uncordon', 'host-a'])
      await world.cli(['hosts:drain', 'host-b'])
      await moreThan(100, 1)
      assert.equal(await hostOf(), 'host-a')
      await world.cli(['hosts:uncordon', 'host-b'])
      await world.cli(['scale', 'teller=0', '-a', 'told'])
      const areOver = async () => (await tellers()).every(({ lines }) => lines.at(-1)?.startsWith('ends'))
      await waitFor(areOver, { timeoutMs: 60_000, what: 'the last words of both' })
      const all = await tellers()
      assert.equal(all.length, 2)
      for (const { lines } of all) {
        const last = lines.length - 1
        assert.deepEqual(lines, [...Array.from({ length: last }, (_, n) => `says ${n + 1}`), `ends after ${last}`])
      }
    })

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
