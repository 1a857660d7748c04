/** The router beside nginx, HAProxy and Caddy, one core for each proxy; the method is in proxies.sh. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AppId, AppName, InstanceId, TenantId } from '../core/domain/ids.ts'
import { defaultTraffic } from '../core/domain/quota.ts'
import { defaultRouteSettings } from '../core/domain/route.ts'
import { connectStore } from '../core/store/connection.ts'
import { putRoutes } from '../core/store/routes.ts'
import { startRedis } from '#test/helpers/redis.ts'
import { freePort } from '#test/helpers/world.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

export async function router(): Promise<void> {
  const redis = await startRedis()
  const home = await mkdtemp(join(tmpdir(), 'berth-bench-'))
  const port = await freePort()
  const store = connectStore(redis.url)
  const tenant = 'bench' as TenantId
  await putRoutes(store, {
    version: 1,
    apps: [
      {
        appId: 'a-bench' as AppId,
        name: 'app' as AppName,
        tenantId: tenant,
        addresses: [{ host: 'app.localhost', path: '/' }],
        settings: defaultRouteSettings,
        health: 'serving',
        endpoints: [{ instanceId: 'i-bench' as InstanceId, epoch: 1, host: '127.0.0.1', port: 9000 }],
      },
    ],
    // The quota is on the path, but must not be what is measured.
    tenants: { [tenant]: { ...defaultTraffic, requests: { perSecond: 1e6, burst: 1e6 } } },
  })
  const berth = spawn(
    'taskset',
    ['-c', '0', process.execPath, '--max-semi-space-size=64', join(ROOT, 'router/main.ts')],
    {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        ...process.env,
        BERTH_HOME: home,
        BERTH_REDIS_URL: redis.url,
        BERTH_HTTP_PORT: String(port),
        BERTH_HTTP_ADDRESS: '127.0.0.1',
        BERTH_LOG_LEVEL: 'warn',
      },
    },
  )
  try {
    await once(berth, 'message')
    const proxies = spawn('bash', [join(ROOT, 'bench/proxies.sh'), `berth=${port}`], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    await once(proxies, 'exit')
  } finally {
    berth.kill('SIGTERM')
    await once(berth, 'exit')
    store.disconnect()
    await redis.stop()
    await rm(home, { recursive: true, force: true })
  }
}
