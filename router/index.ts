/** The router: carries tenants' traffic to their instances. The only place where its parts are wired. */
import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { addressInUse, messageOf } from '#core/domain/errors.ts'
import { makeId, type RouterId } from '#core/domain/ids.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Stoppable } from '#core/runtime/shutdown.ts'
import { connectStore } from '#core/store/connection.ts'
import { recordUsage, type UsageSample } from '#core/store/usage.ts'
import { logLeftOut } from './access-log.ts'
import { Counters } from './counters.ts'
import { drain } from './drain.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { Clients } from './quota/clients.ts'
import { startLeases } from './quota/lease.ts'
import { Quotas } from './quota/quotas.ts'
import { startReporting, type Reporter } from './report.ts'
import { serveMetrics, type MetricsPage } from './metrics.ts'
import { serve, type RequestContext } from './request.ts'
import { RefusalSampler } from './sampler.ts'
import { createDoor } from './server.ts'
import { indexTable } from './table.ts'
import { Upstreams } from './upstream.ts'
import { Usage, type RecordCounters, type Used } from './usage.ts'
import { openUsageSpool } from './usage-spool.ts'
import { loadFirstTable, watchRoutes } from './watch.ts'

export type Router = Stoppable & { id: RouterId; port: number }

/** What a router that is killed has not delivered yet is lost. */
const FLUSH_MS = 250

/** @throws ADDRESS_IN_USE */
export async function start(
  config: Pick<Config, 'redisUrl' | 'httpAddress' | 'httpPort'> & Partial<Pick<Config, 'home' | 'routerMetricsPort'>>,
  log: Log,
  limits: Limits = defaultLimits,
): Promise<Router> {
  const id = makeId('r', randomBytes(13)) as RouterId
  const store = connectStore(config.redisUrl)
  const ending = new AbortController()

  let routes = indexTable(await loadFirstTable(store, log))
  let draining = false
  let reporter: Reporter | null = null
  const upstreams = new Upstreams(limits, routes, () => reporter?.reportNow())
  const counters = new Counters()
  const usage = new Usage(counters)
  const tunnels = new Set<Duplex>()
  const now = () => performance.now()
  const quotas = new Quotas(randomBytes(4).readInt32LE())
  quotas.use((tenant) => routes.quotaOf(tenant), Date.now(), now())
  const refusals = new RefusalSampler()
  const context: RequestContext = {
    log,
    limits,
    upstreams,
    usage,
    tunnels,
    quotas,
    clients: new Clients(),
    counters,
    refusals,
    routes: () => routes,
    draining: () => draining,
    now,
    random: () => Math.random(),
  }
  const door = createDoor(limits, (incoming) => serve(incoming, context), context)
  try {
    await listen(door.server, config.httpPort, config.httpAddress)
  } catch (error) {
    store.disconnect()
    throw error
  }
  const { port } = door.server.address() as AddressInfo
  // Such as running out of file descriptors: the connections that are open go on.
  door.server.on('error', (error) => log.error('a connection could not be accepted', { error }))

  reporter = startReporting(store, log, () => ({ id, tableVersion: routes.version, draining: upstreams.draining() }))
  const reports = reporter
  const watch = watchRoutes({
    store,
    redisUrl: config.redisUrl,
    log,
    current: () => routes.version,
    onTable(table) {
      routes = indexTable(table)
      upstreams.useRoutes(routes)
      quotas.use((tenant) => routes.quotaOf(tenant), Date.now(), now())
      log.debug('route table swapped', { version: routes.version, apps: table.apps.length })
      reports.reportNow()
    },
    onAnnounced: () => reports.reportNow(),
    onRouters: (count) => quotas.setRouters(count),
  })

  const leases = startLeases({ quotas, store, router: id, log, now })

  let recorded = true
  const couldNotRecord = (error: unknown) => {
    if (recorded) log.warn('usage could not be recorded, keeping it for later', { cause: messageOf(error) })
    recorded = false
  }
  const spool = config.home === undefined ? null : openUsageSpool(join(config.home, 'router'), id, log)
  const record: RecordCounters = async (changed) => {
    const samples = samplesOf(id, changed, Date.now())
    try {
      // Waiting for a Redis that is away would leave what comes meanwhile unkept.
      if (store.status !== 'ready') throw new Error('Redis is not connected')
      await recordUsage(store, samples)
      spool?.clear()
      recorded = true
    } catch (error) {
      spool?.keep(samples)
      throw error
    }
  }
  const adoption = spool?.adopt((samples) => recordUsage(store, samples)).catch(couldNotRecord)
  const settleOpen = () => {
    for (const { current } of door.connections.values()) if (current) usage.settle(current)
    counters.connections = door.connections.size
    logLeftOut(log, refusals.silent(now()))
  }
  const recording = repeat(
    FLUSH_MS,
    async () => {
      settleOpen()
      await usage.flush(record)
    },
    ending.signal,
    couldNotRecord,
  )
  const metrics = await openMetrics(config.routerMetricsPort ?? null, counters, log)
  log.info('router listening', { address: config.httpAddress, port, routerId: id, tableVersion: routes.version })

  return {
    id,
    port,
    async stop() {
      draining = true
      await drain(door, tunnels, limits)
      ending.abort()
      // Without Redis there is nothing to say goodbye to, and waiting for it would outlast whoever stops us.
      if (store.status !== 'ready') store.disconnect()
      await Promise.all([watch.stop(), recording, adoption, upstreams.stop()])
      await usage.flush(record).catch(couldNotRecord)
      await leases.stop()
      await reports.stop()
      metrics?.close()
      store.disconnect()
    },
  }
}

const samplesOf = (router: RouterId, changed: Used[], at: number): UsageSample[] =>
  changed.map(({ appId, tenantId, counters }) => ({
    subject: `router-${router}-${appId}`,
    tenantId,
    appId,
    at,
    usage: counters,
    ended: false,
  }))

/** Requests are served even where another process has the port. */
async function openMetrics(port: number | null, counters: Counters, log: Log): Promise<MetricsPage | null> {
  if (port === null) return null
  try {
    return await serveMetrics(port, counters, log)
  } catch (error) {
    log.warn('figures for Prometheus are not served', { port, cause: messageOf(error) })
    return null
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
