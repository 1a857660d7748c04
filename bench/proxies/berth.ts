/** The router as the benchmarks measure it: one worker, bound to the proxies' CPU, with a table of its own Redis. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Certificate } from '#core/domain/certificate.ts'
import { makeId, type AppId, type AppName, type InstanceId, type TenantId } from '#core/domain/ids.ts'
import { defaultTraffic, type TrafficQuota } from '#core/domain/quota.ts'
import { defaultRouteSettings, type AppRoute, type RouteTable } from '#core/domain/route.ts'
import { sleep } from '#core/runtime/clock.ts'
import { createVault } from '#core/runtime/certificate-vault.ts'
import { addCertificate, loadCertificatesVersion, loadSeen } from '#core/store/certificates.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { loadRouters, putRoutes } from '#core/store/routes.ts'
import { startRedis } from '#test/helpers/redis.ts'
import { startRouterProcess } from '#test/helpers/router.ts'
import { freePort } from '#test/helpers/world.ts'
import { PROXY_CPU } from './pinned.ts'

/** By tenant: what is other than plenty. */
type Quotas = Record<string, Partial<TrafficQuota>>

export type Berth = {
  port: number
  httpsPort: number
  /** Has the router serve this certificate to clients that name no host. @param pair in PEM */
  certify(pair: { chain: string; key: string }): Promise<void>
  /** Gives the router another table, and waits until it serves from it. @returns how long that took, in ms */
  route(apps: AppRoute[], quotas?: Quotas): Promise<number>
  /** The pid of the process that serves. */
  worker(): Promise<number>
  output(): string
  stop(): Promise<void>
}

const compiled = join(import.meta.dirname, '../../node_modules/.cache/compiled')
let isCompiled = false

/** Far above any load, for quotas that are on the path but must not be what is measured. */
const PLENTY = 1e7

/** @param env settings of the router; without any it is as `npm run up` starts it, but for the level of its log */
export async function startBerth(env: Record<string, string> = {}): Promise<Berth> {
  const redis = await startRedis()
  const home = await mkdtemp(join(tmpdir(), 'berth-bench-'))
  const store = connectStore(redis.url)
  const port = await freePort()
  const httpsPort = await freePort()
  const key = randomBytes(32)
  await writeFile(join(home, 'certificates-key'), key, { mode: 0o600 })
  const settings = { BERTH_HOME: home, BERTH_ROUTER_WORKERS: '1', NODE_COMPILE_CACHE: compiled, ...env }
  const start = () => startRouterProcess({ redisUrl: redis.url, port, httpsPort, cpu: PROXY_CPU, env: settings })
  // As on a host: all starts but the first find the source compiled, and do without the compiler and its 28 MB.
  if (!isCompiled) await (await start()).stop()
  isCompiled = true
  const router = await start()
  let version = 0
  return {
    port,
    httpsPort,
    async certify(pair) {
      const id = makeId('c', randomBytes(13))
      await addCertificate(store, platformCertificate(id), createVault(key).sealPair(id, pair))
      while (![...(await loadSeen(store)).values()].includes(await loadCertificatesVersion(store))) await sleep(20)
    },
    output: () => router.output(),
    async worker() {
      return (await router.workers())[0] ?? 0
    },
    async route(apps, quotas = {}) {
      version += 1
      const began = performance.now()
      await putRoutes(store, tableOf(version, apps, quotas))
      while (!(await serves(store, version))) await sleep(20)
      return performance.now() - began
    },
    async stop() {
      await router.stop()
      store.disconnect()
      await redis.stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}

const DAY_MS = 24 * 3600_000

const platformCertificate = (id: string): Certificate => ({
  id,
  appId: null,
  tenantId: null,
  source: 'uploaded',
  names: ['app.localhost'],
  hosts: ['*.localhost'],
  issuer: 'benchmark',
  serial: '1',
  fingerprint: '',
  keyType: 'EC P-256',
  notBefore: Date.now() - DAY_MS,
  notAfter: Date.now() + DAY_MS,
  addedAt: Date.now(),
  addedBy: 'benchmark',
})

export function tableOf(version: number, apps: AppRoute[], quotas: Quotas): RouteTable {
  const plenty = { ...defaultTraffic, requests: { perSecond: PLENTY, burst: PLENTY } }
  const tenants = Object.fromEntries(apps.map(({ tenantId }) => [tenantId, { ...plenty, ...quotas[tenantId] }]))
  return { version, apps, tenants }
}

const serves = async (store: Store, version: number): Promise<boolean> =>
  (await loadRouters(store)).some(({ tableVersion }) => tableVersion === version)

/** An app `name` at `name.localhost`, of a tenant `t-name`, with one instance. */
export function anApp(name: string, port: number): AppRoute {
  return {
    appId: `a-${name}` as AppId,
    name: name as AppName,
    tenantId: `t-${name}` as TenantId,
    addresses: [{ host: `${name}.localhost`, path: '/' }],
    settings: defaultRouteSettings,
    health: 'serving',
    endpoints: [{ instanceId: `i-${name}` as InstanceId, epoch: 1, host: '127.0.0.1', port }],
  }
}
