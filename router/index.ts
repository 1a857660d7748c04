/** The router: carries tenants' traffic to their instances. The only place where its parts are wired. */
import { randomBytes } from 'node:crypto'
import type { AddressInfo, Server } from 'node:net'
import { addressInUse, messageOf } from '#core/domain/errors.ts'
import { makeId, type RouterId } from '#core/domain/ids.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Stoppable } from '#core/runtime/shutdown.ts'
import { connectStore } from '#core/store/connection.ts'
import { recordUsage } from '#core/store/usage.ts'
import type { AppConnection } from './app/connection.ts'
import { Pools } from './app/pools.ts'
import type { ClientConnection } from './client/connection.ts'
import { createListener } from './client/listener.ts'
import { Clock } from './clock.ts'
import { drain } from './drain.ts'
import { Held } from './held.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { RequestQuota } from './quota.ts'
import { startReporting, type Reporter } from './report.ts'
import { Requests } from './request.ts'
import { indexTable } from './table.ts'
import { Usage, type RecordCounters } from './usage.ts'
import { loadFirstTable, watchRoutes } from './watch.ts'

export type Router = Stoppable & { id: RouterId; port: number }

const FLUSH_MS = 1_000

/** @throws ADDRESS_IN_USE */
export async function start(
  config: Pick<Config, 'redisUrl' | 'httpAddress' | 'httpPort'>,
  log: Log,
  limits: Limits = defaultLimits,
): Promise<Router> {
  const id = makeId('r', randomBytes(13)) as RouterId
  const store = connectStore(config.redisUrl)
  const ending = new AbortController()

  let routes = indexTable(await loadFirstTable(store, log))
  let routers = 1
  let draining = false
  let reporter: Reporter | null = null
  const clock = new Clock()
  const pools = new Pools(routes, clock, () => reporter?.reportNow())
  const apps = new Set<AppConnection>()
  const clients = new Set<ClientConnection>()
  const usage = new Usage()
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
    quota: new RequestQuota(),
    routes: () => routes,
    routers: () => routers,
    random: () => Math.random(),
  })
  const server = createListener({ events: requests, clock, limits, draining: () => draining, onMistake, live: clients })
  // One timer for all that can take too long: a timer per request would cost more than the request.
  const sweeping = setInterval(() => {
    const now = clock.sweep()
    for (const client of clients) client.sweep(now)
    for (const app of apps) app.sweep(now)
    pools.sweep(now)
    requests.forwarder.sweep(now)
  }, limits.checkMs)
  try {
    await listen(server, config.httpPort, config.httpAddress)
  } catch (error) {
    clearInterval(sweeping)
    store.disconnect()
    throw error
  }
  const { port } = server.address() as AddressInfo
  // Such as running out of file descriptors: the connections that are open go on.
  server.on('error', (error) => log.error('a connection could not be accepted', { error }))

  reporter = startReporting(store, log, () => ({ id, tableVersion: routes.version, draining: pools.draining() }))
  const reports = reporter
  const watch = watchRoutes({
    store,
    redisUrl: config.redisUrl,
    log,
    current: () => routes.version,
    onTable(table) {
      routes = indexTable(table)
      pools.useRoutes(routes)
      requests.forwarder.useRoutes()
      log.debug('route table swapped', { version: routes.version, apps: table.apps.length })
      reports.reportNow()
    },
    onAnnounced: () => reports.reportNow(),
    onRouters: (count) => (routers = Math.max(1, count)),
  })

  const record: RecordCounters = (changed) => {
    const at = Date.now()
    return recordUsage(
      store,
      changed.map(({ appId, tenantId, counters }) => ({
        subject: `router-${id}-${appId}`,
        tenantId,
        appId,
        at,
        usage: counters,
        ended: false,
      })),
    )
  }
  const settleOpen = () => {
    for (const { call } of clients) if (call) usage.settle(call)
  }
  const couldNotRecord = (error: unknown) =>
    log.warn('usage could not be recorded, keeping it for later', { cause: messageOf(error) })
  const recording = repeat(
    FLUSH_MS,
    async () => {
      settleOpen()
      await usage.flush(record)
    },
    ending.signal,
    couldNotRecord,
  )
  log.info('router listening', { address: config.httpAddress, port, routerId: id, tableVersion: routes.version })

  return {
    id,
    port,
    async stop() {
      draining = true
      await drain(server, clients, limits)
      ending.abort()
      // Without Redis there is nothing to say goodbye to, and waiting for it would outlast whoever stops us.
      if (store.status !== 'ready') store.disconnect()
      clearInterval(sweeping)
      pools.stop()
      await Promise.all([watch.stop(), recording])
      await usage.flush(record).catch(couldNotRecord)
      await reports.stop()
      store.disconnect()
    },
  }
}

function listen(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? addressInUse('BERTH_HTTP_PORT', address, port) : error),
    )
    server.listen({ port, host: address, backlog: 4096 }, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}
