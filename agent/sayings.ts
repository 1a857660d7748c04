/**
 * What the platform itself says in the apps' logs: that an instance was started, why it ended. While the store is away it waits
 * here, in bounded memory, and is stored in its order when the store is back. A line whose answer was lost may be there twice.
 */
import { setTimeout as wait } from 'node:timers'
import type { AppId } from '#core/domain/ids.ts'
import type { Log } from '#core/runtime/log.ts'
import type { LogEntry } from '#core/store/logs.ts'

export type Sayings = {
  /** Resolves when it is stored, or waits. */
  say(app: AppId, lines: LogEntry[]): Promise<void>
  stop(): void
}

type Append = (app: AppId, lines: LogEntry[]) => Promise<unknown>

const RETRY_MS = 1000
/** Of all apps of the host; the oldest go first. */
const MAX_WAITING = 1000

export function createSayings({ append, log }: { append: Append; log: Log }): Sayings {
  const waiting: { app: AppId; lines: LogEntry[] }[] = []
  let timer: NodeJS.Timeout | null = null
  let sending: Promise<void> | null = null
  let dropped = 0

  async function sendAll(): Promise<void> {
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      try {
        await append(first.app, first.lines)
      } catch (error) {
        timer ??= wait(retry, RETRY_MS).unref()
        return log.debug('platform lines wait for the store', { waiting: waiting.length, error })
      }
      if (waiting[0] === first) waiting.shift()
    }
    if (dropped > 0) log.warn('platform lines dropped while the store was away', { dropped })
    dropped = 0
  }

  const send = (): Promise<void> =>
    (sending ??= sendAll().finally(() => {
      sending = null
    }))

  function retry(): void {
    timer = null
    void send()
  }

  return {
    say(app, lines) {
      waiting.push({ app, lines })
      if (waiting.length > MAX_WAITING) {
        waiting.shift()
        dropped += 1
      }
      return timer === null ? send() : Promise.resolve()
    },
    stop() {
      if (timer !== null) clearTimeout(timer)
    },
  }
}
