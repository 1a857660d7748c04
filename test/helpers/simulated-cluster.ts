/**
 * A cluster in memory, around the real plan: its store applies steps as the real one does (fenced by epoch), its agents
 * and routers do what their contracts say, when a test tells them to.
 */
import type { App } from '#core/domain/app.ts'
import type { Host } from '#core/domain/host.ts'
import type { AppId, HostId, InstanceId, ProcessType, TenantId } from '#core/domain/ids.ts'
import { nextState, processName, type Instance, type InstanceEvent, type Reported } from '#core/domain/instance.ts'
import type { Plan, PlanName, Tenant } from '#core/domain/quota.ts'
import type { RouteChange, RouterReport, StoredTable } from '#core/domain/route.ts'
import type { Run } from '#core/domain/run.ts'
import { plan, type Step } from '../../controller/reconcile/plan.ts'
import { newMemory, rememberChange, see, releaseKey, SETTLE_MS, type Memory } from '../../controller/reconcile/world.ts'
import { aReport } from './cluster.ts'

export type Cluster = ReturnType<typeof simulate>

export function simulate(start: { hosts: Host[]; apps?: App[]; routers?: number; domain?: string }) {
  const apps = new Map<AppId, App>((start.apps ?? []).map((app) => [app.id, app]))
  const hosts = new Map<HostId, Host>(start.hosts.map((host) => [host.id, host]))
  const instances = new Map<InstanceId, Instance>()
  const runs = new Map<InstanceId, Run>()
  const processes = new Map<string, ProcessType[]>()
  const routers: RouterReport[] = Array.from({ length: start.routers ?? 1 }, (_, n) => ({
    id: `r-${n}`,
    tableVersion: 0,
    draining: {},
  }))
  const tenants = new Map<TenantId, Tenant>()
  const plans = new Map<PlanName, Plan>()
  /** Releases whose instances exit at their start. */
  const bad = new Set<number>()
  let table: StoredTable | null = null
  let memory: Memory = newMemory(0)
  let now = SETTLE_MS
  let made = 0
  let stack: string | null = null

  function look(): Step[] {
    const snapshot = {
      apps: [...apps.values()],
      processes,
      instances: [...instances.values()],
      runs: [...runs.values()].filter(({ end }) => end === null),
      hosts: [...hosts.values()],
      routers,
      stack,
      tenants: [...tenants.values()],
      plans,
      table,
    }
    const settings = { domain: start.domain ?? 'localhost', noProgressMs: 300_000, startWithinMs: 660_000 }
    const planned = plan(see(snapshot, memory, now), settings)
    memory = planned.memory
    for (const step of planned.steps) apply(step)
    return planned.steps
  }

  function apply(step: Step): void {
    switch (step.kind) {
      case 'accept':
        return change(step.appId, { current: step.target, rollout: step.rollout })
      case 'setRollout':
        return change(step.appId, { rollout: step.rollout })
      case 'fallBack': {
        // What the deploy story makes of it: the next release, with the code of the one before.
        const { target } = apps.get(step.appId) ?? {}
        const types = processes.get(releaseKey(step.appId, step.fallback.to)) ?? []
        if (target) release(step.appId, target.release + 1, types)
        return
      }
      case 'start': {
        const id = `i-${String(++made).padStart(4, '0')}` as InstanceId
        instances.set(id, { desired: { ...step.instance, id, epoch: 1 }, reported: null, stats: null })
        return
      }
      case 'placeRun': {
        const run = runs.get(step.instance.id)
        if (!run || run.host !== null || run.stop || run.end) return
        runs.set(run.id, { ...run, host: step.instance.hostId })
        instances.set(run.id, { desired: step.instance, reported: null, stats: null })
        return
      }
      case 'endRun': {
        const run = runs.get(step.run.id)
        if (run && !run.end) runs.set(run.id, { ...run, end: step.end })
        return
      }
      case 'adjust': {
        const instance = instances.get(step.instance.id)
        if (instance?.desired.epoch !== step.instance.epoch) return
        instances.set(step.instance.id, { ...instance, desired: { ...step.instance, epoch: step.instance.epoch + 1 } })
        return
      }
      case 'unroute':
      case 'stop': {
        const instance = instances.get(step.instance.id)
        if (instance?.desired.epoch !== step.instance.epoch) return
        const desired = {
          ...step.instance,
          intent: step.kind,
          since: now,
          epoch: step.instance.epoch + 1,
          paused: false,
        }
        instances.set(desired.id, { ...instance, desired })
        return
      }
      case 'putRoutes':
        memory = rememberChange(memory, table, step.change)
        table = changeTable(table, step.change)
        return
      case 'forget':
        if (instances.get(step.instance.id)?.desired.epoch === step.instance.epoch) instances.delete(step.instance.id)
    }
  }

  function change(id: AppId, over: Partial<App>): void {
    const app = apps.get(id)
    if (app) apps.set(id, { ...app, ...over })
  }

  /** What the deploy story does: a release that is the new target. */
  function release(id: AppId, version: number, types: string[]): void {
    processes.set(releaseKey(id, version), types as ProcessType[])
    change(id, { target: { release: version, generation: 0, since: now } })
  }

  /** One instance gets on by one step of its life, if its host is up. */
  function agentStep(id: InstanceId): void {
    const instance = instances.get(id)
    if (!instance || !hosts.get(instance.desired.hostId)?.live) return
    const { desired, reported } = instance
    const state = reported?.state ?? 'pending'
    if (desired.intent === 'stop') {
      if (state === 'failed') return report(id, { state: 'stopped' })
      return become(id, state === 'draining' ? 'exited' : 'drain')
    }
    if (state === 'pending') return become(id, 'claimed')
    // Other limits, or a freeze, are applied while it runs.
    if (state === 'running' && reported && reported.epoch < desired.epoch) return report(id, { state })
    if (state !== 'starting') return
    if (!bad.has(desired.release)) return become(id, 'ready')
    if (desired.onExit === 'fail')
      return become(id, 'gaveUp', { detail: `${processName(desired)} exited with code 1 before it was ready.` })
    return become(id, 'exited', { restarts: (reported?.restarts ?? 0) + 1 })
  }

  function become(id: InstanceId, event: InstanceEvent, facts: Partial<Reported> = {}): void {
    const instance = instances.get(id)
    const state = instance && nextState(instance.reported?.state ?? 'pending', event)
    if (state) report(id, { ...facts, state })
  }

  function report(id: InstanceId, facts: Partial<Reported>): void {
    const instance = instances.get(id)
    if (!instance) return
    const before = instance.reported ?? aReport({ state: 'pending' })
    const address =
      facts.state === 'running' && instance.desired.processType === 'web' ? { host: id, port: 5000 } : null
    const { size, paused, epoch } = instance.desired
    const applied = { memoryMb: size.memoryMb, cpuMilli: size.cpuMilli, paused }
    instances.set(id, { ...instance, reported: { ...before, address, ...facts, epoch, applied } })
  }

  const agents = () => [...instances.keys()].forEach(agentStep)
  const acknowledge = () => {
    for (const router of routers) router.tableVersion = table?.version ?? 0
  }

  return {
    apps,
    hosts,
    instances,
    runs,
    routers,
    tenants,
    plans,
    bad,
    look,
    agents,
    agentStep,
    acknowledge,
    report,
    change,
    forgetMemory: () => (memory = newMemory(now)),
    advance(ms: number) {
      now += ms
    },
    now: () => now,
    table: () => table,
    app: (id = 'a-shop') => {
      const app = apps.get(id as AppId)
      if (!app) throw new Error(`no app ${id}`)
      return app
    },
    release,
    know(id: AppId, version: number, types: string[]) {
      processes.set(releaseKey(id, version), types as ProcessType[])
    },
    useStack(name: string | null) {
      stack = name
    },
    setHost(id: string, over: Partial<Host>) {
      const host = hosts.get(id as HostId)
      if (host) hosts.set(host.id, { ...host, ...over })
    },
    /** Lets everybody do their part until nothing changes any more. */
    settle(rounds = 40) {
      for (let round = 0; round < rounds; round++) {
        look()
        agents()
        acknowledge()
        now += 1000
      }
    },
    /** `web.1 v2 run running`, sorted. */
    list: () =>
      [...instances.values()]
        .map(({ desired, reported }) =>
          [processName(desired), `v${desired.release}`, desired.intent, reported?.state ?? 'unheard'].join(' '),
        )
        .sort(),
  }
}

/** What the store makes of a change. */
export function changeTable(table: StoredTable | null, change: RouteChange): StoredTable {
  const { version, changed, removed, tenants } = change
  const apps = new Map((table?.apps ?? []).map((route) => [route.appId, route]))
  for (const id of removed) apps.delete(id)
  for (const route of changed) apps.set(route.appId, route)
  const quotas = Object.entries({ ...table?.tenants, ...tenants }).filter(([, quota]) => quota !== null)
  return {
    version,
    mark: `mark of ${version}`,
    apps: [...apps.values()],
    tenants: Object.fromEntries(quotas) as StoredTable['tenants'],
  }
}
