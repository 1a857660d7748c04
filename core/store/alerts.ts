/** Alerts that go on, those that ended, and what was set about them. */
import {
  KEEP_ENDED,
  noSettings,
  type Alert,
  type AlertNews,
  type AlertSettings,
  type Standing,
} from '../domain/alert.ts'
import type { TenantId } from '../domain/ids.ts'
import type { Owner } from '../domain/webhook.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'
import { MAX_OUTBOX, type OutboxEntry } from './outbox.ts'

/** What is watched, by a key that says what it is; only what is not at rest is kept. */
export async function loadAlertStandings(store: Store): Promise<Map<string, Standing>> {
  const rows = Object.entries(await store.hgetall(keys.alertStandings))
  return new Map(rows.map(([key, text]) => [key, JSON.parse(text) as Standing]))
}

export type AlertChange = { news: AlertNews; alert: Alert }

/** In one transaction: how things stand, what ended, and what is to be told. */
export async function saveAlerts(
  store: Store,
  changed: ReadonlyMap<string, Standing>,
  gone: readonly string[],
  changes: readonly AlertChange[],
  at: number,
): Promise<void> {
  if (changed.size + gone.length + changes.length === 0) return
  const together = store.multi()
  for (const [key, standing] of changed) together.hset(keys.alertStandings, key, pack(standing))
  if (gone.length > 0) together.hdel(keys.alertStandings, ...gone)
  for (const { news, alert } of changes) {
    const entry: OutboxEntry = { kind: 'alert', news, alert, at }
    together.xadd(keys.outbox, 'MAXLEN', '~', MAX_OUTBOX, '*', 'entry', pack(entry))
    if (news !== 'ended') continue
    for (const list of listsOf(alert)) together.lpush(list, pack(alert)).ltrim(list, 0, KEEP_ENDED - 1)
  }
  await together.exec()
}

const listsOf = ({ tenantId }: Alert): string[] => [
  keys.alertsEnded,
  ...(tenantId === null ? [] : [keys.tenantAlertsEnded(tenantId)]),
]

/** Those that go on, the newest first. */
export async function loadAlerts(store: Store): Promise<Alert[]> {
  const standings = await loadAlertStandings(store)
  return [...standings.values()].flatMap(({ alert }) => alert ?? []).sort((a, b) => b.since - a.since)
}

/** Those that ended, the newest first. @param tenant null: of all */
export async function loadEndedAlerts(store: Store, tenant: TenantId | null): Promise<Alert[]> {
  const rows = await store.lrange(tenant === null ? keys.alertsEnded : keys.tenantAlertsEnded(tenant), 0, -1)
  return rows.map((row) => unpack<Alert>(row)).filter((alert) => alert !== null)
}

/** `app:ID`, `tenant:ID`, `platform`. */
export function ownerKey({ appId, tenantId }: Owner): string {
  if (appId !== null) return `app:${appId}`
  return tenantId === null ? 'platform' : `tenant:${tenantId}`
}

export async function loadAlertSettings(store: Store, owner: Owner): Promise<AlertSettings> {
  return { ...noSettings, ...unpack<AlertSettings>(await store.hget(keys.alertSettings, ownerKey(owner))) }
}

/** Of all owners, by ownerKey. */
export async function loadAllAlertSettings(store: Store): Promise<Map<string, AlertSettings>> {
  const rows = Object.entries(await store.hgetall(keys.alertSettings))
  return new Map(rows.map(([key, text]) => [key, { ...noSettings, ...(JSON.parse(text) as AlertSettings) }]))
}

export async function saveAlertSettings(store: Store, owner: Owner, settings: AlertSettings): Promise<void> {
  await store.hset(keys.alertSettings, ownerKey(owner), pack(settings))
}

/** Of owners that are no more, by ownerKey. */
export async function forgetAlertSettings(store: Store, owners: string[]): Promise<void> {
  if (owners.length > 0) await store.hdel(keys.alertSettings, ...owners)
}

/** Whose settings count for what belongs to an owner, the widest first. */
export const ownersAbove = ({ appId, tenantId }: Owner): Owner[] => [
  { appId: null, tenantId: null },
  ...(tenantId === null ? [] : [{ appId: null, tenantId }]),
  ...(appId === null ? [] : [{ appId, tenantId }]),
]
