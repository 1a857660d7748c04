/** One way to end a process: the first SIGTERM or SIGINT stops its parts in reverse order of their start. */
import { flushCompileCache } from 'node:module'
import { messageOf } from '../domain/errors.ts'
import type { Log } from './log.ts'

export type Stoppable = { stop(): Promise<void> }

const STARTING_MS = 5_000
const STOPPING_MS = 20_000

/**
 * Runs an executable: start, wait for a signal, stop. A failed start is one line on stderr and exit code 1.
 * @param signalled another way to be told to end, resolved with its name
 * @param stoppingMs how long stopping may take before the process is ended regardless
 */
export async function runMain(
  log: Log,
  start: () => Promise<Stoppable>,
  { signalled = untilSignal(), stoppingMs = STOPPING_MS }: { signalled?: Promise<string>; stoppingMs?: number } = {},
): Promise<void> {
  let running: Stoppable | null = null
  // A part that still waits for the store at its start has nothing to stop, and nobody to wait for.
  const giveUp = () => running ?? process.exit(0)
  void signalled.then(() => setTimeout(giveUp, STARTING_MS).unref())
  try {
    running = await start()
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`)
    log.error('start failed', { error })
    process.exit(1)
  }
  // Whoever supervises this process (scripts/up.ts, a test) waits for this word; without one there is no channel.
  process.send?.('ready')
  // Now, since a process that is killed keeps nothing for the next one. Does nothing where no NODE_COMPILE_CACHE is set.
  flushCompileCache()
  log.info('stopping', { signal: await signalled })
  // A part that hangs must not keep a dead process around; whoever supervises it starts a new one.
  setTimeout(() => process.exit(1), stoppingMs).unref()
  await running.stop()
  process.exit(0)
}

export const untilSignal = (): Promise<string> =>
  new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => resolve(name))
  })
