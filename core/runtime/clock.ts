/** Waiting that can be cancelled. A wait that was aborted ends quietly: cancelling is not an error. */
import { setTimeout as wait } from 'node:timers/promises'

export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, signal ? { signal } : {})
  } catch (error) {
    if (!signal?.aborted) throw error
  }
}

/** Runs `step` again and again, `everyMs` after the last one ended, until the signal. A step's failure goes to onError. */
export async function repeat(
  everyMs: number,
  step: () => Promise<void>,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await step()
    } catch (error) {
      if (!signal.aborted) onError(error)
    }
    await sleep(everyMs, signal)
  }
}
