import assert from 'node:assert/strict'
import type { InstanceId } from '#core/domain/ids.ts'
import { defaultPlan, openEgress, shareOf, type Plan } from '#core/domain/quota.ts'
import type { Step } from '../../../../controller/reconcile/plan.ts'
import { aHost, aServingApp, aTenant, formation, tenant, worker } from '../../../helpers/cluster.ts'
import { simulate, type Cluster } from '../../../helpers/simulated-cluster.ts'

const kinds = (steps: Step[]) => steps.map(({ kind }) => kind)

/** A cluster in which release 1 of the shop serves with these counts. */
function serving(counts: Record<string, number>, hosts = [aHost('host-a'), aHost('host-b')]): Cluster {
  const app = aServingApp(1, counts)
  const cluster = simulate({ hosts, apps: [app] })
  cluster.tenants.set(tenant, aTenant())
  cluster.know(app.id, 1, Object.keys(counts))
  cluster.settle(8)
  return cluster
}

const id = (cluster: Cluster) => cluster.app().id
const all = (cluster: Cluster) => [...cluster.instances.values()]
const ids = (cluster: Cluster) => [...cluster.instances.keys()].sort()
const health = (cluster: Cluster) => cluster.table()?.apps[0]?.health
const endpoints = (cluster: Cluster) => cluster.table()?.apps[0]?.endpoints.length

describe('another size', () => {
  it('is given to running instances where they are, which stay routed under the same key', () => {
    const cluster = serving({ web: 2, worker: 1 })
    const before = ids(cluster)
    const table = cluster.table()
    cluster.change(id(cluster), { formation: formation({ web: 2, worker: 1 }, 1024) })
    assert.deepEqual(kinds(cluster.look()), ['adjust', 'adjust', 'adjust'])
    cluster.agents()
    assert.deepEqual(cluster.look(), [])
    assert.deepEqual(ids(cluster), before)
    assert.equal(cluster.table(), table)
    for (const { desired, reported } of all(cluster)) {
      assert.deepEqual([desired.size.memoryMb, desired.epoch, desired.intent], [1024, 2, 'run'])
      assert.deepEqual([reported?.epoch, reported?.applied?.memoryMb], [2, 1024])
    }
  })

  it('is given elsewhere where the host has no room to grow, and the old instance works until then', () => {
    const cluster = serving({ web: 1 }, [aHost('host-a', { memoryMb: 768 }), aHost('host-b', { memoryMb: 768 })])
    const [old] = ids(cluster)
    const where = all(cluster)[0]?.desired.hostId
    cluster.setHost(where ?? '', { capacity: { ...aHost('x').capacity, memoryMb: 600 } })
    cluster.change(id(cluster), { formation: formation({ web: 1 }, 700) })
    assert.deepEqual(kinds(cluster.look()), ['start'])
    assert.equal(cluster.instances.get(old as InstanceId)?.desired.intent, 'run')
    cluster.settle()
    assert.deepEqual(
      all(cluster).map(({ desired }) => [desired.size.memoryMb, desired.hostId === where]),
      [[700, false]],
    )
  })

  it('counts what grows before what starts: two cannot both have the last of a host', () => {
    const cluster = serving({ web: 2 }, [aHost('host-a', { memoryMb: 1280 })])
    cluster.change(id(cluster), { formation: formation({ web: 2 }, 700) })
    assert.deepEqual(kinds(cluster.look()), ['adjust'])
    assert.deepEqual(
      all(cluster)
        .map(({ desired }) => desired.size.memoryMb)
        .sort(),
      [512, 700],
    )
  })

  it('keeps the memory reserved until the kernel has taken it back', () => {
    const cluster = serving({ web: 1, worker: 0 }, [aHost('host-a', { memoryMb: 600 })])
    cluster.change(id(cluster), { formation: formation({ web: 1, worker: 0 }, 128) })
    assert.deepEqual(kinds(cluster.look()), ['adjust'])
    cluster.change(id(cluster), { formation: formation({ web: 1, worker: 1 }, 128) })
    assert.ok(!kinds(cluster.look()).includes('start'))
    cluster.agents()
    assert.ok(kinds(cluster.look()).includes('start'))
  })

  it('of the disk replaces the instance', () => {
    const cluster = serving({ web: 1 })
    const [old] = ids(cluster)
    const web = cluster.app().formation
    const size = { memoryMb: 512, cpuMilli: 1000, pids: 256, diskMb: 2048 }
    cluster.change(id(cluster), { formation: { ...web, web: { count: 1, size } } as never })
    assert.deepEqual(kinds(cluster.look()), ['start'])
    cluster.settle()
    assert.ok(!cluster.instances.has(old as InstanceId))
    assert.equal(all(cluster)[0]?.desired.size.diskMb, 2048)
  })
})

describe("a tenant's plan", () => {
  const small: Plan = {
    ...defaultPlan,
    name: 'small' as never,
    memoryMb: 4096,
    weight: 50,
    requestRate: { perSecond: 7, burst: 9 },
  }

  it('reaches every instance of the tenant when it changes, new ones from the start, and the routers', () => {
    const cluster = serving({ web: 2 })
    cluster.plans.set(small.name, small)
    cluster.tenants.set(tenant, aTenant({ plan: small.name, cpus: '2-3' }))
    assert.deepEqual(kinds(cluster.look()), ['adjust', 'adjust', 'putRoutes'])
    assert.deepEqual(cluster.table()?.tenants[tenant]?.requests, { perSecond: 7, burst: 9 })
    cluster.change(id(cluster), { formation: formation({ web: 3 }) })
    cluster.look()
    const share = shareOf({ cpus: '2-3', egress: openEgress }, small)
    assert.equal(all(cluster).length, 3)
    for (const { desired } of all(cluster)) assert.deepEqual(desired.share, share)
    const ceilings = { ...small.ceilings, networkMbit: 10 }
    cluster.plans.set(small.name, { ...small, ceilings })
    cluster.settle(3)
    for (const { desired } of all(cluster)) assert.deepEqual(desired.ceilings, ceilings)
    assert.deepEqual(cluster.look(), [])
  })

  it('gives way to the request rate that a tenant has of its own', () => {
    const cluster = serving({ web: 1 })
    cluster.plans.set(small.name, small)
    cluster.tenants.set(tenant, aTenant({ plan: small.name, requestRate: { perSecond: 1, burst: 2 } }))
    cluster.look()
    assert.deepEqual(cluster.table()?.tenants[tenant]?.requests, { perSecond: 1, burst: 2 })
  })

  it('tells the routers what a tenant’s traffic may take, and until when its requests are stopped', () => {
    const cluster = serving({ web: 1 })
    cluster.plans.set(small.name, { ...small, traffic: { ...small.traffic, concurrent: 9 } })
    const at = Date.UTC(2026, 10, 21)
    const requestBudget = { month: '2026-11', mark: 100, of: 'requests', used: 5, limit: 5, at } as const
    cluster.tenants.set(tenant, aTenant({ plan: small.name, traffic: { webSockets: 3 }, requestBudget }))
    cluster.look()
    const quota = cluster.table()?.tenants[tenant]
    assert.deepEqual([quota?.concurrent, quota?.webSockets, quota?.stopped], [9, 3, Date.UTC(2026, 11, 1)])
    assert.equal(health(cluster), 'serving')
    cluster.tenants.set(tenant, aTenant({ plan: small.name, requestBudget: { ...requestBudget, mark: 90 } }))
    cluster.look()
    assert.equal(cluster.table()?.tenants[tenant]?.stopped, null)
  })
})

describe('a pause', () => {
  const pause = (cluster: Cluster) => cluster.change(id(cluster), { paused: { at: cluster.now(), by: 'me' } })

  it('freezes a web instance when no router sends to it any more and its requests have ended, a worker at once', () => {
    const cluster = serving({ web: 1, worker: 1 })
    const web = all(cluster).find(({ desired }) => desired.processType === 'web')?.desired.id as InstanceId
    pause(cluster)
    const first = cluster.look()
    assert.deepEqual(kinds(first), ['adjust', 'putRoutes'])
    assert.equal(first[0]?.kind === 'adjust' && first[0].instance.processType, worker)
    assert.deepEqual([health(cluster), endpoints(cluster)], ['paused', 0])
    assert.deepEqual(cluster.look(), [])
    cluster.acknowledge()
    const [router] = cluster.routers
    assert.ok(router)
    router.draining = { [web]: 1 }
    assert.deepEqual(cluster.look(), [])
    router.draining = {}
    assert.deepEqual(kinds(cluster.look()), ['adjust'])
    cluster.agents()
    assert.ok(all(cluster).every(({ desired, reported }) => desired.paused && reported?.applied?.paused))
    assert.deepEqual(cluster.look(), [])
  })

  it('does not wait for a request for ever', () => {
    const cluster = serving({ web: 1 })
    pause(cluster)
    cluster.look()
    cluster.advance(30_000)
    assert.deepEqual(kinds(cluster.look()), ['adjust'])
  })

  it('keeps everything where it is: nothing lost, failed or missing is replaced, nothing is judged', () => {
    const cluster = serving({ web: 3 })
    pause(cluster)
    cluster.settle(3)
    cluster.change(id(cluster), { formation: formation({ web: 5 }) })
    cluster.release(id(cluster), 2, ['web'])
    const before = ids(cluster)
    cluster.report(before[0] as InstanceId, { state: 'failed' })
    cluster.setHost('host-b', { live: false })
    cluster.advance(120_000)
    cluster.settle(30)
    assert.deepEqual(ids(cluster), before)
    assert.equal(cluster.app().rollout?.state, 'rolling')
    assert.match(JSON.stringify(cluster.app().rollout), /shop to be resumed: it is paused/)
  })

  it('counts the memory of what is frozen', () => {
    const cluster = serving({ web: 1 }, [aHost('host-a', { memoryMb: 600 })])
    pause(cluster)
    cluster.settle(3)
    const other = aServingApp(1, { web: 1 }, { id: 'a-other' as never, name: 'other' as never })
    cluster.apps.set(other.id, other)
    cluster.know(other.id, 1, ['web'])
    assert.ok(!kinds(cluster.look()).includes('start'))
  })

  it('ends with the same processes routed again, after they were thawed', () => {
    const cluster = serving({ web: 2 })
    const before = ids(cluster)
    pause(cluster)
    cluster.settle(4)
    cluster.change(id(cluster), { paused: null })
    assert.deepEqual(kinds(cluster.look()), ['adjust', 'adjust', 'putRoutes'])
    assert.equal(endpoints(cluster), 0)
    cluster.agents()
    cluster.look()
    assert.deepEqual([health(cluster), endpoints(cluster)], ['serving', 2])
    cluster.settle(4)
    assert.deepEqual(ids(cluster), before)
    assert.deepEqual(cluster.look(), [])
  })
})

describe('a suspended tenant', () => {
  const suspended = { at: 0, by: 'ops', reason: 'sends spam' }

  it('has nothing running, all of it unrouted first, and gets all of it back', () => {
    const cluster = serving({ web: 2, worker: 1 })
    cluster.tenants.set(tenant, aTenant({ suspended }))
    assert.deepEqual(kinds(cluster.look()), ['unroute', 'unroute', 'putRoutes', 'stop'])
    assert.deepEqual([health(cluster), endpoints(cluster)], ['suspended', 0])
    cluster.settle()
    assert.deepEqual(cluster.list(), [])
    cluster.tenants.set(tenant, aTenant())
    cluster.settle()
    assert.deepEqual(cluster.list(), ['web.1 v1 run running', 'web.2 v1 run running', 'worker.1 v1 run running'])
    assert.equal(health(cluster), 'serving')
  })

  it('is stopped by its budget alike', () => {
    const cluster = serving({ web: 1 })
    const budget = { month: '2026-11', mark: 100 as const, of: 'cpuSeconds' as const, used: 1, limit: 1, at: 0 }
    cluster.tenants.set(tenant, aTenant({ budget }))
    cluster.settle()
    assert.deepEqual(cluster.list(), [])
    assert.equal(health(cluster), 'suspended')
  })

  it('does not get a release accepted that never ran, and finishes its rollout when it is resumed', () => {
    const cluster = serving({ web: 1 })
    cluster.release(id(cluster), 2, ['web'])
    cluster.look()
    cluster.tenants.set(tenant, aTenant({ suspended }))
    cluster.advance(400_000)
    cluster.settle()
    assert.equal(cluster.app().current?.release, 1)
    assert.match(JSON.stringify(cluster.app().rollout), /default to be resumed: it is suspended \(sends spam\)/)
    cluster.tenants.set(tenant, aTenant())
    cluster.settle()
    assert.equal(cluster.app().current?.release, 2)
    assert.deepEqual(cluster.list(), ['web.1 v2 run running'])
  })

  it('has its paused processes thawed to be stopped, and starts nothing while the app stays paused', () => {
    const cluster = serving({ web: 1 })
    cluster.change(id(cluster), { paused: { at: cluster.now(), by: 'me' } })
    cluster.settle(4)
    cluster.tenants.set(tenant, aTenant({ suspended }))
    cluster.look()
    assert.ok(all(cluster).every(({ desired }) => desired.intent !== 'run' && !desired.paused))
    cluster.settle()
    cluster.tenants.set(tenant, aTenant())
    cluster.settle()
    assert.deepEqual([cluster.list(), health(cluster)], [[], 'paused'])
  })
})
