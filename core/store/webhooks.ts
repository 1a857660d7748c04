/** Webhooks, and the queue of what is sent to each. */
import { untried, type Delivery, type Webhook, type WebhookHealth } from '../domain/webhook.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

/** Waiting for one webhook, and kept of those that are over. */
const MAX_PENDING = 500
const KEEP_OVER = 50

export async function saveWebhook(store: Store, webhook: Webhook): Promise<void> {
  await store.hset(keys.webhooks, webhook.id, pack(webhook))
}

export const loadWebhook = async (store: Store, id: string): Promise<Webhook | null> =>
  unpack<Webhook>(await store.hget(keys.webhooks, id))

export async function loadWebhooks(store: Store): Promise<Webhook[]> {
  const rows = await store.hvals(keys.webhooks)
  return rows.map((row) => unpack<Webhook>(row)).filter((webhook) => webhook !== null)
}

/** With all that waits for it, and all that was sent. */
export async function removeWebhook(store: Store, id: string): Promise<void> {
  await store
    .multi()
    .hdel(keys.webhooks, id)
    .hdel(keys.webhookHealth, id)
    .hdel(keys.webhookDropped, id)
    .zrem(keys.webhooksDue, id)
    .del(keys.webhookDeliveries(id), keys.webhookOver(id), keys.webhookQueue(id))
    .exec()
}

export async function loadHealth(store: Store, id: string): Promise<WebhookHealth> {
  return unpack<WebhookHealth>(await store.hget(keys.webhookHealth, id)) ?? untried
}

/** As if it had never been tried: its owner turned it on again, or changed where it leads. */
export async function resetHealth(store: Store, id: string): Promise<void> {
  await store.multi().hdel(keys.webhookHealth, id).hdel(keys.webhookDropped, id).exec()
}

/** How many messages were not queued because too many waited. */
export const loadDropped = async (store: Store, id: string): Promise<number> =>
  Number((await store.hget(keys.webhookDropped, id)) ?? 0)

const queueOf = (id: string) => [
  keys.webhooks,
  keys.webhookDeliveries(id),
  keys.webhookOver(id),
  keys.webhookQueue(id),
  keys.webhooksDue,
]

/** @returns false when it was not queued: the webhook is gone, has it already, or too many wait */
export async function queueDelivery(store: Store, webhookId: string, delivery: Delivery): Promise<boolean> {
  const { id, nextAt } = delivery
  const queued = await store.queueDelivery(
    ...queueOf(webhookId),
    keys.webhookDropped,
    webhookId,
    id,
    pack(delivery),
    nextAt ?? 0,
    MAX_PENDING,
  )
  return queued === 1
}

/**
 * Writes how a delivery stands.
 * @param health null: as before
 * @returns false when the webhook is gone
 */
export async function settleDelivery(
  store: Store,
  webhookId: string,
  delivery: Delivery,
  health: WebhookHealth | null,
): Promise<boolean> {
  const settled = await store.settleDelivery(
    ...queueOf(webhookId),
    keys.webhookHealth,
    webhookId,
    delivery.id,
    pack(delivery),
    delivery.nextAt ?? '',
    KEEP_OVER,
    health ? pack(health) : '',
  )
  return settled === 1
}

export const loadDelivery = async (store: Store, webhookId: string, id: string): Promise<Delivery | null> =>
  unpack<Delivery>(await store.hget(keys.webhookDeliveries(webhookId), id))

/** The newest first. */
export async function loadDeliveries(store: Store, webhookId: string): Promise<Delivery[]> {
  const rows = await store.hvals(keys.webhookDeliveries(webhookId))
  return rows
    .map((row) => unpack<Delivery>(row))
    .filter((delivery) => delivery !== null)
    .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
}

/** What is to be sent to one webhook, the longest due first. */
export type DueWebhook = { webhookId: string; deliveries: string[] }

/** @param most of each webhook */
export async function loadDue(store: Store, until: number, most: number): Promise<DueWebhook[]> {
  const ids = await store.zrangebyscore(keys.webhooksDue, '-inf', until)
  return Promise.all(
    ids.map(async (webhookId) => {
      const queue = keys.webhookQueue(webhookId)
      return { webhookId, deliveries: await store.zrangebyscore(queue, '-inf', until, 'LIMIT', 0, most) }
    }),
  )
}

/** Of a delivery that is not there any more, or not to be sent. @param deliveryId null: only says anew when something is due */
export async function forgetDue(store: Store, webhookId: string, deliveryId: string | null): Promise<void> {
  await store.forgetDelivery(keys.webhookQueue(webhookId), keys.webhooksDue, webhookId, deliveryId ?? '')
}
