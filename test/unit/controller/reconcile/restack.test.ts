import assert from 'node:assert/strict'
import { processName } from '#core/domain/instance.ts'
import { aHost, aServingApp, formation } from '../../../helpers/cluster.ts'
import { simulate } from '../../../helpers/simulated-cluster.ts'

const NEW = 'debian-13-20261121-1'

const serving = (counts: Record<string, number>, memoryMb?: number) => {
  const app = aServingApp(1, counts)
  const cluster = simulate({ hosts: [aHost('host-a', memoryMb ? { memoryMb } : {})], apps: [app] })
  cluster.know(app.id, 1, Object.keys(counts))
  cluster.settle(8)
  return cluster
}
type Cluster = ReturnType<typeof serving>
const stacksOf = (cluster: Cluster) =>
  [...cluster.instances.values()].map(({ desired }) => `${processName(desired)} ${desired.stack}`).sort()
const running = (cluster: Cluster, type: string) =>
  [...cluster.instances.values()].filter(
    ({ desired, reported }) =>
      desired.processType === type && desired.intent === 'run' && reported?.state === 'running',
  ).length

describe('another stack', () => {
  it('replaces the instances of an app one after the other, and never has fewer at work than it should', () => {
    const cluster = serving({ web: 3, worker: 1 })
    cluster.useStack(NEW)
    for (let round = 0; round < 60; round++) {
      const starts = cluster.look().filter(({ kind }) => kind === 'start').length
      assert.ok(starts <= 1)
      assert.ok(running(cluster, 'web') >= 3 && running(cluster, 'worker') >= 1)
      assert.ok(cluster.instances.size <= 6, 'one on its way in, one on its way out')
      cluster.agents()
      cluster.acknowledge()
      cluster.advance(1000)
    }
    assert.deepEqual(
      stacksOf(cluster),
      ['web.1', 'web.2', 'web.3', 'worker.1'].map((name) => `${name} ${NEW}`),
    )
  })

  it('is left again in the same way when the one before comes back into use', () => {
    const cluster = serving({ web: 2 })
    cluster.useStack(NEW)
    cluster.settle(3)
    cluster.useStack(null)
    cluster.settle(60)
    assert.deepEqual(stacksOf(cluster), ['web.1 null', 'web.2 null'])
    assert.deepEqual(cluster.list(), ['web.1 v1 run running', 'web.2 v1 run running'])
  })

  it('whose instances do not start takes nothing away from the app', () => {
    const cluster = serving({ web: 2 })
    cluster.bad.add(1)
    cluster.useStack(NEW)
    cluster.settle(60)
    assert.equal(running(cluster, 'web'), 2)
    assert.equal(cluster.instances.size, 3)
  })

  it('waits on a full host instead of stopping what serves', () => {
    const cluster = serving({ web: 2 }, 1024)
    cluster.useStack(NEW)
    cluster.settle(30)
    assert.deepEqual(stacksOf(cluster), ['web.1 null', 'web.2 null'])
    assert.equal(running(cluster, 'web'), 2)
  })

  it('comes with a release that is rolling out, whose instances start on it at once', () => {
    const cluster = serving({ web: 2 })
    cluster.useStack(NEW)
    cluster.release(cluster.app().id, 2, ['web'])
    assert.equal(cluster.look().filter(({ kind }) => kind === 'start').length, 2)
    cluster.settle(60)
    assert.deepEqual(stacksOf(cluster), [`web.1 ${NEW}`, `web.2 ${NEW}`])
    assert.deepEqual(cluster.list(), ['web.1 v2 run running', 'web.2 v2 run running'])
  })

  it('is what new instances get', () => {
    const cluster = serving({ web: 1 })
    cluster.useStack(NEW)
    cluster.settle(30)
    cluster.change(cluster.app().id, { formation: formation({ web: 2 }) })
    cluster.settle(10)
    assert.deepEqual(stacksOf(cluster), [`web.1 ${NEW}`, `web.2 ${NEW}`])
  })
})
