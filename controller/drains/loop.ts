/** Keeps one pump running for each drain that there is. By the leader alone; each pump runs on its own, so that none waits. */
import type { Drain, DrainId } from '#core/domain/drain.ts'
import { messageOf } from '#core/domain/errors.ts'
import type { AppId } from '#core/domain/ids.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import { loadApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { forgetDrainPositions, loadDrainPositions, loadDrains, removeDrain } from '#core/store/drains.ts'
import type { Outbound } from '../outbound/index.ts'
import type { Sealer } from '../secrets.ts'
import { httpsSink } from './https-sink.ts'
import { pump } from './pump.ts'
import type { Sink } from './sink.ts'
import { syslogSink } from './syslog-sink.ts'
import { targetOf } from './target.ts'
import { openTarget } from './sealed.ts'

export type DrainContext = {
  store: Store
  log: Log
  sealer: Sealer
  outbound: Outbound
  now: () => number
  chance: () => number
}

const LOOK_EVERY_MS = 2000

/** Until the signal. */
export async function watchDrains(context: DrainContext, signal: AbortSignal): Promise<void> {
  const running = new Map<DrainId, { leave: AbortController; done: Promise<void> }>()

  function begin(drain: Drain): void {
    const leave = new AbortController()
    const ending = AbortSignal.any([signal, leave.signal])
    const done = pump(drain, pumpContextOf(drain, context), ending).catch((error: unknown) =>
      context.log.error('drain ended', { drain: drain.id, error }),
    )
    running.set(drain.id, { leave, done: done.finally(() => running.delete(drain.id)) })
  }

  async function look(): Promise<void> {
    const drains = await withoutOrphans(await loadDrains(context.store), context)
    const wanted = new Set(drains.map(({ id }) => id))
    for (const [id, { leave }] of running) if (!wanted.has(id)) leave.abort()
    for (const drain of drains) if (!running.has(drain.id) && !signal.aborted) begin(drain)
  }

  await repeat(LOOK_EVERY_MS, look, signal, (error) => context.log.warn('drains not looked at', { error }))
  await Promise.all([...running.values()].map(({ done }) => done))
}

function pumpContextOf(drain: Drain, { store, log, now, chance, ...parts }: DrainContext) {
  return {
    store,
    sink: sinkOf(drain, parts),
    now,
    chance,
    apps: async () => (await loadApps(store)).filter(({ id }) => drain.appId === null || id === drain.appId),
    onFailure: (error: unknown) => log.info('drain not taken', { drain: drain.id, cause: messageOf(error) }),
  }
}

function sinkOf(drain: Drain, { sealer, outbound }: Pick<DrainContext, 'sealer' | 'outbound'>): Sink {
  const { url, token } = openTarget(drain, sealer)
  const target = targetOf(url)
  return target.kind === 'https' ? httpsSink(target.url, token, outbound) : syslogSink(target, outbound)
}

/** A destroyed app's drains go with it; and what those of the platform remember of it. */
async function withoutOrphans(drains: Drain[], { store }: DrainContext): Promise<Drain[]> {
  if (drains.length === 0) return drains
  const apps = new Set((await loadApps(store)).map(({ id }) => id))
  const orphans = drains.filter(({ appId }) => appId !== null && !apps.has(appId))
  for (const { id } of orphans) await removeDrain(store, id)
  for (const { id } of drains.filter(({ appId }) => appId === null)) {
    const known: AppId[] = [...(await loadDrainPositions(store, id)).keys()]
    await forgetDrainPositions(
      store,
      id,
      known.filter((app) => !apps.has(app)),
    )
  }
  return drains.filter((drain) => !orphans.includes(drain))
}
