/**
 * What is to be told to webhooks and by mail. It is written with what it tells of, and read by the controller that leads, who
 * removes it once everybody whom it concerns has it in their own queue: so a kill at any moment loses nothing.
 */
import type { Alert, AlertNews } from '../domain/alert.ts'
import type { AppEvent } from '../domain/event.ts'
import type { AppId, DeployId } from '../domain/ids.ts'
import type { Owner } from '../domain/webhook.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

export type OutboxEntry =
  | { kind: 'event'; appId: AppId; event: AppEvent }
  | { kind: 'deployStarted'; appId: AppId; deployId: DeployId; actor: string; text: string; at: number }
  | { kind: 'alert'; news: AlertNews; alert: Alert; at: number }
  | ({ kind: 'webhookDisabled'; webhookId: string; text: string; at: number } & Owner)

/** So many wait at most while no controller leads; then the oldest are lost. */
export const MAX_OUTBOX = 20_000

export async function addToOutbox(store: Store, entry: OutboxEntry): Promise<void> {
  await store.xadd(keys.outbox, 'MAXLEN', '~', MAX_OUTBOX, '*', 'entry', pack(entry))
}

/** The oldest, with ids that are unique as long as the store keeps its data. */
export async function readOutbox(store: Store, most: number): Promise<{ id: string; entry: OutboxEntry }[]> {
  const rows = await store.xrange(keys.outbox, '-', '+', 'COUNT', most)
  return rows.flatMap(([id, fields]) => {
    const entry = unpack<OutboxEntry>(fields[1])
    return entry ? [{ id, entry }] : []
  })
}

export async function removeFromOutbox(store: Store, ids: string[]): Promise<void> {
  if (ids.length > 0) await store.xdel(keys.outbox, ...ids)
}

/** How many wait. */
export const outboxLength = (store: Store): Promise<number> => store.xlen(keys.outbox)
