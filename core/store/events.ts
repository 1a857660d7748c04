import { KEEP_EVENTS, trimEvent, type AppEvent, type EventKind } from '../domain/event.ts'
import type { AppId } from '../domain/ids.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'
import { appendLogs } from './logs.ts'

/** Records what happened to an app, and tells it in its log; nothing when the app is gone. */
export async function appendEvent(store: Store, app: AppId, event: AppEvent): Promise<void> {
  await store.appendEvent(keys.app(app), keys.events(app), pack(trimEvent(event)), KEEP_EVENTS)
  const { at, process, text } = trimEvent(event)
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
