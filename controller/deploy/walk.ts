/** What every step of the deploy story works with: the record, the log that the pusher sees, and patience. */
import { BerthError } from '#core/domain/errors.ts'
import { cancelledBy, isCancellable, type Cancel, type Deploy, type PhaseTime } from '#core/domain/release.ts'
import { sleep } from '#core/runtime/clock.ts'
import { appendDeployLog, loadCancel, saveDeploy } from '#core/store/deploys.ts'
import { appendBuildLines } from '#core/store/logs.ts'
import type { DeployContext, WalkContext } from './context.ts'

export type Walk = {
  readonly context: WalkContext
  /** The record as it was saved last. */
  readonly deploy: Deploy
  readonly signal: AbortSignal
  /** @throws OverAlready */
  save: (change: Partial<Deploy>) => Promise<void>
  /** Notes how long a part of the deploy took; saved with the next change. */
  took: (...phases: PhaseTime[]) => void
  say: (...lines: string[]) => Promise<void>
  /** Reads or writes the store, through an outage. @throws when the signal aborts */
  reach: <T>(work: () => Promise<T>) => Promise<T>
  /** Waits until something changes, at most so long. @throws when the signal aborts; Cancelled */
  pause: (ms: number) => Promise<void>
  /** Goes on unless somebody wants the deploy ended, and that is still possible. @throws Cancelled */
  goOn: () => Promise<void>
}

/** Somebody wants the deploy ended. */
export class Cancelled extends Error {
  readonly cancel: Cancel

  constructor(cancel: Cancel) {
    super(cancelledBy(cancel))
    this.name = 'Cancelled'
    this.cancel = cancel
  }
}

/** The deploy was ended by somebody else: it was cancelled before it began, or its app was destroyed. */
export class OverAlready extends Error {}

/** A step's end: what it made, or why the deploy cannot go on; `cancelled` where that is somebody's wish. */
export type Outcome<T> = { ok: true; value: T } | { ok: false; why: string; cancelled?: true }

const RETRY_EVERY_MS = 500

export function beginWalk(context: WalkContext, read: Deploy, signal: AbortSignal): Walk {
  let deploy = read
  const reach = <T>(work: () => Promise<T>) => patiently(context, signal, work)

  async function goOn(): Promise<void> {
    if (!isCancellable(deploy)) return
    const cancel = await reach(() => loadCancel(context.store, deploy.id))
    if (cancel) throw new Cancelled(cancel)
  }

  return {
    context,
    signal,
    get deploy() {
      return deploy
    },
    async save(change) {
      const changed = { ...deploy, ...change }
      if (!(await reach(() => saveDeploy(context.store, changed)))) throw new OverAlready(deploy.id)
      deploy = changed
    },
    took: (...phases) => void (deploy = { ...deploy, phases: [...deploy.phases, ...phases] }),
    async say(...lines) {
      await reach(() => appendDeployLog(context.store, deploy.id, lines))
      await reach(() => appendBuildLines(context.store, deploy.appId, lines, context.now()))
    },
    reach,
    async pause(ms) {
      await context.changes.wait(ms, signal)
      signal.throwIfAborted()
      await goOn()
    },
    goOn,
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
  if (error instanceof Cancelled || error instanceof OverAlready) return false
  if (error instanceof TypeError || error instanceof SyntaxError || error instanceof RangeError) return false
  return error.name !== 'ReplyError' || passing.test(error.message)
}

/** `12.3 s` */
export const seconds = (ms: number): string => `${(Math.max(0, ms) / 1000).toFixed(1)} s`
