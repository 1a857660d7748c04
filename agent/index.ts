/** The agent: makes this machine a host. Everything is wired here. */
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { AppId, DeployId, InstanceId, LayerDigest } from '#core/domain/ids.ts'
import { processName, type Instance } from '#core/domain/instance.ts'
import { isOver } from '#core/domain/release.ts'
import { isDebianRuntime, type RuntimeRef } from '#core/domain/slug.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import { expose, type Exposition } from '#core/runtime/metrics.ts'
import type { Stoppable } from '#core/runtime/shutdown.ts'
import { loadApp } from '#core/store/apps.ts'
import { isRestored } from '#core/store/copy.ts'
import { connectStore } from '#core/store/connection.ts'
import { appendEvent } from '#core/store/events.ts'
import { appendDeployLog, loadAssignedBuilds, loadDeploy, reportBuild } from '#core/store/deploys.ts'
import { loadAssigned, loadInstance, reportInstance } from '#core/store/instances.ts'
import { reportLayers } from '#core/store/layers.ts'
import { appendBuildLines, appendLogLines, appendLogs } from '#core/store/logs.ts'
import { appendStackLog, loadStack, loadStacks, reportStack } from '#core/store/stacks.ts'
import { beAdmitted } from './admission.ts'
import { createBuilds } from './builds.ts'
import { collectCaches } from './builds/cache.ts'
import { sweepBuilds } from './builds/sweep.ts'
import { createControllerClient } from './controller-client.ts'
import { keepDiagnosing } from './doctor/report.ts'
import { capacityOf, certificateEnv, mirrorsOf, openHost, platformNetworks, startHeartbeat } from './host.ts'
import { openIdentity } from './identity/index.ts'
import { createCapWatch } from './instance/caps.ts'
import { createInside } from './instance/inside.ts'
import { openRecords, type InstanceRecord } from './instance/record.ts'
import { recover } from './instance/recover.ts'
import { openSession } from './instance/session.ts'
import { isSound } from './instance/sound.ts'
import { createSupervisor } from './instance/supervisor.ts'
import { collectMachineStore, markRuntimes } from './machine-store/index.ts'
import { startMeter } from './metering.ts'
import { agentMetrics } from './metrics.ts'
import { createOrders } from './orders.ts'
import { orphansToEnd } from './orphans.ts'
import { createOutbox } from './outbox.ts'
import { createSayings } from './sayings.ts'
import { preparePlatform } from './platform.ts'
import { APP_PORT, openPlaces } from './ports.ts'
import { openPreparations } from './prepared.ts'
import { openRuntimes } from './runtimes/index.ts'
import { ensurePlatformNode } from './runtimes/npm.ts'
import { holdTenant } from './sandbox/index.ts'
import { linkOf } from './sandbox/link.ts'
import { ensureRuleset, loadRuleset, sweepLinks } from './sandbox/network.ts'
import type { OpenLink } from './sandbox/ruleset.ts'
import { openLayers } from './slug.ts'
import { createStackBuilds, isMade } from './stack-build.ts'
import { openStacks } from './stacks.ts'
import { startWorker } from './worker.ts'

const SYNC_EVERY_MS = 10_000
const COLLECT_CACHES_EVERY_MS = 3600_000

export async function start(settings: Config, log: Log): Promise<Stoppable> {
  const now = () => Date.now()
  const stopping = new AbortController()
  // Before the stack image is made, which may take longer than a join token lasts.
  const identity = await openIdentity({ config: settings, log, now })
  const controller = createControllerClient(identity)
  const { redisUrl, key } = await beAdmitted({ config: settings, controller, log })
  const config = { ...settings, redisUrl }
  const store = connectStore(redisUrl)
  const { host, folders, stack, resolvers } = await openHost(config, log)
  const { slot } = host

  const npm = { cacheDir: config.cache, npmRegistry: config.npmRegistry, log }
  const debian = {
    cacheDir: config.cache,
    folder: join(folders.runtimes, 'preparing'),
    slot,
    mirrors: mirrorsOf(config),
    log,
  }
  const runtimes = await openRuntimes(npm, debian, { folder: folders.runtimes, now })
  const layers = openLayers(folders.layers, controller, log, config.layerCacheMb * 1024 ** 2)
  const stacks = await openStacks({
    own: { ...stack, root: host.rootPath },
    layers,
    find: (name) => loadStack(store, name),
  })
  const meter = startMeter({ store, log, hostId: config.hostId, host, folders, now })
  const records = await openRecords(join(folders.run, 'instances'))

  await sweepBuilds({ host, folders, meter, log })
  const recovered = await recover({ host, records, meter, log })
  const running = recovered.flatMap(({ sandbox }) => (sandbox ? [sandbox] : []))
  const places = openPlaces(
    folders.agent,
    running.map(({ index }) => index),
  )
  const rules = {
    slot,
    appPort: APP_PORT,
    resolvers,
    platform: await platformNetworks(config),
    published: config.hostAddress,
    routers: config.routers,
  }
  await loadRuleset(rules, openLinks(slot, recovered))
  await sweepLinks(slot, new Set(running.map(({ index }) => index)))
  const preparations = await openPreparations({ host, places, log }, folders.prepared)

  const outbox = createOutbox({
    log,
    append: (app, origin, lines, dropped) => appendLogLines(store, app, origin, lines, dropped),
  })
  const sayings = createSayings({ log, append: (app, lines) => appendLogs(store, app, lines) })
  const supervisor = createSupervisor({
    log,
    hostId: config.hostId,
    host,
    hostAddress: config.hostAddress,
    bootTimeoutMs: config.bootTimeoutMs,
    controller,
    layers,
    stacks,
    runtimes,
    places,
    preparations,
    records,
    meter,
    baseEnv: { HOME: '/app', LANG: 'C.UTF-8', ...certificateEnv },
    report: (id, reported) => reportInstance(store, config.hostId, id, reported),
    print: (deploy, lines) => appendDeployLog(store, deploy, lines),
    openSession: (id, signal) => openSession(identity, id, signal),
    emit: (app, event) => appendEvent(store, app, event),
    hold: (tenant, share) => holdTenant(slot, tenant, share),
    appendLog: (app, desired, lines) =>
      sayings.say(
        app,
        lines.map(({ at, source, line }) => ({ at, source, ps: processName(desired), line })),
      ),
    store: (output) => outbox.store(output),
    now,
  })
  for (const record of recovered) supervisor.adopt(record)
  const caps = createCapWatch({ slot, log, supervisor, now })

  const platformNode = await ensurePlatformNode(npm)
  await preparePlatform(folders.platform, config.cache, platformNode)
  /** To whoever watches the deploy, and to the app's log. */
  const appsOfBuilds = new Map<DeployId, AppId>()
  async function printBuild(deploy: DeployId, lines: string[]): Promise<void> {
    await appendDeployLog(store, deploy, lines)
    const app = appsOfBuilds.get(deploy)
    if (app) await appendBuildLines(store, app, lines, now())
  }

  const builds = createBuilds({
    log,
    config,
    host,
    folder: folders.builds,
    cacheFolder: folders.caches,
    platformBinds: [
      { source: folders.platform, target: '/berth', readOnly: true },
      { source: platformNode, target: '/opt/berth-node', readOnly: true },
    ],
    stacks,
    baseEnv: { LANG: 'C.UTF-8', ...certificateEnv },
    controller,
    layers,
    runtimes,
    places,
    preparations,
    meter,
    print: printBuild,
    report: (deploy, report) => reportBuild(store, config.hostId, deploy, report),
    now,
  })

  const stackBuilds = createStackBuilds({
    log,
    folder: join(folders.builds, 'stacks'),
    mirrors: mirrorsOf(config),
    stacks,
    layers,
    find: (name) => loadStack(store, name),
    print: (name, line) => appendStackLog(store, name, line),
    report: (name, report) => reportStack(store, config.hostId, name, report),
    now,
  })

  function ensure({ desired, reported }: Instance): void {
    if (isSound(desired, config.hostId)) supervisor.ensure(desired, reported)
    else log.error('desired state that no controller writes is ignored', { instance: desired.id })
  }

  async function ensureInstance(id: InstanceId): Promise<void> {
    const instance = await loadInstance(store, id)
    if (instance?.desired.hostId === config.hostId) ensure(instance)
  }

  async function ensureBuild(id: DeployId): Promise<void> {
    const deploy = await loadDeploy(store, id)
    const app = deploy && (await loadApp(store, deploy.appId))
    if (!app || deploy.buildHost !== config.hostId || deploy.state !== 'building') {
      appsOfBuilds.delete(id)
      return builds.drop(id)
    }
    appsOfBuilds.set(id, app.id)
    builds.ensure(deploy, app.tenantId)
  }

  async function ensureStack(name: string): Promise<void> {
    const known = await loadStack(store, name)
    if (known?.host === config.hostId) stackBuilds.ensure(known)
  }

  /** What is assigned and what runs here are made the same, whatever job was lost. */
  let unwanted = new Set<InstanceId>()
  async function sync(): Promise<void> {
    if (await ensureRuleset(rules, openLinks(slot, supervisor.inUse())))
      log.warn('network rules were gone and are loaded again: something on this host has flushed them')
    await caps.look()
    const assigned = await loadAssigned(store, config.hostId)
    assigned.forEach(ensure)
    const wanted = new Set(assigned.map(({ desired }) => desired.id))
    const orphans = supervisor.ids().filter((id) => !wanted.has(id))
    const isHeld = orphans.length > 0 && (await isRestored(store))
    for (const id of orphansToEnd(orphans, unwanted, isHeld)) supervisor.discard(id)
    unwanted = new Set(orphans)
    const assignedBuilds = await loadAssignedBuilds(store, config.hostId)
    builds.retain(assignedBuilds.filter((deploy) => deploy.buildHost === config.hostId && !isOver(deploy)))
    for (const { id } of assignedBuilds) await ensureBuild(id)
    await supervisor.settle()
    const known = await loadStacks(store)
    const orders = known.filter((stack) => stack.host === config.hostId && !isMade(stack))
    for (const order of orders) stackBuilds.ensure(order)
    // A build, of an app or of a stack, mounts what no instance may be using.
    if (assignedBuilds.length === 0 && orders.length === 0) {
      await runtimes.collect(await runtimesInUse())
      await layers.collect(await neededLayers())
    }
    await stacks.look(known)
    await tellLayers(await layers.stored())
  }

  /** For people who ask what is where; said again only when it has changed. */
  let toldLayers = ''
  async function tellLayers(stored: Record<LayerDigest, number>): Promise<void> {
    const text = JSON.stringify(stored)
    if (text !== toldLayers) await reportLayers(store, config.hostId, stored)
    toldLayers = text
  }

  async function collectOldCaches(): Promise<void> {
    const removed = await collectCaches(folders.caches, {
      isThere: async (id) => (await loadApp(store, id as AppId)) !== null,
      isBuilding: (id) => builds.isBuilding(id as AppId),
      now: now(),
    })
    if (removed.length > 0) log.info('caches removed', { apps: removed })
  }

  /** What of the machine's store nobody uses any more, of this Berth or of another. */
  async function collectStore(): Promise<void> {
    await markRuntimes(
      config.cache,
      supervisor.inUse().flatMap(({ launch }) => launch?.slug.runtimes ?? []),
    )
    const built = (await loadStacks(store)).flatMap(({ report }) => (report?.state === 'built' ? [report.digest] : []))
    const removed = await collectMachineStore(config.cache, [stack.name, ...built], now())
    if (removed.length > 0) log.info('runtimes and stack images removed: unused for long', { removed })
  }

  async function neededLayers(): Promise<Set<LayerDigest>> {
    const inUse = supervisor.inUse()
    const slugs = inUse.flatMap(({ launch }) => launch?.slug.layers.map(({ digest }) => digest) ?? [])
    const roots = await stacks.layersOf(inUse.map(({ desired }) => desired.stack))
    return new Set([...slugs, ...roots])
  }

  async function runtimesInUse(): Promise<{ root: string; refs: RuntimeRef[] }[]> {
    const inUse = supervisor
      .inUse()
      .filter(({ launch }) => launch?.slug.runtimes.some(({ name }) => isDebianRuntime(name)))
    const found = await Promise.all(
      inUse.map(async ({ desired, launch }) => {
        // What runs on a destroyed stack keeps what it has.
        const root = await stacks.rootOf(desired.stack, stopping.signal).catch(() => null)
        return root === null ? [] : [{ root, refs: launch?.slug.runtimes ?? [] }]
      }),
    )
    return found.flat()
  }

  await sync()
  const orders = createOrders({ hostId: config.hostId, key, log, now })
  const heart = await startHeartbeat({
    store,
    log,
    config,
    stack: stack.name,
    stacks: () => stacks.present(),
    refusedJobs: () => orders.refused(),
    capacity: await capacityOf(config),
    now,
  })
  const syncs = repeat(SYNC_EVERY_MS, sync, stopping.signal, (error) => log.warn('sync failed', { error }))
  const collecting = repeat(
    COLLECT_CACHES_EVERY_MS,
    async () => {
      await collectOldCaches()
      await collectStore()
    },
    stopping.signal,
    (error) => log.warn('caches and runtimes not collected', { error }),
  )
  const inside = createInside({ door: identity, host, supervisor, log })
  void keepDiagnosing({ store, config, log, now }, stopping.signal)
  const worker = startWorker({
    redisUrl,
    hostId: config.hostId,
    orders,
    log,
    handlers: {
      instance: ensureInstance,
      build: ensureBuild,
      stack: ensureStack,
      // It lasts as long as somebody is there; the queue does not wait for it.
      session: (session, id) => Promise.resolve(void inside.attend(session, id)),
    },
  })
  const health = await listen(config, log, () => expose(agentMetrics(meter, outbox, orders)))
  log.info('agent ready', {
    host: config.hostId,
    slot,
    stack: stack.name,
    adopted: running.length,
    pid: process.pid,
    tookMs: Math.round(performance.now()),
  })

  return {
    async stop() {
      stopping.abort()
      health.close()
      await worker.stop()
      await heart.stop()
      await syncs
      await collecting
      await builds.stop()
      await stackBuilds.stop()
      await inside.stop()
      await supervisor.stop()
      outbox.stop()
      sayings.stop()
      await runtimes.stop()
      await preparations.stop()
      await meter.stop()
      await identity.stop()
      store.disconnect()
    },
  }
}

/** What of the sandboxes that run the network's rules have to hold. */
const openLinks = (slot: number, records: InstanceRecord[]): OpenLink[] =>
  records.flatMap(({ desired: { tenantId, share, ceilings }, sandbox }) =>
    sandbox === null
      ? []
      : [{ link: linkOf(slot, sandbox.index), tenantId, egress: share.egress, ceilings, published: sandbox.published }],
  )

/** `GET /healthz` for supervisors and `GET /metrics` for Prometheus, on this host only. */
function listen(config: Config, log: Log, metrics: () => Promise<Exposition>): Promise<{ close(): void }> {
  const pages: Record<string, () => Promise<Exposition>> = {
    '/healthz': () => Promise.resolve({ contentType: 'application/json', text: '{"ok":true}\n' }),
    '/metrics': metrics,
  }
  const server = createServer((request, response) => {
    const page = request.method === 'GET' ? pages[request.url ?? ''] : undefined
    if (!page) return void response.writeHead(404, { 'content-type': 'application/json' }).end('{}\n')
    page().then(
      ({ contentType, text }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      (error: unknown) => {
        log.error('page not made', { page: request.url, error })
        response.writeHead(500).end()
      },
    )
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(
              `BERTH_AGENT_PORT ${config.agentPort} on 127.0.0.1 is in use by another program. Stop it, or set another port.`,
            )
          : error,
      )
    })
    server.listen(config.agentPort, '127.0.0.1', () => {
      log.debug('listening', { port: config.agentPort })
      resolve({ close: () => server.close() })
    })
  })
}
