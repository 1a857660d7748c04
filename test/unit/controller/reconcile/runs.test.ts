import assert from 'node:assert/strict'
import type { HostId, InstanceId } from '#core/domain/ids.ts'
import { defaultResources } from '#core/domain/resources.ts'
import { PLACE_WITHIN_MS, RUN_PROCESS, type Run } from '#core/domain/run.ts'
import { aHost, aServingApp, aTenant, tenant } from '../../../helpers/cluster.ts'
import { simulate, type Cluster } from '../../../helpers/simulated-cluster.ts'

describe('one-off runs, as the reconciler sees them', () => {
  const app = aServingApp(1, { web: 1 })
  let cluster: Cluster

  const start = (hosts = [aHost('host-a'), aHost('host-b')]) => {
    cluster = simulate({ hosts, apps: [app] })
    cluster.know(app.id, 1, ['web', 'run'])
    cluster.settle()
  }
  const accept = (over: Partial<Run> = {}): InstanceId => {
    const id = (over.id ?? 'i-run') as InstanceId
    cluster.runs.set(id, {
      id,
      appId: app.id,
      tenantId: tenant,
      processType: RUN_PROCESS,
      number: 7,
      release: 1,
      command: 'true',
      env: {},
      size: defaultResources,
      timeoutMs: 60_000,
      streams: 'log',
      window: null,
      deploy: null,
      actor: 'tester',
      createdAt: cluster.now(),
      host: null,
      stop: null,
      end: null,
      cron: null,
      ...over,
    })
    return id
  }
  const run = (id: InstanceId) => cluster.runs.get(id) ?? assert.fail(`no run ${id}`)
  const ended = (id: InstanceId) =>
    cluster.report(id, { state: 'stopped', reason: 'completed', exitCode: 0, detail: 'ended with exit code 0.' })

  it('are placed beside the formation, which stays as it is, and get no route', () => {
    start()
    const id = accept()
    cluster.settle()
    assert.deepEqual(cluster.list(), ['run.7 v1 run running', 'web.1 v1 run running'])
    assert.equal(run(id).host, cluster.instances.get(id)?.desired.hostId)
    assert.ok(!cluster.table()?.apps[0]?.endpoints.some(({ instanceId }) => instanceId === id))
  })

  it('have their end written down before their instance is forgotten, and are never placed again', () => {
    start()
    const id = accept()
    cluster.settle()
    ended(id)
    cluster.look()
    assert.deepEqual([run(id).end?.reason, run(id).end?.exitCode], ['completed', 0])
    assert.ok(cluster.instances.has(id))
    cluster.settle()
    assert.deepEqual(cluster.list(), ['web.1 v1 run running'])
  })

  it('whose instance cannot be found any more are lost, not run again', () => {
    start()
    const id = accept()
    cluster.settle()
    cluster.instances.delete(id)
    cluster.settle()
    assert.equal(run(id).end?.reason, 'lost')
    assert.deepEqual(cluster.list(), ['web.1 v1 run running'])
  })

  it('on a lost host are lost, and what was left of them is forgotten', () => {
    start()
    const id = accept()
    cluster.settle()
    const host = run(id).host
    assert.ok(host)
    cluster.setHost(host, { live: false })
    for (let second = 0; second < 120; second++) cluster.settle(1)
    assert.equal(run(id).end?.reason, 'lost')
    assert.ok(!cluster.instances.has(id))
  })

  it('wait a while for room, and then say what there is too little of', () => {
    start([aHost('host-a', { memoryMb: 800 })])
    const id = accept()
    cluster.look()
    assert.equal(run(id).end, null)
    cluster.advance(PLACE_WITHIN_MS)
    cluster.look()
    assert.deepEqual(
      [run(id).end?.reason, run(id).end?.detail],
      ['notPlaced', 'It was not begun within 60 s: no host has 512 MB memory free.'],
    )
  })

  it('reserve their memory while they last', () => {
    start([aHost('host-a', { memoryMb: 1100 })])
    const first = accept({ id: 'i-first' as InstanceId })
    const second = accept({ id: 'i-second' as InstanceId })
    cluster.settle(3)
    assert.deepEqual([run(first).host, run(second).host], ['host-a' as HostId, null])
    ended(first)
    cluster.settle(3)
    assert.equal(run(second).host, 'host-a')
  })

  it('that are told to stop are stopped, or never begun', () => {
    start()
    const running = accept()
    cluster.settle()
    const waiting = accept({ id: 'i-waiting' as InstanceId, stop: { at: 0, by: 'tester' } })
    cluster.runs.set(running, { ...run(running), stop: { at: 0, by: 'tester' } })
    cluster.look()
    assert.equal(cluster.instances.get(running)?.desired.intent, 'stop')
    assert.deepEqual([run(waiting).end?.reason, run(waiting).host], ['stopped', null])
  })

  it('of a suspended tenant are stopped, and those that wait are not begun', () => {
    start()
    const running = accept()
    cluster.settle()
    const waiting = accept({ id: 'i-waiting' as InstanceId })
    cluster.tenants.set(tenant, aTenant({ suspended: { at: 0, by: 'ops', reason: 'sends spam' } }))
    cluster.look()
    assert.equal(cluster.instances.get(running)?.desired.intent, 'stop')
    assert.equal(run(waiting).end?.reason, 'notPlaced')
  })

  it('of a paused app are frozen with it', () => {
    start()
    const id = accept()
    cluster.settle()
    cluster.change(app.id, { paused: { at: cluster.now(), by: 'tester' } })
    cluster.settle()
    assert.equal(cluster.instances.get(id)?.desired.paused, true)
    assert.equal(cluster.instances.get(id)?.desired.intent, 'run')
  })

  it('of an app that is destroyed end with it', () => {
    start()
    const id = accept()
    cluster.settle()
    cluster.apps.clear()
    cluster.settle()
    assert.equal(run(id).end?.reason, 'stopped')
    assert.deepEqual(cluster.list(), [])
  })
})
