/** What every step of the deploy story works with: the record, the log that the pusher sees, and patience. */
import { BerthError } from '#core/domain/errors.ts'
import type { Deploy } from '#core/domain/release.ts'
import { sleep } from '#core/runtime/clock.ts'
import { appendDeployLog, saveDeploy } from '#core/store/deploys.ts'
import type { DeployContext } from './context.ts'

export type Walk = {
  readonly context: DeployContext
  /** The record as it was saved last. */
  readonly deploy: Deploy
  readonly signal: AbortSignal
  save: (change: Partial<Deploy>) => Promise<void>
  say: (...lines: string[]) => Promise<void>
  /** Reads or writes the store, through an outage. @throws when the signal aborts */
  reach: <T>(work: () => Promise<T>) => Promise<T>
  /** @throws when the signal aborts */
  pause: (ms: number) => Promise<void>
}

/** A step's end: what it made, or why the deploy cannot go on. */
export type Outcome<T> = { ok: true; value: T } | { ok: false; why: string }

const RETRY_EVERY_MS = 500

export function beginWalk(context: DeployContext, read: Deploy, signal: AbortSignal): Walk {
  let deploy = read
  const reach = <T>(work: () => Promise<T>) => patiently(context, signal, work)
  return {
    context,
    signal,
    get deploy() {
      return deploy
    },
    async save(change) {
      const changed = { ...deploy, ...change }
      await reach(() => saveDeploy(context.store, changed))
      deploy = changed
    },
    async say(...lines) {
      await reach(() => appendDeployLog(context.store, deploy.id, lines))
    },
    reach,
    pause: (ms) => pause(ms, signal),
  }
}

/** Tries until the store answers: a deploy waits for Redis, and is never lost to it. @throws when the signal aborts */
export async function patiently<T>(
  { log }: Pick<DeployContext, 'log'>,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (!isOutage(error)) throw error
      if (tries === 0) log.warn('deploy waits for the store', { error })
      await pause(RETRY_EVERY_MS, signal)
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, signal)
  signal.throwIfAborted()
}

/** Redis's answers that pass by themselves (redis.io, "Redis serialization protocol", error replies). */
const passing = /^(LOADING|BUSY|MISCONF|OOM|READONLY|NOREPLICAS|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|EXECABORT)/

/** Everything that is neither a mistake in a program nor an answer of Redis that would be the same the next time. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof BerthError) return false
  if (error instanceof TypeError || error instanceof SyntaxError || error instanceof RangeError) return false
  return error.name !== 'ReplyError' || passing.test(error.message)
}

/** `12.3 s` */
export const seconds = (ms: number): string => `${(Math.max(0, ms) / 1000).toFixed(1)} s`
