/**
 * One drain: reads on in the logs from where it stands, sends what it finds, and notes how far it came. It lags no further
 * than the logs are kept: what was cut before it was sent is counted, and told to both ends.
 */
import type { Drain, DrainLine, DrainState } from '#core/domain/drain.ts'
import { backOff } from '#core/domain/drain.ts'
import { messageOf } from '#core/domain/errors.ts'
import type { AppId } from '#core/domain/ids.ts'
import { describeDropped } from '#core/domain/log.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { Store } from '#core/store/connection.ts'
import { loadDrainPositions, loadDrainState, saveDrainProgress } from '#core/store/drains.ts'
import { appendLogs, lastLogId, missedBetween, readLogsAfter } from '#core/store/logs.ts'
import { LinesRefused, type Sink } from './sink.ts'

export type PumpContext = {
  store: Store
  sink: Sink
  /** The apps whose logs it carries, by their names. */
  apps: () => Promise<{ id: AppId; name: string }[]>
  now: () => number
  chance: () => number
  onFailure: (error: unknown) => void
}

const LOOK_EVERY_MS = 1000
const LINES_A_BATCH = 500

/** Until the signal. */
export async function pump(drain: Drain, context: PumpContext, signal: AbortSignal): Promise<void> {
  let failures = 0
  try {
    while (!signal.aborted) {
      const sent = await pumpOnce(drain, context, signal).catch(async (error: unknown) => {
        if (signal.aborted) return 0
        failures += 1
        context.onFailure(error)
        await noteFailure(drain, error, context).catch(context.onFailure)
        await sleep(backOff(failures, context.chance()), signal)
        return null
      })
      if (sent === null) continue
      failures = 0
      if (sent === 0) await sleep(LOOK_EVERY_MS, signal)
    }
  } finally {
    context.sink.close()
  }
}

/** A batch of each app. @returns how many lines there were. @throws why one could not be sent */
async function pumpOnce(drain: Drain, context: PumpContext, signal: AbortSignal): Promise<number> {
  const { store, apps } = context
  const positions = await loadDrainPositions(store, drain.id)
  let sum = 0
  for (const app of await apps()) {
    const position = positions.get(app.id)
    // A drain begins with what comes after it was added, also in an app that came later.
    if (position === undefined) await begin(drain, app.id, context)
    else sum += await pumpApp(drain, app, position, context, signal)
  }
  return sum
}

async function begin(drain: Drain, app: AppId, { store }: PumpContext): Promise<void> {
  const state = await loadDrainState(store, drain.id)
  await saveDrainProgress(store, drain.id, state, [[app, await lastLogId(store, app)]])
}

async function pumpApp(
  drain: Drain,
  app: { id: AppId; name: string },
  position: string,
  { store, sink, now }: PumpContext,
  signal: AbortSignal,
): Promise<number> {
  const read = await readLogsAfter(store, app.id, position, LINES_A_BATCH)
  const [first] = read
  const last = read.at(-1)
  if (!first || !last) return 0
  const missed = Math.max(0, missedBetween(position, first.id))
  const named = read.map((line): DrainLine => ({ ...line, app: app.name }))
  const lines = missed === 0 ? named : [tellMissed(missed, first.at, app.name), ...named]
  const refusal = await sink.send(lines, signal).then(
    () => null,
    (error: unknown) => {
      if (error instanceof LinesRefused) return error
      throw error
    },
  )
  const before = await loadDrainState(store, drain.id)
  const dropped = missed + (refusal === null ? 0 : read.length)
  const state: DrainState = {
    sent: before.sent + (refusal === null ? read.length : 0),
    dropped: before.dropped + dropped,
    failure: refusal?.message ?? null,
    triedAt: now(),
  }
  await saveDrainProgress(store, drain.id, state, [[app.id, last.id]])
  if (dropped > 0 && drain.appId !== null) await tellApp(drain, dropped, refusal, { store, now })
  return read.length
}

const WHY = 'the log was cut to its limit before the drain took them.'

const tellMissed = (missed: number, at: string, app: string): DrainLine => ({
  id: '',
  at,
  source: 'platform',
  ps: 'drain',
  line: describeDropped(missed, WHY),
  app,
})

/** A refused batch tells of itself, so its drain is not given a line about it that would be refused, and told of, again. */
async function tellApp(
  { id, appId, shown }: Drain,
  dropped: number,
  refusal: LinesRefused | null,
  { store, now }: Pick<PumpContext, 'store' | 'now'>,
): Promise<void> {
  if (appId === null || refusal !== null) return
  const line = `Drain ${id} (${shown}): ${describeDropped(dropped, WHY)}`
  await appendLogs(store, appId, [{ at: new Date(now()).toISOString(), source: 'platform', ps: 'drain', line }])
}

async function noteFailure(drain: Drain, error: unknown, { store, now }: PumpContext): Promise<void> {
  const before = await loadDrainState(store, drain.id)
  await saveDrainProgress(store, drain.id, { ...before, failure: messageOf(error), triedAt: now() }, [])
}
