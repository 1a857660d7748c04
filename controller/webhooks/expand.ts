/** From the outbox into the queues of those who want to be told. All of it may be done twice: what is there already stays. */
import { isMuted, type AlertSettings } from '#core/domain/alert.ts'
import type { AppId } from '#core/domain/ids.ts'
import { concerns, wants, type Delivery, type Owner, type Webhook } from '#core/domain/webhook.ts'
import type { Log } from '#core/runtime/log.ts'
import { loadAllAlertSettings, ownerKey, ownersAbove } from '#core/store/alerts.ts'
import { loadApp } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { addMailLine } from '#core/store/mails.ts'
import { MAX_OUTBOX, outboxLength, readOutbox, removeFromOutbox, type OutboxEntry } from '#core/store/outbox.ts'
import { loadHealth, loadWebhooks, queueDelivery } from '#core/store/webhooks.ts'
import { mailLineOf } from '../alerts/mail-text.ts'
import { messageOf, type About, type Message } from './message.ts'

export type ExpandContext = {
  store: Store
  log: Log
  now: () => number
  /** Whether anything is sent by mail. */
  mails: boolean
}

const AT_ONCE = 200

/** Once: all that waits. @returns how many entries there were */
export async function expandOutbox(context: ExpandContext, held: AbortSignal): Promise<number> {
  const { store, log } = context
  let count = 0
  for (;;) {
    const entries = await readOutbox(store, AT_ONCE)
    if (entries.length === 0 || held.aborted) return count
    if (count === 0 && entries.length === AT_ONCE && (await outboxLength(store)) >= MAX_OUTBOX)
      log.warn('outbox was full: the oldest of what was to be told is lost', { most: MAX_OUTBOX })
    await expand(context, entries)
    await removeFromOutbox(
      store,
      entries.map(({ id }) => id),
    )
    count += entries.length
  }
}

async function expand(context: ExpandContext, entries: { id: string; entry: OutboxEntry }[]): Promise<void> {
  const { store, now } = context
  const [webhooks, settings] = await Promise.all([loadWorking(store), loadAllAlertSettings(store)])
  if (webhooks.length === 0 && !context.mails) return
  const apps = await loadAbout(store, entries)
  for (const { id, entry } of entries) {
    const message = messageOf(id, entry, apps.get(appOf(entry)) ?? null)
    if (!message || isSilenced(entry, message.about, settings, now())) continue
    for (const webhook of webhooks) await queueFor(store, webhook, message, now())
    if (context.mails) await mailFor(store, id, entry, message.about)
  }
}

/** What was turned off collects nothing. */
async function loadWorking(store: Store): Promise<Webhook[]> {
  const webhooks = (await loadWebhooks(store)).filter(({ enabled }) => enabled)
  const healths = await Promise.all(webhooks.map(({ id }) => loadHealth(store, id)))
  return webhooks.filter((_, index) => !healths[index]?.disabled)
}

/** The app that an entry names; an alert brings what is told of its. */
const appOf = (entry: OutboxEntry): AppId | null =>
  entry.kind === 'event' || entry.kind === 'deployStarted' ? entry.appId : null

async function loadAbout(store: Store, entries: { entry: OutboxEntry }[]): Promise<Map<AppId | null, About>> {
  const ids = new Set(entries.flatMap(({ entry }) => appOf(entry) ?? []))
  const apps = await Promise.all([...ids].map((id) => loadApp(store, id)))
  return new Map(apps.flatMap((app) => (app ? [[app.id, app] as const] : [])))
}

function isSilenced(
  entry: OutboxEntry,
  about: Owner,
  settings: ReadonlyMap<string, AlertSettings>,
  now: number,
): boolean {
  if (entry.kind !== 'alert') return false
  const above = ownersAbove(about).flatMap((owner) => settings.get(ownerKey(owner)) ?? [])
  return isMuted(entry.alert.kind, above, now)
}

async function queueFor(store: Store, webhook: Webhook, message: Message, now: number): Promise<void> {
  if (!concerns(webhook, message.about) || !wants(webhook, message.type)) return
  await queueDelivery(store, webhook.id, newDelivery(message, now))
}

export const newDelivery = ({ id, type, body }: Message, now: number): Delivery => ({
  id,
  type,
  body,
  createdAt: now,
  state: 'pending',
  attempts: [],
  attemptCount: 0,
  since: now,
  nextAt: now,
})

async function mailFor(store: Store, id: string, entry: OutboxEntry, about: Owner): Promise<void> {
  const line = mailLineOf(entry)
  if (line) await addMailLine(store, ownerKey(about), id, line)
}
