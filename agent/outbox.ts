/**
 * Stores what instances print. While the store is away an instance's output waits in its own file (agent/logs.ts); what
 * is left of one that has ended, and whose file goes with it, waits here, in bounded memory.
 */
import { setTimeout as wait } from 'node:timers'
import type { AppId, InstanceId } from '#core/domain/ids.ts'
import { processName, type Desired } from '#core/domain/instance.ts'
import { describeDropped } from '#core/domain/log.ts'
import type { Log } from '#core/runtime/log.ts'
import type { LogOrigin, Positioned } from '#core/store/logs.ts'
import type { Batch } from './logs.ts'

export type OutputToStore = { app: AppId; desired: Desired; batch: Batch }

export type Outbox = {
  /** @returns away: it is to be given again. What comes last is always taken, to be stored later or dropped. */
  store(output: OutputToStore): Promise<'taken' | 'away'>
  /** Lines that were dropped since this agent began, for Prometheus. */
  dropped(): { appId: AppId; tenantId: string; lines: number }[]
  stop(): void
}

type Append = (app: AppId, origin: LogOrigin, lines: Positioned[], dropped: number) => Promise<unknown>

const RETRY_MS = 1000
/** Of all instances that have ended; a batch is 64 KiB at most. */
const MAX_WAITING = 256
/** Apps that dropped something; beyond so many, those that did first are forgotten. */
const MAX_COUNTED = 2000

export function createOutbox({ append, log }: { append: Append; log: Log }): Outbox {
  /** In the order in which they were printed. */
  const waiting: OutputToStore[] = []
  const counted = new Map<AppId, { tenantId: string; lines: number }>()
  /** Dropped here, for want of room; told with the next line of the same app's. */
  const untold = new Map<InstanceId, number>()
  let timer: NodeJS.Timeout | null = null
  let isAway = false

  async function send({ app, desired, batch }: OutputToStore): Promise<boolean> {
    const ps = processName(desired)
    const missing = untold.get(desired.id) ?? 0
    const [first] = batch.lines
    const notice =
      missing === 0 || !first
        ? []
        : [
            {
              at: first.at,
              source: 'platform' as const,
              line: describeDropped(missing, 'the log was away.'),
              end: first.end - 1,
            },
          ]
    const lines = [...notice, ...batch.lines].map(({ at, source, line, end }) => ({
      position: end,
      entry: { at, source, ps, line },
    }))
    try {
      await append(app, { writer: desired.id, within: batch.file }, lines, batch.dropped + missing)
    } catch (error) {
      if (!isAway) log.warn('output not stored: it waits', { app: desired.appName, error })
      isAway = true
      return false
    }
    isAway = false
    untold.delete(desired.id)
    return true
  }

  function count({ app, desired }: OutputToStore, lines: number): void {
    if (lines === 0) return
    const before = counted.get(app)?.lines ?? 0
    counted.delete(app)
    counted.set(app, { tenantId: desired.tenantId, lines: before + lines })
    const [oldest] = counted.keys()
    if (counted.size > MAX_COUNTED && oldest !== undefined) counted.delete(oldest)
  }

  function keep(output: OutputToStore): void {
    if (waiting.length >= MAX_WAITING) {
      const lines = output.batch.lines.length
      untold.set(output.desired.id, (untold.get(output.desired.id) ?? 0) + lines)
      count(output, lines)
      return
    }
    waiting.push(output)
    timer ??= wait(() => void retry(), RETRY_MS)
  }

  async function retry(): Promise<void> {
    for (let [next] = waiting; next && (await send(next)); [next] = waiting) waiting.shift()
    timer = waiting.length === 0 ? null : wait(() => void retry(), RETRY_MS)
  }

  return {
    async store(output) {
      // What was printed earlier by the same instance comes first, or it would pass for stored.
      const isBehind = waiting.some(({ desired }) => desired.id === output.desired.id)
      const isStored = !isBehind && (await send(output))
      if (!isStored && !output.batch.isLast) return 'away'
      count(output, output.batch.dropped)
      if (!isStored) keep(output)
      return 'taken'
    },
    dropped: () => [...counted].map(([appId, { tenantId, lines }]) => ({ appId, tenantId, lines })),
    stop() {
      if (timer) clearTimeout(timer)
    },
  }
}
