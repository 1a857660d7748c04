/** The router: carries tenants' traffic to their instances. The only place where its parts are wired. */
import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { addressInUse, messageOf } from '#core/domain/errors.ts'
import { makeId, type RouterId } from '#core/domain/ids.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Stoppable } from '#core/runtime/shutdown.ts'
import { connectStore } from '#core/store/connection.ts'
import { recordUsage } from '#core/store/usage.ts'
import { drain } from './drain.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { RequestQuota } from './quota.ts'
import { startReporting, type Reporter } from './report.ts'
import { serve, type RequestContext } from './request.ts'
import { createDoor } from './server.ts'
import { Upstreams } from './upstream.ts'
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

  let routes = await loadFirstTable(store, log)
  let routers = 1
  let draining = false
  let reporter: Reporter | null = null
  const upstreams = new Upstreams(limits, routes, () => reporter?.reportNow())
  const usage = new Usage()
  const tunnels = new Set<Duplex>()
  const context: RequestContext = {
    log,
    limits,
    upstreams,
    usage,
    tunnels,
    quota: new RequestQuota(),
    routes: () => routes,
    routers: () => routers,
    draining: () => draining,
    now: () => performance.now(),
    random: () => Math.random(),
  }
  const door = createDoor(limits, (incoming) => serve(incoming, context))
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
    routes,
    onTable(table) {
      routes = table
      upstreams.useRoutes(routes)
      log.debug('route table changed', { version: routes.version, apps: routes.size })
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
    for (const { current } of door.connections.values()) if (current) usage.settle(current)
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
      await drain(door, tunnels, limits)
      ending.abort()
      // Without Redis there is nothing to say goodbye to, and waiting for it would outlast whoever stops us.
      if (store.status !== 'ready') store.disconnect()
      await Promise.all([watch.stop(), recording, upstreams.stop()])
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
