/** One of the router's processes: a whole router of its own, on the port that it shares with the others. */
import { messageOf } from '#core/domain/errors.ts'
import { readConfig } from '#core/runtime/config.ts'
import { createLog } from '#core/runtime/log.ts'
import { runMain, untilSignal } from '#core/runtime/shutdown.ts'
import { start, type Leaving } from './index.ts'
import { defaultLimits } from './limits.ts'
import { RETIRE } from './workers.ts'

/** How long a worker without a supervisor still takes connections: the time in which that one's successor comes up. */
const ORPHAN_MS = 20_000
/** For what comes after the last connection: to say goodbye to the store. */
const GOODBYE_MS = 5_000

try {
  const config = readConfig(process.env)
  const log = createLog('router', config.logLevel)
  // Sent to the whole process group it means the supervisor, and would end a process that does not listen for it.
  process.on('SIGUSR2', () => {})
  const ending = Promise.race([untilSignal(), untilRetired(), untilOrphaned()])
  const leave = async () => leaving(await ending, config.routerSettleMs)
  await runMain(
    log,
    async () => {
      const router = await start(config, log)
      return { stop: async () => router.stop(await leave()) }
    },
    {
      signalled: ending,
      stoppingMs: Math.max(config.routerSettleMs, ORPHAN_MS) + defaultLimits.drainMs + GOODBYE_MS,
    },
  )
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exit(1)
}

/** Its successor listens already. */
function untilRetired(): Promise<typeof RETIRE> {
  return new Promise((resolve) => process.on('message', (message) => message === RETIRE && resolve(RETIRE)))
}

function untilOrphaned(): Promise<'orphaned'> {
  return new Promise((resolve) => process.on('disconnect', () => resolve('orphaned')))
}

function leaving(reason: string, settleMs: number): Leaving {
  switch (reason) {
    case RETIRE:
      return { replaced: true, settleMs: 0 }
    case 'orphaned':
      return { replaced: true, settleMs: ORPHAN_MS }
    default:
      return { replaced: false, settleMs }
  }
}
