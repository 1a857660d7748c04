/**
 * The router's executable: one worker per core behind one port. SIGTERM ends them in good order, SIGUSR2 replaces them one by
 * one. It carries no request itself; when it dies, its workers serve until its successor's are there (docs/router.md).
 */
import { join } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import { readConfig, type Config } from '#core/runtime/config.ts'
import { createLog, type Log } from '#core/runtime/log.ts'
import { runMain } from '#core/runtime/shutdown.ts'
import { letConnectionsMove } from './migrate.ts'
import { startWorkers, type Workers } from './workers.ts'

// A young generation that holds the garbage of many requests keeps the pauses short (docs/PERFORMANCE.md).
const NODE_OPTIONS = ['--max-semi-space-size=16']
const READY_MS = 30_000
/** Beyond the settling: a worker gives requests 10 s (`limits.ts`) and itself 5 s. */
const STOP_MS = 16_000
const MAX_PORT = 65_535

try {
  const config = readConfig(process.env)
  const log = createLog('router', config.logLevel)
  await runMain(log, () => supervise(config, log), { stoppingMs: config.routerSettleMs + STOP_MS + 2_000 })
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exit(1)
}

async function supervise(config: Config, log: Log): Promise<Workers> {
  // Before there are workers to replace, it must not end the process.
  let replace = () => {}
  process.on('SIGUSR2', () => replace())
  await letConnectionsMove(log)
  const workers = await startWorkers(
    {
      count: config.routerWorkers,
      program: join(import.meta.dirname, 'worker.ts'),
      nodeOptions: NODE_OPTIONS,
      envOf: (post) => metricsPort(config.routerMetricsPort, post),
      readyMs: READY_MS,
      stopMs: config.routerSettleMs + STOP_MS,
    },
    log,
  )
  replace = () => {
    log.info('replacing the workers', { pids: workers.pids() })
    workers.replace().catch((error: unknown) => log.error('workers could not be replaced', { error }))
  }
  return workers
}

/** Each worker has figures of its own, so each post has a port of its own for them: the first one's, and those after it. */
function metricsPort(first: number | null, post: number): Record<string, string> {
  return first === null || first === 0 ? {} : { BERTH_ROUTER_METRICS_PORT: String(Math.min(first + post, MAX_PORT)) }
}
