/** Watches what needs somebody's attention, where the reconciler leads: look, decide (decide.ts), write down, all in one. */
import { makeId } from '#core/domain/ids.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import { loadAlertStandings, saveAlerts } from '#core/store/alerts.ts'
import { decide } from './decide.ts'
import { loadFacts, type FactContext } from './load.ts'
import { readingsOf } from './readings.ts'

export type AlertContext = FactContext & { log: Log; random: (bytes: number) => Uint8Array }

const LOOK_EVERY_MS = 10_000

/** @param held aborts when this process leads no more */
export async function watchAlerts(context: AlertContext, held: AbortSignal): Promise<void> {
  await repeat(
    LOOK_EVERY_MS,
    () => lookAtAlerts(context, held),
    held,
    (error) => context.log.warn('alerts not looked at', { error }),
  )
}

/** Once: all that is watched. */
export async function lookAtAlerts(context: AlertContext, held: AbortSignal): Promise<void> {
  const { store, log, random } = context
  const [before, facts] = await Promise.all([loadAlertStandings(store), loadFacts(context)])
  if (held.aborted) return
  const newId = () => makeId('al', random(13))
  const { changed, gone, changes } = decide(before, readingsOf(facts), facts.now, newId)
  await saveAlerts(store, changed, gone, changes, facts.now)
  for (const { news, alert } of changes) {
    const { id, kind, appId, tenantId, hostId } = alert
    log.info('alert', { news, alertId: id, kind, appId, tenantId, hostId })
  }
}
