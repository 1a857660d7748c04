import { KEEP_EVENTS, trimEvent, type AppEvent, type EventKind } from '../domain/event.ts'
import type { AppId } from '../domain/ids.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'
import { appendLogs } from './logs.ts'
import { MAX_OUTBOX, type OutboxEntry } from './outbox.ts'

/** Of all apps together, for those who follow what happens; each is 6 KB at most. */
export const KEEP_FED_EVENTS = 2_000

/** Records what happened to an app, has its webhooks told, and tells it in its log; nothing when the app is gone. */
export async function appendEvent(store: Store, app: AppId, event: AppEvent): Promise<void> {
  const trimmed = trimEvent(event)
  // What an app printed may be secret, and is not sent anywhere.
  const entry: OutboxEntry = { kind: 'event', appId: app, event: { ...trimmed, lastOutput: [] } }
  await store.appendEvent(
    keys.events(app),
    keys.eventFeed,
    keys.outbox,
    keys.app(app),
    pack(trimmed),
    KEEP_EVENTS,
    app,
    KEEP_FED_EVENTS,
    pack(entry),
    MAX_OUTBOX,
  )
  const { at, process, text } = trimmed
  const by = event.actor === null ? '' : ` (by ${event.actor})`
  const line = { at: new Date(at).toISOString(), source: 'platform' as const, ps: process ?? 'app', line: text + by }
  await appendLogs(store, app, [line])
}

export type EventFilter = {
  limit: number
  /** Only these; left out: all. */
  kinds?: readonly EventKind[] | undefined
  /** Only what happened then or later, ms since 1970. */
  since?: number | undefined
}

/** The newest first. */
export async function loadEvents(store: Store, app: AppId, { limit, kinds, since }: EventFilter): Promise<AppEvent[]> {
  const stored = await store.lrange(keys.events(app), 0, -1)
  return stored
    .map((text) => unpack<AppEvent>(text))
    .filter((event) => event !== null)
    .filter(({ kind, at }) => (kinds?.includes(kind) ?? true) && at >= (since ?? 0))
    .slice(0, limit)
}

export type FedEvent = { app: AppId; event: AppEvent }

/** What happened to any app, in order. @param after the `next` of an earlier read; null: from the oldest that is kept */
export async function readEventFeed(
  store: Store,
  after: string | null,
): Promise<{ events: FedEvent[]; next: string | null }> {
  const rows = await store.xrange(keys.eventFeed, after === null ? '-' : `(${after}`, '+', 'COUNT', KEEP_FED_EVENTS)
  const events = rows.flatMap(([, [, app = '', , text]]) => {
    const event = unpack<AppEvent>(text)
    return event ? [{ app: app as AppId, event }] : []
  })
  return { events, next: rows.at(-1)?.[0] ?? after }
}
