import assert from 'node:assert/strict'
import { startTestHost, type TestHost } from '#test/helpers/sandboxes.ts'
import { comeAndGo, grown, traces } from '#test/helpers/traces.ts'

/** `npm run bench -- cycles` does 1,000. */
const CYCLES = 16
const AT_A_TIME = 4

describe('Many sandboxes that come and go', function () {
  this.timeout(120_000)
  let world: TestHost
  before(async () => {
    world = await startTestHost()
  })
  after(() => world?.stop())

  it(`S36: leave no mount, loop device, namespace, link, rule, cgroup, process or file after ${CYCLES} of them`, async () => {
    // The first of all makes what is made once: its tenant's cgroup, this process's sockets.
    await comeAndGo(world, AT_A_TIME, AT_A_TIME)
    const before = await traces(world)
    await comeAndGo(world, CYCLES, AT_A_TIME)
    assert.deepEqual(grown(before, await traces(world)), {})
  })

  it('S36: are seen while they are there, or the look would prove nothing', async () => {
    const before = await traces(world)
    const sandbox = await world.start('exec sleep 100', { app: 'a-coming-and-going' })
    try {
      const there = Object.keys(grown(before, await traces(world)))
      const kinds = ['mounts', 'loop devices', 'network namespaces', 'links', 'rules', 'cgroups', 'processes', 'files']
      assert.deepEqual(there.filter((kind) => kind !== 'open files').sort(), kinds.sort())
    } finally {
      await world.remove(sandbox)
    }
  })
})
