/** The route table with many apps: how long a router needs for all of it and for one change, and how long it stands still. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { AppId, AppName, InstanceId, TenantId } from '../core/domain/ids.ts'
import { defaultTraffic } from '../core/domain/quota.ts'
import { defaultRouteSettings, type AppRoute } from '../core/domain/route.ts'
import { silentLog } from '../core/runtime/log.ts'
import { connectStore, type Store } from '../core/store/connection.ts'
import { putChange, putRoutes } from '../core/store/routes.ts'
import { startRedis } from '#test/helpers/redis.ts'
import type { RouteIndex } from '../router/table.ts'
import { loadFirstTable, watchRoutes } from '../router/watch.ts'
import { median, printTable, range } from './table.ts'

const APPS = 100_000
const TENANTS = 1_000
const ROUNDS = 7
const CHANGES = 200
const LOOKUPS = 1_000_000

export async function routes(): Promise<void> {
  const redis = await startRedis()
  const store = connectStore(redis.url)
  try {
    await fill(store)
    const loads: Timed[] = []
    let index = await loadFirstTable(store, silentLog)
    for (let round = 0; round < ROUNDS; round++) {
      loads.push(
        await timed(async () => {
          index = await loadFirstTable(store, silentLog)
        }),
      )
    }
    const changes = await changeOneByOne(store, redis.url, index)
    const rows = (name: string, all: Timed[]) => [
      name,
      median(all.map(({ tookMs }) => tookMs)).toFixed(1),
      range(all.map(({ tookMs }) => tookMs)),
      median(all.map(({ stallMs }) => stallMs)).toFixed(1),
      Math.max(...all.map(({ stallMs }) => stallMs)).toFixed(1),
    ]
    printTable(
      [`${APPS.toLocaleString('en')} apps`, 'ms (median)', 'range', 'longest stall ms (median)', 'worst'],
      [rows('the whole table', loads), rows('one change, until it is in use', changes)],
    )
    console.log(`find: ${lookUp(index).toFixed(0)} ns`)
  } finally {
    store.disconnect()
    await redis.stop()
  }
}

type Timed = { tookMs: number; stallMs: number }

/** How long something took, and the longest time in which the event loop did nothing else. */
async function timed(act: () => Promise<void>): Promise<Timed> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const began = performance.now()
  await act()
  const tookMs = performance.now() - began
  delay.disable()
  // What is measured is the whole time between two ticks of 1 ms.
  return { tookMs, stallMs: Math.max(0, delay.max / 1e6 - 1) }
}

const aRoute = (n: number, health: AppRoute['health'] = 'serving'): AppRoute => ({
  appId: `a-${n}` as AppId,
  name: `app-${n}` as AppName,
  tenantId: `tenant-${n % TENANTS}` as TenantId,
  addresses: [
    { host: `app-${n}.berth.example`, path: '/' },
    ...(n % 4 === 0 ? [{ host: `www.customer-${n}.example`, path: '/' }] : []),
    ...(n % 100 === 0 ? [{ host: `*.wild-${n}.example`, path: '/' }] : []),
  ],
  settings: defaultRouteSettings,
  health,
  endpoints: [1, 2].map((i) => ({
    instanceId: `i-${n}-${i}` as InstanceId,
    epoch: 1,
    host: `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`,
    port: 5000 + i,
  })),
})

async function fill(store: Store): Promise<void> {
  const tenants = Object.fromEntries(Array.from({ length: TENANTS }, (_, n) => [`tenant-${n}`, defaultTraffic]))
  const apps = Array.from({ length: APPS }, (_, n) => aRoute(n))
  const began = performance.now()
  await putRoutes(store, { version: 1, apps, tenants })
  console.log(`stored at once in ${(performance.now() - began).toFixed(0)} ms`)
}

/** From the change's first byte to the store until a router serves by it. */
async function changeOneByOne(store: Store, redisUrl: string, index: RouteIndex): Promise<Timed[]> {
  let arrived = (): void => {}
  const watch = watchRoutes({
    store,
    redisUrl,
    log: silentLog,
    routes: index,
    onTable: () => arrived(),
    onAnnounced: () => {},
    onRouters: () => {},
  })
  const all: Timed[] = []
  for (let n = 0; n < CHANGES; n++) {
    const { mark, version } = index.head
    all.push(
      await timed(async () => {
        const seen = new Promise<void>((resolve) => (arrived = resolve))
        const changed = [aRoute(n * 7, 'crashed')]
        await putChange(store, { from: mark, version: version + 1, changed, removed: [], tenants: {} })
        await seen
      }),
    )
  }
  await watch.stop()
  return all
}

/** ns for one look-up, over all kinds of hosts. */
function lookUp(index: RouteIndex): number {
  const hosts = Array.from({ length: 10_000 }, (_, n) => {
    const app = n * 10
    return ['app-%.berth.example', 'www.customer-%.example', 'x.wild-%.example', 'nobody-%.example'][n % 4]?.replace(
      '%',
      String(app - (app % 100)),
    )
  })
  let found = 0
  const began = performance.now()
  for (let n = 0; n < LOOKUPS; n++)
    if (index.find(hosts[n % hosts.length] ?? '', '/some/path?query') !== null) found += 1
  const took = performance.now() - began
  if (found === 0) throw new Error('Nothing was found.')
  return (took * 1e6) / LOOKUPS
}
