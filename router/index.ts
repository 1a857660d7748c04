/** The router: carries tenants' traffic to their instances. The only place where its parts are wired. */
import { randomBytes } from 'node:crypto'
import { messageOf } from '#core/domain/errors.ts'
import { makeId, type RouterId } from '#core/domain/ids.ts'
import { repeat, sleep } from '#core/runtime/clock.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Stoppable } from '#core/runtime/shutdown.ts'
import { connectStore } from '#core/store/connection.ts'
import { loadRouters } from '#core/store/routes.ts'
import { appendLogLines } from '#core/store/logs.ts'
import { logLeftOut } from './access-log.ts'
import { AppLog } from './app-log.ts'
import type { AppConnection } from './app/connection.ts'
import { Pools } from './app/pools.ts'
import { Certificates } from './certificates.ts'
import type { OpenConnection } from './client/connection.ts'
import { Clock } from './clock.ts'
import { Counters } from './counters.ts'
import { openDoors, type DoorConfig, type Doors } from './doors.ts'
import { drain } from './drain.ts'
import { startHandingOver } from './hand-over.ts'
import { Held } from './held.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { keepMetrics } from './metrics.ts'
import { Clients } from './quota/clients.ts'
import { Guests } from './quota/guests.ts'
import { startLeases } from './quota/lease.ts'
import { Pacer } from './quota/pacer.ts'
import { Quotas } from './quota/quotas.ts'
import { startReporting, type Reporter } from './report.ts'
import { Requests } from './requests.ts'
import { RefusalSampler } from './sampler.ts'
import { trustedFrom } from './trust.ts'
import { Usage } from './usage.ts'
import { loadFirstTable, watchRoutes } from './watch.ts'

export type Router = Stoppable & {
  id: RouterId
  port: number
  httpsPort: number
  stop(leaving?: Leaving): Promise<void>
}

/** How a router goes. */
export type Leaving = {
  /** Others serve on its port, so clients and load balancers need not notice. */
  replaced: boolean
  /** How long it still takes connections, in ms; unless it is replaced, it says meanwhile that it is not ready. */
  settleMs: number
}

/** What a router that is killed has not delivered yet is lost. */
const FLUSH_MS = 250
/** Also the second of which router/app-log.ts speaks. */
const LOG_MS = 1000

/** @throws ADDRESS_IN_USE */
export async function start(
  config: DoorConfig &
    Pick<Config, 'redisUrl' | 'home' | 'domain' | 'certificatesKeyFile' | 'trustedProxies' | 'routerMetricsPort'>,
  log: Log,
  limits: Limits = defaultLimits,
): Promise<Router> {
  const id = makeId('r', randomBytes(13)) as RouterId
  const store = connectStore(config.redisUrl)
  const ending = new AbortController()

  let routes = await loadFirstTable(store, log)
  let httpsPort = config.httpsPort
  let draining = false
  let ready = true
  let reporter: Reporter | null = null
  const clock = new Clock()
  const pools = new Pools(routes, clock, () => reporter?.reportNow())
  const apps = new Set<AppConnection>()
  const clients = new Set<OpenConnection>()
  const counters = new Counters()
  const usage = new Usage(counters)
  const quotas = new Quotas(randomBytes(4).readInt32LE())
  const useQuotas = () => quotas.use((tenant) => routes.quotaOf(tenant), Date.now(), clock.tick())
  useQuotas()
  quotas.setRouters((await loadRouters(store).catch(() => [])).length + 1)
  const guests = new Guests(new Clients(), quotas, clock)
  const refusals = new RefusalSampler()
  const appLog = new AppLog(
    (app, lines, dropped) => appendLogLines(store, app, { writer: id, within: 'life' }, lines, dropped),
    () => Date.now(),
  )
  const trusted = trustedFrom(config.trustedProxies)
  const certificates = new Certificates({
    store,
    redisUrl: config.redisUrl,
    log,
    routerId: id,
    domain: config.domain,
    keyFile: config.certificatesKeyFile,
    now: () => Date.now(),
  })
  await certificates.start()
  const onMistake = (error: unknown) => log.error('a connection failed in the router', { error })
  const requests = new Requests({
    log,
    onMistake,
    logsRequests: log.wants?.('info') ?? true,
    limits,
    clock,
    pools,
    apps,
    usage,
    held: new Held(),
    pacer: new Pacer(quotas, clock),
    quotas,
    guests,
    counters,
    refusals,
    appLog,
    routes: () => routes,
    trusted,
    certificates,
    httpsPort: () => httpsPort,
    ready: () => ready,
    random: () => Math.random(),
  })
  const door = { events: requests, clock, limits, draining: () => draining, onMistake, guests, trusted, live: clients }
  // One timer for all that can take too long: a timer per request would cost more than the request.
  const sweeping = setInterval(() => {
    const now = clock.sweep()
    for (const client of clients) client.sweep(now)
    for (const app of apps) app.sweep(now)
    pools.sweep(now)
    requests.forwarder.sweep(now)
  }, limits.checkMs)
  let doors: Doors
  try {
    doors = await openDoors(config, certificates, door, log)
    httpsPort = doors.httpsPort
  } catch (error) {
    clearInterval(sweeping)
    await certificates.stop()
    store.disconnect()
    throw error
  }

  reporter = startReporting(store, log, () => ({ id, tableVersion: routes.version, draining: pools.draining() }))
  const reports = reporter
  const watch = watchRoutes({
    store,
    redisUrl: config.redisUrl,
    log,
    routes,
    onTable(table) {
      routes = table
      pools.useRoutes(routes)
      useQuotas()
      requests.forwarder.useRoutes()
      log.debug('route table changed', { version: routes.version, apps: routes.size })
      reports.reportNow()
    },
    onAnnounced: () => reports.reportNow(),
    onRouters: (count) => quotas.setRouters(count),
  })

  const leases = startLeases({ quotas, store, router: id, log, now: () => clock.tick() })

  const handOver = startHandingOver({ store, router: id, home: config.home, log, usage, pools, routes: () => routes })
  const settleOpen = () => {
    for (const client of clients) client.eachCall((call) => usage.settle(call))
    counters.connections = clients.size
    counters.logLinesDropped = appLog.dropped
    logLeftOut(log, refusals.silent(clock.tick()))
  }
  const recording = repeat(
    FLUSH_MS,
    async () => {
      settleOpen()
      await handOver.step()
    },
    ending.signal,
    handOver.onFailure,
  )
  const logging = repeat(
    LOG_MS,
    async () => {
      appLog.turn()
      // Waiting for a Redis that is away would only make more wait.
      if (store.status === 'ready') await appLog.flush()
    },
    ending.signal,
    (error) => log.debug('requests not logged yet', { cause: messageOf(error) }),
  )
  const metrics = keepMetrics(config.routerMetricsPort, counters, log, ending.signal)
  log.info('router listening', {
    address: config.httpAddress,
    port: doors.httpPort,
    httpsPort: doors.httpsPort,
    routerId: id,
    tableVersion: routes.version,
  })

  return {
    id,
    port: doors.httpPort,
    httpsPort: doors.httpsPort,
    async stop({ replaced, settleMs }: Leaving = { replaced: false, settleMs: 0 }) {
      ready = replaced
      // Until it stops accepting, a router that others stand in for serves as ever: its clients' next requests are welcome.
      draining = !replaced
      await sleep(settleMs)
      draining = true
      await drain(doors, clients, limits)
      ending.abort()
      // Without Redis there is nothing to say goodbye to, and waiting for it would outlast whoever stops us.
      if (store.status !== 'ready') store.disconnect()
      clearInterval(sweeping)
      pools.stop()
      await Promise.all([watch.stop(), recording, logging, metrics])
      await appLog.flush().catch((error: unknown) => log.debug('requests not logged', { cause: messageOf(error) }))
      await handOver.last()
      await leases.stop()
      await certificates.stop()
      await reports.stop()
      store.disconnect()
    },
  }
}
