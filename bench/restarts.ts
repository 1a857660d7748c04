/** Workers replaced again and again under a load of new connections: each must be answered. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep } from '#core/runtime/clock.ts'
import { connectStore } from '#core/store/connection.ts'
import { putRoutes } from '#core/store/routes.ts'
import { startRedis } from '#test/helpers/redis.ts'
import { knock, startRouterProcess } from '#test/helpers/router.ts'
import { freePort } from '#test/helpers/world.ts'
import { tableOf, anApp } from './proxies/berth.ts'
import { startUpstream, UPSTREAM_PORT } from './proxies/upstream.ts'
import type { Options } from './options.ts'
import { median, printTable } from './table.ts'

const WORKERS = 2
const REPLACEMENTS = 25
const CLIENTS = 16

export async function restarts({ rounds }: Options): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-restarts-'))
  const [redis, upstream, port] = [await startRedis(), await startUpstream(folder), await freePort()]
  const store = connectStore(redis.url)
  await putRoutes(store, tableOf(1, [anApp('app', UPSTREAM_PORT)], {}))
  const router = await startRouterProcess({
    redisUrl: redis.url,
    port,
    httpsPort: await freePort(),
    env: { BERTH_HOME: folder, BERTH_ROUTER_WORKERS: String(WORKERS) },
  })
  const rows: (string | number)[][] = []
  const took: number[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      const clients = knock(port, 'app.localhost', CLIENTS)
      for (let replaced = 0; replaced < REPLACEMENTS; replaced++) {
        const before = await router.workers()
        const began = performance.now()
        router.child.kill('SIGUSR2')
        while (!areOthers(await router.workers(), before)) await sleep(20)
        took.push(performance.now() - began)
      }
      await clients.stop()
      rows.push([round + 1, REPLACEMENTS * WORKERS, clients.answered(), JSON.stringify(clients.failures())])
    }
    printTable(['round', 'workers replaced', 'connections answered', 'others'], rows)
    console.log(`Replacing ${WORKERS} workers took ${Math.round(median(took))} ms (median).`)
  } finally {
    await router.stop()
    await upstream.stop()
    store.disconnect()
    await redis.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

const areOthers = (now: number[], before: number[]): boolean =>
  now.length === WORKERS && !now.some((pid) => before.includes(pid))
