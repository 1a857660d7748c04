/**
 * The controller's engine on a real Redis. Agents and routers are other processes; here they are scripts that keep the
 * contract of core/store: they take jobs from real queues, report states, load tables and acknowledge them.
 */
import { randomBytes } from 'node:crypto'
import { Worker } from 'bullmq'
import { order, signedOrder } from '#core/contract/jobs.ts'
import { queueName } from '#core/domain/host.ts'
import { makeSigningKey, readSigningKey } from '#core/runtime/signing.ts'
import { parse } from '#core/contract/schema.ts'
import type { App } from '#core/domain/app.ts'
import { makeId, type AppId, type AppName, type DeployId, type HostId, type InstanceId } from '#core/domain/ids.ts'
import { nextState, processName, type Instance, type InstanceEvent, type Reported } from '#core/domain/instance.ts'
import { emptyManifest, type Manifest } from '#core/domain/manifest.ts'
import type { Deploy } from '#core/domain/release.ts'
import { readConfig } from '#core/runtime/config.ts'
import { sleep } from '#core/runtime/clock.ts'
import { silentLog } from '#core/runtime/log.ts'
import { createApp, loadApp, nextAppNumber, setFormation } from '#core/store/apps.ts'
import { connectPatient, connectStore, subscribe, type Store } from '#core/store/connection.ts'
import { loadAssignedBuilds, loadDeploy, readDeployLog, reportBuild } from '#core/store/deploys.ts'
import { heartbeat } from '#core/store/hosts.ts'
import { loadAssigned, loadInstance, reportInstance } from '#core/store/instances.ts'
import { loadPromises } from '#core/store/promises.ts'
import { loadRoutes, removeRouter, reportRouter } from '#core/store/routes.ts'
import { createDeploys, type DeployRequest, type Deploys } from '../../../../controller/deploy/deploy.ts'
import { beginFallback } from '../../../../controller/deploy/fallback.ts'
import { openQueues, type HostQueues } from '../../../../controller/queues.ts'
import { startReconciler, type Reconciler } from '../../../../controller/reconcile/loop.ts'
import { createSealer } from '../../../../controller/secrets.ts'
import { createTurns } from '../../../../controller/turns.ts'
import { aHost, aSlug, formation, tenant } from '../../../helpers/cluster.ts'
import { startRedis, type TestRedis } from '../../../helpers/redis.ts'

/** How apps of a test behave. */
export type Behaviour = {
  processes: Record<string, string>
  manifest: Manifest
  build: 'works' | 'fails' | 'hangs'
  start: 'works' | 'fails'
  /** What becomes of commands that run once. */
  once: 'works' | 'fails' | 'hangs'
}

export type Engine = Awaited<ReturnType<typeof startEngine>>
export type Controller = { deploys: Deploys; reconciler: Reconciler; queues: HostQueues; stop(): Promise<void> }
export type Agent = {
  id: HostId
  stop(): Promise<void>
  /** As a power cut: nothing is said any more. */ vanish(): Promise<void>
}

/** @param redis ends with the engine */
export async function startEngine(start: () => Promise<TestRedis> = startRedis) {
  const redis = await start()
  const config = { ...readConfig({ BERTH_REDIS_URL: redis.url }), domain: 'test.local' }
  const store = connectStore(redis.url)
  const sealer = createSealer(randomBytes(32))
  const behaviour: Behaviour = {
    processes: { web: 'node web.js' },
    manifest: emptyManifest,
    build: 'works',
    start: 'works',
    once: 'works',
  }
  const stops: (() => Promise<void>)[] = []
  const agents = new Map<string, Agent>()

  function startController(): Controller {
    const own = connectStore(redis.url)
    const queues = openQueues(redis.url, readSigningKey(makeSigningKey()))
    const shared = {
      store: own,
      config,
      log: silentLog,
      queues,
      sealer,
      turns: createTurns(),
      random: randomBytes,
      now: Date.now,
    }
    // The two need each other: the reconciler hands over open deploys, a deploy wakes the reconciler.
    const wake = () => reconciler.wake()
    const deploys = createDeploys({ ...shared, wake })
    const reconciler = startReconciler({
      ...shared,
      fallBack: (app, fallback) => beginFallback({ ...shared, wake }, deploys, app, fallback),
      onLeader: () => deploys.resumeOpen(),
    })
    let stopped = false
    const stop = async () => {
      if (stopped) return
      stopped = true
      await Promise.all([deploys.stop(), reconciler.stop()])
      await queues.stop()
      own.disconnect()
    }
    stops.push(stop)
    return { deploys, reconciler, queues, stop }
  }

  async function startAgent(name: string): Promise<Agent> {
    const agent = await runAgent(redis.url, store, name, behaviour)
    agents.set(agent.id, agent)
    stops.push(() => agent.stop())
    return agent
  }

  function startRouter(id = 'r-one'): { stop(): Promise<void> } {
    const router = runRouter(redis.url, store, id)
    stops.push(() => router.stop())
    return router
  }

  return {
    redis,
    store,
    config,
    sealer,
    behaviour,
    startController,
    startAgent,
    startRouter,
    async vanish(host: string): Promise<void> {
      await agents.get(host)?.vanish()
    },
    async createApp(name: string): Promise<App> {
      const number = await nextAppNumber(store)
      const id = makeId('a', randomBytes(13)) as AppId
      const record = {
        id,
        name: name as AppName,
        tenantId: tenant,
        uidBase: 100_000 + number * 2048,
        createdAt: Date.now(),
      }
      await createApp(store, record, await loadPromises(store, tenant))
      return this.app(id)
    },
    async setFormation(app: App, counts: Record<string, number>, memoryMb?: number): Promise<void> {
      await setFormation(store, app, formation(counts, memoryMb), await loadPromises(store, tenant))
    },
    async app(id: AppId): Promise<App> {
      const app = await loadApp(store, id)
      if (!app) throw new Error(`app ${id} is gone`)
      return app
    },
    async deploy(id: DeployId): Promise<Deploy> {
      const deploy = await loadDeploy(store, id)
      if (!deploy) throw new Error(`deploy ${id} is gone`)
      return deploy
    },
    async log(id: DeployId): Promise<string> {
      return (await readDeployLog(store, id, '0')).lines.join('\n')
    },
    async stop() {
      for (const stop of stops.reverse()) await stop()
      store.disconnect()
      await redis.stop()
    },
  }
}

export const aPush = (app: App, over: Partial<DeployRequest> = {}): DeployRequest => ({
  app,
  kind: 'push',
  actor: 'tester',
  description: 'Deploy abc',
  commit: 'abc',
  source: '0'.repeat(64),
  fromRelease: null,
  config: null,
  ...over,
})

/** Asks until the answer is truthy. */
export async function until<T>(
  what: string,
  ask: () => Promise<T>,
  timeoutMs = 20_000,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer) return answer as Exclude<T, false | null | undefined>
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs} ms`)
    await sleep(20)
  }
}

async function runAgent(url: string, store: Store, name: string, behaviour: Behaviour): Promise<Agent> {
  const host = name as HostId
  const leaving = new AbortController()
  const connection = connectPatient(url)

  async function become(id: InstanceId, event: InstanceEvent, facts: Partial<Reported> = {}): Promise<void> {
    const instance = await loadInstance(store, id)
    const before = instance?.reported
    const state = nextState(before?.state ?? 'pending', event)
    if (!instance || !state || leaving.signal.aborted) return
    const blank: Omit<Reported, 'state' | 'epoch'> = {
      address: null,
      reason: null,
      detail: null,
      exitCode: null,
      restarts: 0,
      since: Date.now(),
      startedMs: 1,
      readyMs: null,
      applied: null,
    }
    await reportInstance(store, host, id, { ...blank, ...before, ...facts, state, epoch: instance.desired.epoch })
  }

  async function ensure(id: InstanceId): Promise<void> {
    const instance = await loadInstance(store, id)
    if (!instance || instance.desired.hostId !== host) return
    const state = instance.reported?.state ?? 'pending'
    if (instance.desired.intent === 'stop') {
      if (instance.desired.once) return become(id, 'ended', { reason: 'stopped', detail: 'was stopped.' })
      await become(id, 'drain')
      if (state !== 'pending' && state !== 'failed') await become(id, 'exited', { address: null })
      return
    }
    if (state === 'running' && instance.reported && instance.reported.epoch < instance.desired.epoch)
      return apply(instance, instance.reported)
    if (state !== 'pending') return
    await become(id, 'claimed')
    if (instance.desired.once) return runOnce(id)
    if (behaviour.start === 'works')
      return become(id, 'ready', { address: { host: '10.0.0.1', port: 5000 }, readyMs: 12 })
    const detail = `${processName(instance.desired)} exited with code 1 before it was ready.`
    await become(id, 'gaveUp', { detail, exitCode: 1 })
  }

  async function runOnce(id: InstanceId): Promise<void> {
    await become(id, 'ready')
    if (behaviour.once === 'hangs') return
    const [reason, exitCode] = behaviour.once === 'works' ? (['completed', 0] as const) : (['exited', 3] as const)
    await become(id, 'ended', { reason, exitCode, detail: `exited with code ${exitCode}.` })
  }

  /** Other limits, or a freeze, without a restart. */
  async function apply({ desired }: Instance, reported: Reported): Promise<void> {
    const { memoryMb, cpuMilli } = desired.size
    const applied = { memoryMb, cpuMilli, paused: desired.paused }
    await reportInstance(store, host, desired.id, { ...reported, epoch: desired.epoch, applied })
  }

  async function build(id: DeployId): Promise<void> {
    const deploy = await loadDeploy(store, id)
    if (deploy?.buildHost !== host || deploy.state !== 'building') return
    const at = Date.now()
    const epoch = deploy.buildEpoch
    if (!(await reportBuild(store, host, id, { epoch, state: 'running', at })) || behaviour.build === 'hangs') return
    if (behaviour.build === 'fails') {
      await reportBuild(store, host, id, { epoch, state: 'failed', at, error: 'npm install failed.' })
    } else {
      await reportBuild(store, host, id, {
        epoch,
        state: 'succeeded',
        at,
        slug: aSlug(behaviour.processes),
        manifest: behaviour.manifest,
      })
    }
  }

  async function sync(): Promise<void> {
    for (const { desired } of await loadAssigned(store, host)) await ensure(desired.id)
    for (const { id } of await loadAssignedBuilds(store, host)) await build(id)
  }

  const { live: _live, cordoned: _cordoned, ...report } = aHost(name)
  await heartbeat(store, report)
  const repeatedly = async (ms: number, work: () => Promise<void>) => {
    while (!leaving.signal.aborted) {
      await sleep(ms, leaving.signal)
      if (!leaving.signal.aborted) await work().catch(() => {})
    }
  }
  const loops = [repeatedly(1000, () => heartbeat(store, report)), repeatedly(2000, sync)]
  const worker = new Worker(
    queueName(host),
    async ({ data }) => {
      const work = parse(order, JSON.parse(parse(signedOrder, data).order)).job
      if (work.kind === 'instance') await ensure(work.instanceId)
      if (work.kind === 'build') await build(work.deployId)
    },
    { connection, concurrency: 8 },
  )
  worker.on('error', () => {})
  let stopped: Promise<void> | null = null
  const stop = () =>
    (stopped ??= (async () => {
      leaving.abort()
      await worker.close(true)
      connection.disconnect()
      await Promise.all(loops)
    })())
  return {
    id: host,
    stop,
    async vanish() {
      await stop()
      // The lease lapses at once instead of after 15 s, so that the test does not wait for it.
      await store.del(`berth:host:${host}:lease`)
    },
  }
}

function runRouter(url: string, store: Store, id: string): { stop(): Promise<void> } {
  const leaving = new AbortController()
  const acknowledge = async () => {
    const table = await loadRoutes(store)
    if (!leaving.signal.aborted)
      await reportRouter(store, { id, tableVersion: table?.version ?? 0, draining: {} }, true)
  }
  const quietly = () => void acknowledge().catch(() => {})
  const subscription = subscribe(url, ['routes'], quietly)
  const beats = setInterval(quietly, 1000)
  return {
    async stop() {
      leaving.abort()
      clearInterval(beats)
      await subscription.stop()
      await removeRouter(store, id).catch(() => {})
    },
  }
}
