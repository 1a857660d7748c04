import { HOST_LEASE_MS } from '#core/domain/host.ts'
import assert from 'node:assert/strict'
import type { HostId, InstanceId } from '#core/domain/ids.ts'
import { defaultResources } from '#core/domain/resources.ts'
import type { Step } from '../../../../controller/reconcile/plan.ts'
import { aHost, anApp, aServingApp, formation } from '../../../helpers/cluster.ts'
import { simulate, type Cluster } from '../../../helpers/simulated-cluster.ts'

const kinds = (steps: Step[]) => steps.map(({ kind }) => kind)
const rolloutOf = (cluster: Cluster) => cluster.app().rollout
const hostsOf = (cluster: Cluster) => [...cluster.instances.values()].map(({ desired }) => desired.hostId).sort()

/** A cluster in which release 1 of the shop serves with these counts. */
function serving(counts: Record<string, number>, hosts = [aHost('host-a'), aHost('host-b')]): Cluster {
  const app = aServingApp(1, counts)
  const cluster = simulate({ hosts, apps: [app] })
  cluster.know(app.id, 1, Object.keys(counts))
  cluster.settle(8)
  return cluster
}

describe('a first deploy', () => {
  it('starts the formation, waits until it serves, and accepts the release', () => {
    const app = anApp({ formation: formation({ web: 2, worker: 1 }) })
    const cluster = simulate({ hosts: [aHost('host-a'), aHost('host-b')], apps: [app] })
    cluster.release(app.id, 1, ['web', 'worker', 'release'])
    assert.deepEqual(kinds(cluster.look()), ['setRollout', 'start', 'start', 'start', 'putRoutes'])
    assert.equal(rolloutOf(cluster)?.state, 'rolling')
    cluster.settle()
    assert.equal(rolloutOf(cluster)?.state, 'done')
    assert.equal(cluster.app().current?.release, 1)
    assert.deepEqual(cluster.list(), ['web.1 v1 run running', 'web.2 v1 run running', 'worker.1 v1 run running'])
    assert.equal(cluster.table()?.apps[0]?.endpoints.length, 2)
  })

  it('is not done before all routers know the web instances', () => {
    const app = anApp()
    const cluster = simulate({ hosts: [aHost('host-a')], apps: [app], routers: 2 })
    cluster.release(app.id, 1, ['web'])
    for (let n = 0; n < 5; n++) {
      cluster.look()
      cluster.agents()
    }
    assert.deepEqual(rolloutOf(cluster), {
      target: cluster.app().target,
      state: 'rolling',
      waitingFor: 'web.1 to be known to all routers',
    })
    const [first, second] = cluster.routers
    if (first) first.tableVersion = cluster.table()?.version ?? 0
    cluster.look()
    assert.equal(rolloutOf(cluster)?.state, 'rolling')
    if (second) second.tableVersion = cluster.table()?.version ?? 0
    cluster.look()
    assert.equal(rolloutOf(cluster)?.state, 'done')
  })

  it('asks its instances to fail at their first exit, and starts nothing again when one does', () => {
    const app = anApp()
    const cluster = simulate({ hosts: [aHost('host-a')], apps: [app] })
    cluster.bad.add(1)
    cluster.release(app.id, 1, ['web'])
    cluster.settle()
    const rollout = rolloutOf(cluster)
    assert.equal(rollout?.state === 'failed' && rollout.reason, 'web.1 exited with code 1 before it was ready.')
    assert.deepEqual(cluster.list(), [])
    assert.equal(cluster.table()?.apps[0]?.health, 'crashed')
  })

  it('is done at once when everything is scaled to zero', () => {
    const app = anApp({ formation: formation({ web: 0 }) })
    const cluster = simulate({ hosts: [], apps: [app] })
    cluster.release(app.id, 1, ['web'])
    cluster.look()
    assert.equal(rolloutOf(cluster)?.state, 'done')
    assert.equal(cluster.table()?.apps[0]?.health, 'stopped')
  })
})

describe('a deploy of a new release', () => {
  it('goes in order: start, route, unroute, stop, forget', () => {
    const cluster = serving({ web: 1 })
    cluster.release(cluster.app().id, 2, ['web'])
    const seen: string[] = []
    for (let n = 0; n < 20; n++) {
      seen.push(...kinds(cluster.look()))
      cluster.agents()
      cluster.acknowledge()
    }
    assert.deepEqual(
      seen.filter((kind) => kind !== 'setRollout'),
      ['start', 'putRoutes', 'accept', 'unroute', 'putRoutes', 'stop', 'forget'],
    )
    assert.deepEqual(cluster.list(), ['web.1 v2 run running'])
  })

  it('does not stop the old instance while a router still sends or answers there', () => {
    const cluster = serving({ web: 1 })
    const old = [...cluster.instances.keys()][0] as InstanceId
    cluster.release(cluster.app().id, 2, ['web'])
    const router = cluster.routers[0]
    assert.ok(router)
    for (let n = 0; n < 8; n++) {
      cluster.look()
      cluster.agents()
      cluster.acknowledge()
      router.draining = { [old]: 3 }
    }
    assert.equal(cluster.instances.get(old)?.desired.intent, 'unroute')
    router.draining = {}
    assert.ok(kinds(cluster.look()).includes('stop'))
  })

  it('stops the old instance after 30 s, whatever a router says', () => {
    const cluster = serving({ web: 1 })
    const old = [...cluster.instances.keys()][0] as InstanceId
    cluster.release(cluster.app().id, 2, ['web'])
    for (let n = 0; n < 8; n++) {
      cluster.look()
      cluster.agents()
      cluster.acknowledge()
      for (const router of cluster.routers) router.draining = { [old]: 1 }
    }
    cluster.advance(29_000)
    cluster.look()
    assert.equal(cluster.instances.get(old)?.desired.intent, 'unroute')
    cluster.advance(2_000)
    cluster.look()
    assert.equal(cluster.instances.get(old)?.desired.intent, 'stop')
  })

  it('leaves the release that serves untouched when the new one fails', () => {
    const cluster = serving({ web: 2, worker: 1 })
    const before = [...cluster.instances.keys()].sort()
    cluster.bad.add(2)
    cluster.release(cluster.app().id, 2, ['web', 'worker'])
    cluster.settle()
    assert.equal(rolloutOf(cluster)?.state, 'failed')
    assert.equal(cluster.app().current?.release, 1)
    assert.deepEqual([...cluster.instances.keys()].sort(), before)
    assert.ok([...cluster.instances.values()].every(({ desired }) => desired.intent === 'run' && desired.epoch === 1))
  })

  it('keeps a process type that the new release no longer has until the new one is accepted', () => {
    const cluster = serving({ web: 1, worker: 1 })
    cluster.release(cluster.app().id, 2, ['web'])
    cluster.look()
    cluster.agents()
    assert.ok(cluster.list().includes('worker.1 v1 run running'))
    cluster.settle()
    assert.deepEqual(cluster.list(), ['web.1 v2 run running'])
  })

  it('is given up when nothing moves for five minutes, and says what is missing', () => {
    const app = anApp({ formation: formation({ web: 1 }) })
    const cluster = simulate({ hosts: [aHost('host-a', { memoryMb: 256 })], apps: [app] })
    cluster.release(app.id, 1, ['web'])
    for (let n = 0; n < 12; n++) {
      cluster.look()
      cluster.advance(30_000)
    }
    const rollout = rolloutOf(cluster)
    assert.equal(
      rollout?.state === 'failed' && rollout.reason,
      'nothing moved for 300 s while waiting for web.1: no host has 512 MB memory free',
    )
  })

  it('replaces a newer release that superseded it, and never keeps the one in between', () => {
    const cluster = serving({ web: 1 })
    cluster.release(cluster.app().id, 2, ['web'])
    cluster.look()
    cluster.agents()
    cluster.release(cluster.app().id, 3, ['web'])
    cluster.settle()
    assert.deepEqual(cluster.list(), ['web.1 v3 run running'])
    assert.equal(cluster.app().current?.release, 3)
  })

  it('rolls on a host that has room for only one more instance, and never has too few', () => {
    const cluster = serving({ web: 3 }, [aHost('host-a', { memoryMb: 512 * 4 })])
    cluster.release(cluster.app().id, 2, ['web'])
    for (let n = 0; n < 60; n++) {
      cluster.look()
      const endpoints = cluster.table()?.apps[0]?.endpoints.length ?? 0
      assert.ok(endpoints >= 3, `only ${endpoints} of 3`)
      cluster.agents()
      cluster.acknowledge()
      cluster.advance(1000)
    }
    assert.deepEqual(cluster.list(), ['web.1 v2 run running', 'web.2 v2 run running', 'web.3 v2 run running'])
    assert.equal(rolloutOf(cluster)?.state, 'done')
  })

  it('makes room by stopping old instances that do no work anyway', () => {
    const cluster = serving({ web: 1 }, [aHost('host-a', { memoryMb: 512 })])
    const [old] = [...cluster.instances.keys()]
    cluster.report(old as InstanceId, { state: 'starting', restarts: 5 })
    cluster.release(cluster.app().id, 2, ['web'])
    cluster.settle()
    assert.deepEqual(cluster.list(), ['web.1 v2 run running'])
  })

  it('waits with a reason where the only host is full of instances that work', () => {
    const cluster = serving({ web: 1 }, [aHost('host-a', { memoryMb: 512 })])
    cluster.release(cluster.app().id, 2, ['web'])
    cluster.settle(5)
    const rollout = rolloutOf(cluster)
    assert.equal(rollout?.state === 'rolling' && rollout.waitingFor, 'web.1: no host has 512 MB memory free')
    assert.deepEqual(cluster.list(), ['web.1 v1 run running'])
  })
})

describe('a restart', () => {
  it('replaces all instances with new ones of the same release, new before old', () => {
    const cluster = serving({ web: 2 })
    const before = new Set(cluster.instances.keys())
    cluster.change(cluster.app().id, { target: { release: 1, generation: 1, since: cluster.now() } })
    cluster.look()
    assert.equal(cluster.list().length, 4)
    cluster.settle()
    assert.deepEqual(cluster.list(), ['web.1 v1 run running', 'web.2 v1 run running'])
    assert.ok([...cluster.instances.keys()].every((id) => !before.has(id)))
    assert.equal(cluster.app().current?.generation, 1)
  })

  it('comes about by itself when the size of a process type changes', () => {
    const cluster = serving({ web: 2 })
    cluster.change(cluster.app().id, { formation: formation({ web: 2 }, 1024) })
    cluster.settle()
    assert.deepEqual(
      [...cluster.instances.values()].map(({ desired }) => desired.size.memoryMb),
      [1024, 1024],
    )
  })
})

describe('scaling', () => {
  it('up starts what is missing, with the lowest free numbers', () => {
    const cluster = serving({ web: 1 })
    cluster.change(cluster.app().id, { formation: formation({ web: 3 }) })
    assert.deepEqual(kinds(cluster.look()), ['start', 'start'])
    cluster.settle()
    assert.deepEqual(cluster.list(), ['web.1 v1 run running', 'web.2 v1 run running', 'web.3 v1 run running'])
  })

  it('down lets the highest numbers go, at once', () => {
    const cluster = serving({ web: 3 })
    cluster.change(cluster.app().id, { formation: formation({ web: 1 }) })
    cluster.look()
    assert.deepEqual(cluster.list(), ['web.1 v1 run running', 'web.2 v1 unroute running', 'web.3 v1 unroute running'])
    cluster.settle()
    assert.deepEqual(cluster.list(), ['web.1 v1 run running'])
  })

  it('to zero leaves nothing, and the routers say that the app is stopped', () => {
    const cluster = serving({ web: 2 })
    cluster.change(cluster.app().id, { formation: formation({ web: 0 }) })
    cluster.settle()
    assert.deepEqual(cluster.list(), [])
    assert.equal(cluster.table()?.apps[0]?.health, 'stopped')
  })

  it('stops workers without asking any router', () => {
    const cluster = serving({ web: 1, worker: 2 })
    cluster.change(cluster.app().id, { formation: formation({ web: 1, worker: 0 }) })
    assert.deepEqual(kinds(cluster.look()), ['stop', 'stop'])
  })
})

describe('repair', () => {
  it('leaves the restart of a crashed instance to its agent, and takes it out of the routes meanwhile', () => {
    const cluster = serving({ web: 1 })
    const [id] = [...cluster.instances.keys()]
    cluster.report(id as InstanceId, { state: 'starting', restarts: 1 })
    assert.deepEqual(kinds(cluster.look()), ['putRoutes'])
    assert.equal(cluster.table()?.apps[0]?.health, 'crashed')
    cluster.settle(3)
    assert.equal(cluster.table()?.apps[0]?.health, 'serving')
  })

  it('replaces an instance that its agent gave up, 30 s later', () => {
    const cluster = serving({ web: 1 })
    const [id] = [...cluster.instances.keys()]
    cluster.report(id as InstanceId, { state: 'failed', detail: 'web.1 exited with code 1.' })
    cluster.look()
    cluster.advance(29_000)
    assert.deepEqual(kinds(cluster.look()), [])
    cluster.advance(1_000)
    assert.deepEqual(kinds(cluster.look()), ['start', 'forget'])
    cluster.settle(4)
    assert.deepEqual(cluster.list(), ['web.1 v1 run running'])
  })

  it('removes all instances of an app that is gone', () => {
    const cluster = serving({ web: 2, worker: 1 })
    cluster.apps.clear()
    cluster.look()
    assert.deepEqual(cluster.table()?.apps, [])
    cluster.settle()
    assert.deepEqual(cluster.list(), [])
  })
})

describe('a host that is lost', () => {
  it('is taken for lost soon after its lease lapsed, and its instances start elsewhere', () => {
    const cluster = serving({ web: 2, worker: 1 })
    cluster.advance(HOST_LEASE_MS)
    cluster.look()
    cluster.setHost('host-a', { live: false })
    cluster.advance(1_000)
    assert.ok(!kinds(cluster.look()).includes('start'))
    cluster.advance(2_000)
    assert.ok(kinds(cluster.look()).includes('start'))
    cluster.settle(90)
    assert.deepEqual(cluster.list(), ['web.1 v1 run running', 'web.2 v1 run running', 'worker.1 v1 run running'])
    assert.deepEqual([...new Set(hostsOf(cluster))], ['host-b'])
  })

  it('is not believed lost by a leader that has watched for less than a lease', () => {
    const cluster = serving({ web: 2 })
    cluster.setHost('host-a', { live: false })
    cluster.advance(4_000)
    assert.ok(!kinds(cluster.look()).includes('start'))
  })

  it('has its second copies stopped when it comes back', () => {
    const cluster = serving({ web: 2 })
    cluster.setHost('host-a', { live: false })
    cluster.advance(16_000)
    cluster.settle(5)
    cluster.setHost('host-a', { live: true })
    cluster.settle(5)
    assert.deepEqual(cluster.list(), ['web.1 v1 run running', 'web.2 v1 run running'])
  })

  it('keeps its instances assigned while no other host has room, so that they count again when it returns', () => {
    const hosts = [aHost('host-a'), aHost('host-b', { memoryMb: 100 })]
    const cluster = serving({ web: 1 }, hosts)
    const [id] = [...cluster.instances.keys()]
    cluster.setHost('host-a', { live: false })
    cluster.advance(16_000)
    cluster.settle(10)
    cluster.setHost('host-a', { live: true })
    cluster.settle(5)
    assert.deepEqual([...cluster.instances.keys()], [id])
  })

  it('moves nothing when all hosts vanish at once (F12)', () => {
    const cluster = serving({ web: 2 })
    const before = cluster.list()
    const version = cluster.table()?.version
    for (const id of ['host-a', 'host-b']) cluster.setHost(id, { live: false })
    cluster.advance(20_000)
    cluster.settle(60)
    assert.deepEqual(cluster.list(), before)
    assert.equal(cluster.table()?.version, version)
  })

  it('moves nothing when more than 55 % of four hosts vanish at once (F12)', () => {
    const hosts = ['host-a', 'host-b', 'host-c', 'host-d'].map((id) => aHost(id))
    const cluster = serving({ web: 4 }, hosts)
    const before = hostsOf(cluster)
    for (const id of ['host-a', 'host-b', 'host-c']) cluster.setHost(id, { live: false })
    cluster.advance(20_000)
    cluster.settle(10)
    assert.deepEqual(hostsOf(cluster), before)
  })

  it('is not seen in leases that lapsed before this process looked (a restart of Redis or the controller)', () => {
    const cluster = serving({ web: 2 })
    cluster.setHost('host-a', { live: false })
    cluster.forgetMemory()
    cluster.look()
    cluster.advance(14_000)
    assert.ok(!kinds(cluster.look()).includes('start'))
  })

  it('takes nothing new while it is cordoned, and gives up what it has, one after the other, once others do that work', () => {
    const cluster = serving({ web: 4 })
    const [used] = hostsOf(cluster)
    cluster.setHost(used as HostId, { cordoned: true })
    assert.deepEqual(kinds(cluster.look()), ['start'], 'one at a time, and first of all another one')
    cluster.settle(60)
    assert.equal(hostsOf(cluster).length, 4)
    assert.ok(!hostsOf(cluster).includes(used as HostId))
    assert.deepEqual(cluster.look(), [], 'and then all is as it should be')
  })

  it('keeps what it has while no other host has room, though it is cordoned', () => {
    const cluster = serving({ web: 2 })
    for (const id of new Set(hostsOf(cluster))) cluster.setHost(id, { cordoned: true })
    const others = [...cluster.hosts.values()].filter(({ cordoned }) => !cordoned)
    for (const { id } of others) cluster.setHost(id, { live: false })
    const before = hostsOf(cluster)
    assert.deepEqual(kinds(cluster.look()), [])
    cluster.settle(5)
    assert.deepEqual(hostsOf(cluster), before)
  })
})

describe('the reconciler', () => {
  it('plans nothing when everything is as it should be', () => {
    const cluster = serving({ web: 2, worker: 1 })
    assert.deepEqual(cluster.look(), [])
  })

  it('keeps of two instances with one number the one that works', () => {
    const cluster = serving({ web: 1 })
    const [one] = [...cluster.instances.values()]
    assert.ok(one)
    const twin = 'i-0000' as InstanceId
    cluster.instances.set(twin, { ...one, desired: { ...one.desired, id: twin }, reported: null })
    cluster.settle()
    assert.deepEqual([...cluster.instances.keys()], [one.desired.id])
  })

  it('takes nothing as acknowledged just after an outage, when the leases of living routers have lapsed', () => {
    const cluster = serving({ web: 1 })
    cluster.release(cluster.app().id, 2, ['web'])
    cluster.look()
    cluster.agents()
    cluster.agents()
    cluster.routers.length = 0
    cluster.forgetMemory()
    cluster.look()
    cluster.look()
    assert.equal(rolloutOf(cluster)?.state, 'rolling')
    cluster.advance(3_000)
    cluster.look()
    assert.equal(rolloutOf(cluster)?.state, 'done')
  })

  it('limits how many instances start at a time on one host', () => {
    const app = aServingApp(1, { web: 25 })
    const cluster = simulate({ hosts: [aHost('host-a')], apps: [app] })
    cluster.know(app.id, 1, ['web'])
    assert.equal(kinds(cluster.look()).filter((kind) => kind === 'start').length, 10)
    cluster.settle()
    assert.equal(cluster.list().length, 25)
  })

  it('gives new instances the size of the formation, and the default where none is set', () => {
    const app = aServingApp(1, { web: 1 }, { formation: formation({ web: 1 }, 128) })
    const cluster = simulate({ hosts: [aHost('host-a')], apps: [app] })
    cluster.know(app.id, 1, ['web', 'worker'])
    cluster.look()
    assert.deepEqual(
      [...cluster.instances.values()].map(({ desired }) => desired.size),
      [{ ...defaultResources, memoryMb: 128 }],
    )
  })
})
