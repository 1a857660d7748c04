import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { AppId, InstanceId } from '#core/domain/ids.ts'
import type { Instance } from '#core/domain/instance.ts'
import { defaultPlan } from '#core/domain/quota.ts'
import type { RouteTable } from '#core/domain/route.ts'
import type { Step } from '../../controller/reconcile/plan.ts'
import { effectiveTarget } from '../../controller/reconcile/rollout.ts'
import { aHost, anApp, aTenant, formation, tenant, web } from '../helpers/cluster.ts'
import { simulate, type Cluster } from '../helpers/simulated-cluster.ts'

const hostNames = ['host-a', 'host-b', 'host-c'] as const
/** Room for four instances each, so that a deploy has just enough when all are up. */
const HOST_MB = 4 * 512

const events = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('agent' as const), n: fc.nat(40) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('agents' as const), n: fc.nat(0) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('acknowledge' as const), n: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), n: fc.nat(20_000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deploy' as const), n: fc.nat(0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deployBad' as const), n: fc.nat(0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), n: fc.nat(0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restack' as const), n: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('scale' as const), n: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('resize' as const), n: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), n: fc.nat(0) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('resume' as const), n: fc.nat(0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('suspend' as const), n: fc.nat(0) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('resumeTenant' as const), n: fc.nat(0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('plan' as const), n: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('crash' as const), n: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('hostDown' as const), n: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hostUp' as const), n: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cordon' as const), n: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('newLeader' as const), n: fc.nat(0) }) },
)
type Event = typeof events extends fc.Arbitrary<infer T> ? T : never

const appId = 'a-shop' as AppId

function openCluster(): {
  cluster: Cluster
  happen: (event: Event) => void
  deploy: () => void
  emptied: ReadonlySet<string>
} {
  const app = anApp({ formation: formation({ web: 2, worker: 1 }) })
  const hosts = hostNames.map((id) => aHost(id, { memoryMb: HOST_MB }))
  const cluster = simulate({ hosts, apps: [app], routers: 2 })
  let version = 0
  const deploy = () => cluster.release(appId, ++version, ['web', 'worker'])
  const pick = (n: number): InstanceId | undefined => [...cluster.instances.keys()][n % (cluster.instances.size || 1)]
  deploy()
  const emptied = new Set<string>()
  return {
    cluster,
    deploy,
    /** Hosts that were cordoned at some time. */
    emptied,
    happen({ do: what, n }) {
      const id = pick(n)
      switch (what) {
        case 'agent':
          return id && cluster.agentStep(id)
        case 'agents':
          return cluster.agents()
        case 'acknowledge': {
          const router = cluster.routers[n]
          if (!router) return cluster.acknowledge()
          router.tableVersion = cluster.table()?.version ?? 0
          return
        }
        case 'wait':
          return cluster.advance(n)
        case 'deploy':
          return deploy()
        case 'deployBad':
          cluster.bad.add(version + 1)
          return deploy()
        case 'restart': {
          const { target } = cluster.app()
          return target && cluster.change(appId, { target: { ...target, generation: target.generation + 1 } })
        }
        case 'restack':
          return void cluster.useStack(n === 0 ? null : `debian-13-${n}`)
        case 'scale':
          return cluster.change(appId, { formation: formation({ web: n, worker: n % 3 }, sizeOf(cluster)) })
        case 'resize': {
          const { web: webs, worker: workers } = cluster.app().formation as Record<string, { count: number }>
          const counts = { web: webs?.count ?? 0, worker: workers?.count ?? 0 }
          return cluster.change(appId, { formation: formation(counts, sizes[n]) })
        }
        case 'pause':
          return cluster.change(appId, { paused: { at: cluster.now(), by: '' } })
        case 'resume':
          return cluster.change(appId, { paused: null })
        case 'suspend':
          return void cluster.tenants.set(tenant, aTenant({ suspended: { at: 0, by: '', reason: '' } }))
        case 'resumeTenant':
          return void cluster.tenants.set(tenant, aTenant())
        case 'plan':
          return void cluster.plans.set(defaultPlan.name, { ...defaultPlan, weight: 100 + n })
        case 'crash':
          return id && crash(cluster, id)
        case 'hostDown':
          return cluster.setHost(hostNames[n] ?? '', { live: false })
        case 'hostUp':
          return cluster.setHost(hostNames[n] ?? '', { live: true, cordoned: false })
        case 'cordon':
          emptied.add(hostNames[n] ?? '')
          return cluster.setHost(hostNames[n] ?? '', { cordoned: true })
        case 'newLeader':
          return void cluster.forgetMemory()
      }
    },
  }
}

const sizes = [256, 512, 768] as const
const sizeOf = (cluster: Cluster): number => cluster.app().formation[web]?.size.memoryMb ?? 512

function crash(cluster: Cluster, id: InstanceId): void {
  const instance = cluster.instances.get(id)
  if (instance?.reported?.state !== 'running' || !cluster.hosts.get(instance.desired.hostId)?.live) return
  cluster.report(id, { state: 'starting', restarts: instance.reported.restarts + 1 })
}

const isRunning = ({ desired, reported }: Instance) => desired.intent === 'run' && reported?.state === 'running'

/** Web instances that every router sends requests to, on hosts that are up. */
function serving(cluster: Cluster, tables: Map<number, RouteTable>): number {
  return [...cluster.instances.values()].filter(
    (instance) =>
      instance.desired.processType === web &&
      isRunning(instance) &&
      cluster.hosts.get(instance.desired.hostId)?.live &&
      cluster.routers.every(({ tableVersion }) => holds(tables.get(tableVersion), instance.desired.id)),
  ).length
}

const holds = (table: RouteTable | undefined, id: InstanceId): boolean =>
  table?.apps.some(({ endpoints }) => endpoints.some(({ instanceId }) => instanceId === id)) ?? false

function lookAndCheck(cluster: Cluster, tables: Map<number, RouteTable>, emptied: ReadonlySet<string>): void {
  const before = new Map(cluster.instances)
  const servingBefore = serving(cluster, tables)
  const steps = cluster.look()
  const table = cluster.table()
  if (table) tables.set(table.version, table)
  checkStops(cluster, tables, steps, before)
  checkNumbers(cluster, emptied)
  checkMemory(cluster)
  const app = cluster.app()
  const halted = app.paused !== null || cluster.tenants.get(tenant)?.suspended
  if (effectiveTarget(app) === null || halted) return
  const count = app.formation[web]?.count ?? 0
  const after = serving(cluster, tables)
  assert.ok(after >= Math.min(servingBefore, count), `${servingBefore} served, ${after} are left, of ${count} wanted`)
}

/** No running web instance is told to stop while a router may still send it requests. */
function checkStops(
  cluster: Cluster,
  tables: Map<number, RouteTable>,
  steps: Step[],
  before: Map<InstanceId, Instance>,
) {
  for (const step of steps) {
    if (step.kind !== 'stop' || step.instance.processType !== web) continue
    const instance = before.get(step.instance.id)
    const up = cluster.hosts.get(step.instance.hostId)?.live
    if (instance?.reported?.state !== 'running' || !up) continue
    assert.equal(instance.desired.intent, 'unroute')
    if (cluster.now() - instance.desired.since >= 30_000) continue
    for (const { tableVersion } of cluster.routers)
      assert.ok(!holds(tables.get(tableVersion), step.instance.id), `${step.instance.id} stopped while it is routed`)
  }
}

/** Two of one number may run only while one of another size, on another stack or off a host that is emptied takes over. */
function checkNumbers(cluster: Cluster, emptied: ReadonlySet<string>): void {
  const seen = new Set<string>()
  for (const { desired, reported } of cluster.instances.values()) {
    if (desired.intent !== 'run' || reported?.state === 'failed' || reported?.state === 'stopped') continue
    // While an app moves to another stack, or off a host, the successor of an instance has its number.
    const place = emptied.has(desired.hostId) ? ` on ${desired.hostId}` : ''
    const name = `${desired.processType}.${desired.number} v${desired.release}.${desired.generation} ${desired.stack} ${desired.size.memoryMb} MB${place}`
    assert.ok(!seen.has(name), `two of ${name}`)
    seen.add(name)
  }
}

function checkMemory(cluster: Cluster): void {
  for (const host of cluster.hosts.values()) {
    const promised = [...cluster.instances.values()]
      .filter(
        ({ desired, reported }) => desired.hostId === host.id && !['stopped', 'failed'].includes(reported?.state ?? ''),
      )
      .reduce(
        (sum, { desired, reported }) => sum + Math.max(desired.size.memoryMb, reported?.applied?.memoryMb ?? 0),
        0,
      )
    assert.ok(promised <= host.capacity.memoryMb, `${host.id} promised ${promised} MB`)
  }
}

describe('the reconciler, whatever happens', function () {
  this.timeout(60_000)

  it('keeps enough instances serving, never runs one twice, never promises memory twice, and ends as desired', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(events, { maxLength: 80 }), (settled, all) => {
        const { cluster, happen, deploy, emptied } = openCluster()
        const tables = new Map<number, RouteTable>()
        for (let round = 0; settled && round < 6; round++) {
          lookAndCheck(cluster, tables, emptied)
          cluster.agents()
          cluster.acknowledge()
        }
        for (const event of all) {
          happen(event)
          lookAndCheck(cluster, tables, emptied)
        }
        for (const id of hostNames) cluster.setHost(id, { live: true, cordoned: false })
        cluster.tenants.set(tenant, aTenant())
        cluster.change(appId, { formation: formation({ web: 3, worker: 1 }), paused: null })
        deploy()
        for (let round = 0; round < 100; round++) {
          cluster.advance(1000)
          lookAndCheck(cluster, tables, emptied)
          cluster.agents()
          cluster.acknowledge()
        }
        const release = `v${cluster.app().target?.release}`
        const wanted = ['web.1', 'web.2', 'web.3', 'worker.1'].map((name) => `${name} ${release} run running`)
        assert.deepEqual(cluster.list(), wanted)
        assert.equal(cluster.app().rollout?.state, 'done')
        for (const { desired, reported } of cluster.instances.values()) {
          const { memoryMb, cpuMilli } = desired.size
          assert.deepEqual(reported?.applied, { memoryMb, cpuMilli, paused: false })
        }
        assert.equal(cluster.table()?.apps[0]?.endpoints.length, 3)
        assert.deepEqual(cluster.look(), [])
      }),
      { numRuns: 150 },
    )
  })
})
