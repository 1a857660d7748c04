import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '#core/runtime/log.ts'
import type { TenantId } from '#core/domain/ids.ts'
import { defaultTraffic } from '#core/domain/quota.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { loadRouters, putRoutes } from '#core/store/routes.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis.ts'
import { knock, startRouterProcess, type RouterProcess } from '#test/helpers/router.ts'
import { freePort } from '#test/helpers/world.ts'
import { startWorkers } from '../../../router/workers.ts'
import { anApp, get, httpApp, quickSettings, talk, until, type TestApp } from './support.ts'

const PATIENCE_MS = 60_000
const CLIENTS = 6
/** Some knock at any moment, and the workers that come up have a processor to do it with. */
const PAUSE_MS = 40
/** Orphans serve for twenty seconds: what a successor's start could refuse is seen by less. */
const ORPHANED_PAUSE_MS = 400
/** For what one worker shows as well as two. */
const ALONE = { BERTH_ROUTER_WORKERS: '1' }
const plenty = { ...defaultTraffic, requests: { perSecond: 1e6, burst: 1e6 } }

describe('The workers of a router', function () {
  this.timeout(180_000)
  let redis: TestRedis
  let store: Store
  let app: TestApp
  /** Requests that the app was asked and answers late. */
  let slowly = 0
  let port: number
  let httpsPort: number
  let figuresPort: number
  const started: RouterProcess[] = []
  /** The one that serves, which each of these tests may replace. */
  let current: RouterProcess | null = null

  const startOne = async (env: Record<string, string> = {}) => {
    const router = await startRouterProcess({
      httpsPort,
      redisUrl: redis.url,
      port,
      env: { BERTH_ROUTER_WORKERS: '2', BERTH_ROUTER_METRICS_PORT: String(figuresPort), ...env },
    })
    started.push(router)
    return router
  }
  const running = async () => (current ??= await startOne())
  const succeed = async (router: RouterProcess, ended: readonly number[]) => {
    await until(async () => {
      const now = await router.workers()
      return now.length === 2 && !now.some((pid) => ended.includes(pid))
    }, PATIENCE_MS)
    return router.workers()
  }
  const isAlive = (pid: number) =>
    readFile(`/proc/${pid}/stat`, 'utf8').then(
      (text) => !/\) [ZX] /.test(text),
      () => false,
    )

  before(async () => {
    redis = await startRedis()
    store = connectStore(redis.url)
    app = await httpApp((request, response) => {
      if (request.url !== '/slow') return void response.end('hello\n')
      slowly += 1
      setTimeout(() => response.end('slow\n'), 1_500)
    })
    await putRoutes(store, {
      version: 1,
      apps: [anApp('hello', [app.endpoint], { settings: { ...quickSettings, firstByteMs: PATIENCE_MS } })],
      tenants: { ['t-one' as TenantId]: plenty },
    })
    ;[port, httpsPort, figuresPort] = [await freePort(), await freePort(), await freePortPair()]
  })
  after(async () => {
    for (const router of started) {
      const workers = await router.workers()
      if (router.child.exitCode === null && router.child.signalCode === null) await router.stop()
      await until(async () => !(await Promise.all(workers.map(isAlive))).includes(true), PATIENCE_MS)
    }
    store.disconnect()
    await app.stop()
    await redis.stop()
  })

  it('share one port, and each is a router of its own to the store', async () => {
    const router = await running()
    assert.equal((await router.workers()).length, 2)
    await until(async () => (await loadRouters(store)).length === 2, PATIENCE_MS)
    const knocking = knock(port, 'hello.test', CLIENTS, PAUSE_MS)
    await until(() => knocking.answered() > 50, PATIENCE_MS)
    await knocking.stop()
    assert.deepEqual(knocking.failures(), {})
  })

  it('have ports of their own for their figures, and hand them on to their successors', async () => {
    const router = await running()
    const hasFigures = async (at: number) => {
      const answer = await get(at, '127.0.0.1', '/metrics').catch(() => null)
      return answer?.body.includes('berth_router_connections') ?? false
    }
    const bothHave = async () => (await hasFigures(figuresPort)) && (await hasFigures(figuresPort + 1))
    await until(bothHave, PATIENCE_MS)
    const before = await router.workers()
    router.child.kill('SIGUSR2')
    await succeed(router, before)
    await until(bothHave, PATIENCE_MS)
  })

  it('are replaced one by one, again and again, without a refused or a reset connection, or a request that is cut off', async () => {
    const router = await running()
    const knocking = knock(port, 'hello.test', CLIENTS, PAUSE_MS)
    const slow = Promise.all(Array.from({ length: 4 }, () => get(port, 'hello.test', '/slow')))
    await until(() => slowly === 4, PATIENCE_MS)
    let workers = await router.workers()
    for (let round = 0; round < 2; round++) {
      router.child.kill('SIGUSR2')
      workers = await succeed(router, workers)
    }
    const before = knocking.answered()
    await until(() => knocking.answered() > before + 20, PATIENCE_MS)
    await knocking.stop()
    assert.deepEqual(knocking.failures(), {})
    for (const { status, body } of await slow) assert.deepEqual([status, body], [200, 'slow\n'])
  })

  it('give way to those of a new router on the same port without a refused connection', async () => {
    const old = await running()
    const knocking = knock(port, 'hello.test', CLIENTS, PAUSE_MS)
    current = await startOne()
    assert.equal(await old.stop(), 0)
    const before = knocking.answered()
    await until(() => knocking.answered() > before + 20, PATIENCE_MS)
    await knocking.stop()
    assert.deepEqual(knocking.failures(), {})
  })

  it('are started again when they die', async () => {
    const router = await running()
    const workers = await router.workers()
    process.kill(workers[0] ?? 0, 'SIGKILL')
    await succeed(router, workers.slice(0, 1))
    assert.equal((await get(port, 'hello.test')).body, 'hello\n')
    assert.match(router.output(), /worker ended unasked/)
  })

  it('serve on when their supervisor is killed, until those of its successor do', async () => {
    const old = await running()
    const orphans = await old.workers()
    const knocking = knock(port, 'hello.test', CLIENTS, ORPHANED_PAUSE_MS)
    old.child.kill('SIGKILL')
    await once(old.child, 'exit')
    current = await startOne()
    await until(async () => !(await Promise.all(orphans.map(isAlive))).includes(true), PATIENCE_MS)
    const before = knocking.answered()
    await until(() => knocking.answered() > before + 20, PATIENCE_MS)
    await knocking.stop()
    assert.deepEqual(knocking.failures(), {})
  })

  it('stay when their successors cannot come up', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-workers-'))
    const program = join(folder, 'worker.mjs')
    await writeFile(program, "process.send('ready'); process.on('message', () => process.exit(0))")
    const events: string[] = []
    const log = { ...silentLog, error: (event: string) => void events.push(event) }
    const options = { count: 2, program, nodeOptions: [], readyMs: 1_000, stopMs: 5_000 }
    const workers = await startWorkers(options, log)
    try {
      const pids = workers.pids()
      await writeFile(program, "process.on('message', () => {})")
      await workers.replace()
      assert.deepEqual(workers.pids(), pids)
      assert.match(events.join(), /successor did not come up/)
      await writeFile(program, "process.send('ready'); process.on('message', () => {})")
      await workers.replace()
      assert.ok(workers.pids().every((pid) => !pids.includes(pid)))
    } finally {
      await workers.stop()
      await rm(folder, { recursive: true })
    }
  })

  it('say that they are not ready before they take no more connections', async () => {
    const leavingPort = await freePort()
    const apart = { BERTH_HTTP_PORT: String(leavingPort), BERTH_HTTPS_PORT: String(await freePort()) }
    const router = await startOne({
      ...ALONE,
      ...apart,
      BERTH_ROUTER_METRICS_PORT: String(await freePort()),
      BERTH_ROUTER_SETTLE: '3',
    })
    const health = async () => (await get(leavingPort, 'localhost', '/.well-known/berth/health')).status
    assert.equal(await health(), 200)
    router.child.kill('SIGTERM')
    await until(async () => (await health()) === 503, PATIENCE_MS)
    // Who did not look yet is still served, and told that the connection is its last.
    const text = await talk(leavingPort, 'GET / HTTP/1.1\r\nHost: hello.test\r\n\r\n').end()
    assert.match(text, /^HTTP\/1\.1 200 [\s\S]*connection: close\r\n/i)
    await once(router.child, 'exit')
    assert.equal(router.child.exitCode, 0)
    await assert.rejects(get(leavingPort, 'hello.test'), { code: 'ECONNREFUSED' })
  })

  it('end with a sentence when another program has the port', async () => {
    const stranger = await httpApp((_, response) => response.end())
    const taken = { ...ALONE, BERTH_HTTP_PORT: String(stranger.endpoint.port) }
    await assert.rejects(startOne(taken), /Port \d+ on 127\.0\.0\.1 is taken by another program/)
    await stranger.stop()
  })
})

/** @returns the first of two free ports, one after the other */
async function freePortPair(): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (port === 65_535) continue
    const next = createServer().listen(port + 1, '127.0.0.1')
    const isFree = await once(next, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    next.close()
    await once(next, 'close')
    return port
  }
}
