/** Wakes one waiter. Rung while nobody waits, it is heard by the next wait; rung often, it is heard once. */
export type Bell = { ring(): void; wait(timeoutMs: number, signal: AbortSignal): Promise<void> }

export function createBell(): Bell {
  let rung = false
  let wake = () => {}
  return {
    ring() {
      rung = true
      wake()
    },
    /** Ends when rung, after the timeout, or quietly when aborted. */
    async wait(timeoutMs, signal) {
      if (!rung && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        const end = () => resolve()
        const timer = setTimeout(end, timeoutMs)
        signal.addEventListener('abort', end)
        await promise
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
      }
      rung = false
      wake = () => {}
    },
  }
}
