import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { DeployView, EventView, InstanceView, StacksView } from '#core/contract/api.ts'
import { waitFor, type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

/** Answers with the name of the stack image that it runs on: the first image of a host has none. */
const server = `
const { readFileSync } = require('node:fs')
const stack = () => { try { return readFileSync('/etc/berth-stack', 'utf8').trim() } catch { return 'own' } }
require('node:http').createServer((request, response) => response.end(stack())).listen(process.env.PORT, '0.0.0.0')
process.on('SIGTERM', () => process.exit(0))
`

export const stacks = (start: Start): void =>
  void describe('Stacks', () => {
    let world: World
    before(async function () {
      this.timeout(180_000)
      world = await start()
      await world.addHost('host-b')
      await world.cli(['create', 'based'])
      const { code, output } = await world.pushApp('based', 'node-plain', { change: { 'server.js': server } })
      assert.equal(code, 0, output)
      await world.cli(['scale', 'web=3', '-a', 'based'])
    })

    after(() => world.cli(['scale', 'web=0', '-a', 'based']))

    const get = async <T>(path: string) => (await world.api('GET', `/v1${path}`)).body as T
    const stacks = () => get<StacksView>('/stacks')
    const instances = async () => (await get<{ instances: InstanceView[] }>('/apps/based/instances')).instances
    const settled = async () => {
      await waitFor(
        async () => {
          const { onCurrent, instances: all } = await stacks()
          const states = (await instances()).map(({ state }) => state)
          return onCurrent === all && states.join() === 'running,running,running'
        },
        { timeoutMs: 60_000, what: 'all instances on the stack in use' },
      )
    }
    const answers = async () => {
      const seen = await Promise.all(Array.from({ length: 12 }, () => world.http('based', '/')))
      return [...new Set(seen.map(({ body }) => body))]
    }

    it('one that is built on one host is taken into use on all, instance by instance, without a failed request or a build, and left again', async function () {
      this.timeout(240_000)
      const before = (await instances()).map(({ id }) => id)
      const deploys = await get<{ deploys: DeployView[] }>('/apps/based/deploys')
      assert.deepEqual(await answers(), ['own'])

      const built = await world.cli(['stacks:build', '--host', 'host-a'])
      const [, name = ''] = /^(debian-13-\d{8}-1) is built\./m.exec(built.stdout) ?? []
      assert.notEqual(name, '', built.stdout)

      const load = steadyRequests(world)
      await world.cli(['stacks:use', name])
      await settled()
      assert.deepEqual(await answers(), [name])
      const after = await instances()
      assert.deepEqual(new Set(after.map(({ host }) => host)), new Set(['host-a', 'host-b']))
      assert.equal(after.filter(({ id }) => before.includes(id)).length, 0)
      const [stack] = (await stacks()).stacks
      await waitFor(async () => (await stacks()).stacks[0]?.hosts.length === 2, {
        timeoutMs: 30_000,
        what: 'both hosts to say that they have it',
      })
      assert.equal(stack?.instances, 3)

      const refused = await world.cli(['stacks:destroy', name], { allowFailure: true })
      assert.match(refused.stderr, /it is the stack in use/)
      await world.cli(['stacks:use', '--rollback'])
      await settled()
      assert.deepEqual(await answers(), ['own'])
      const { sent, failures } = await load.stop()
      assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`)
      assert.ok(sent > 100, `only ${sent} requests were sent`)

      assert.deepEqual(await get('/apps/based/deploys'), deploys)
      const { events } = await get<{ events: EventView[] }>('/apps/based/events?kind=stackChanged')
      assert.equal(events.length, 2)
      await world.cli(['stacks:destroy', name])
      assert.match((await world.cli(['stacks'])).stdout, /^debian-13-\S+ \* +host's own +13\.\d+/m)
    })
  })

function steadyRequests(world: World) {
  const failures: string[] = []
  let sent = 0
  let stopped = false
  const client = async () => {
    while (!stopped) {
      sent++
      const failed = await world.http('based', '/').then(
        ({ status, body }) => (status === 200 ? null : `${status} ${body}`),
        (error: Error) => error.message,
      )
      if (failed !== null) failures.push(failed)
      await wait(75)
    }
  }
  const clients = Promise.all([client(), client(), client()])
  return {
    async stop() {
      stopped = true
      await clients
      return { sent, failures }
    },
  }
}
