import type { AppEvent } from '../domain/event.ts'
import type { AppId } from '../domain/ids.ts'
import { pack, type Store } from './connection.ts'
import { keys } from './keys.ts'

const KEEP_EVENTS = 500

/** Records what happened to an app, the newest first. */
export async function appendEvent(store: Store, app: AppId, event: AppEvent): Promise<void> {
  await store
    .multi()
    .lpush(keys.events(app), pack(event))
    .ltrim(keys.events(app), 0, KEEP_EVENTS - 1)
    .exec()
}
