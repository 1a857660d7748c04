/** Calls that create are sent with an Idempotency-Key, so that one whose answer was lost can be sent again and is done once. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Problem } from '#core/contract/api.ts'
import { CliError } from './failures.ts'

const AGAIN_AFTER_BREAK = 3
const PAUSE_MS = 500
/** While the first call is still under way, which the API then says. */
const UNDER_WAY_FOR_MS = 60_000
const LOOK_EVERY_MS = 2_000

/** @param call the same each time, its key too */
export async function sendUntilAnswered<T>(
  call: () => Promise<T>,
  pause: (ms: number) => Promise<unknown> = sleep,
): Promise<T> {
  for (let breaks = 0, looks = 0; ;) {
    try {
      return await call()
    } catch (error) {
      if (brokeOff(error) && breaks < AGAIN_AFTER_BREAK) await pause(PAUSE_MS * ++breaks)
      else if (isUnderWay(error) && ++looks * LOOK_EVERY_MS <= UNDER_WAY_FOR_MS) await pause(LOOK_EVERY_MS)
      else throw error
    }
  }
}

/** The connection ended after it was made: nobody knows whether the call was done. */
const brokeOff = (error: unknown): boolean => error instanceof CliError && codeOf(error.cause) === 'ECONNRESET'

const isUnderWay = (error: unknown): boolean => error instanceof CliError && codeOf(error.cause) === 'CALL_UNDER_WAY'

const codeOf = (cause: unknown): unknown => (cause as Partial<NodeJS.ErrnoException | Problem> | undefined)?.code
