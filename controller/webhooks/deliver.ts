/** One try of one delivery: sign, send, write down how it went. */
import { BerthError, messageOf as sentenceOf } from '#core/domain/errors.ts'
import {
  afterAttempt,
  validSecrets,
  type AttemptEnd,
  type Delivery,
  type Webhook,
  type WebhookHealth,
} from '#core/domain/webhook.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Store } from '#core/store/connection.ts'
import { addToOutbox } from '#core/store/outbox.ts'
import { forgetDue, loadDelivery, loadHealth, loadWebhook, settleDelivery } from '#core/store/webhooks.ts'
import type { Random } from '../credentials.ts'
import type { Outbound } from '../outbound/index.ts'
import type { Sealer } from '../secrets.ts'
import type { Turns } from '../turns.ts'
import { openSecret, signatureHeaders } from './sign.ts'

export type DeliverContext = {
  store: Store
  log: Log
  sealer: Sealer
  outbound: Outbound
  random: Random
  now: () => number
}

/** What the receiver does with it should be done later: it is told, not asked. */
const TIMEOUT_MS = 15_000
/** Nothing of an answer's body is kept or shown. */
const MAX_ANSWER_BYTES = 1024

/**
 * Until the result is written down the delivery stays due, so that a kill in between has it sent again rather than never.
 * @param turns of this process, so that of two tries that end together each sees what the other means for their webhook
 * @throws when the signal aborts, or the store cannot be reached
 */
export async function deliver(
  context: DeliverContext,
  turns: Turns,
  { webhookId, id }: { webhookId: string; id: string },
  signal: AbortSignal,
): Promise<void> {
  const { store, now } = context
  const [webhook, delivery] = await Promise.all([loadWebhook(store, webhookId), loadDelivery(store, webhookId, id)])
  if (!webhook || delivery?.state !== 'pending') return forgetDue(store, webhookId, id)
  if (!webhook.enabled || (await loadHealth(store, webhookId)).disabled) {
    await settleDelivery(store, webhookId, giveUp(delivery, now(), 'the webhook is turned off'), null)
    return
  }
  const tried = await attemptTo(context, webhook, delivery, signal)
  await turns.run(webhookId, () => conclude(context, webhook, delivery, tried))
}

type Tried = Omit<AttemptEnd, 'chance'>

/** Somebody may have removed the webhook meanwhile, or turned it on again: the next try finds that. */
async function conclude(context: DeliverContext, webhook: Webhook, delivery: Delivery, tried: Tried): Promise<void> {
  const { store, random } = context
  const [byte = 0] = random(1)
  const health = await loadHealth(store, webhook.id)
  const after = afterAttempt(delivery, health, { ...tried, chance: byte / 255 })
  if (after.health.disabled && !health.disabled) await tellDisabled(context, webhook, after.health)
  await settleDelivery(store, webhook.id, after.delivery, after.health)
}

const giveUp = (delivery: Delivery, at: number, error: string): Delivery => ({
  ...delivery,
  state: 'failed',
  nextAt: null,
  attempts: [...delivery.attempts, { at, status: null, error, tookMs: 0 }],
})

async function attemptTo(
  { sealer, outbound, now }: DeliverContext,
  webhook: Webhook,
  { id, body }: Delivery,
  signal: AbortSignal,
): Promise<Tried> {
  const at = now()
  const secrets = validSecrets(webhook.secrets, at).map(({ sealed }) => openSecret(sealer, webhook.id, sealed))
  const headers = {
    'Content-Type': 'application/json',
    'User-Agent': 'Berth-Webhooks/1',
    ...signatureHeaders(secrets, id, at, body),
  }
  const request = { url: webhook.url, method: 'POST' as const, headers, body }
  try {
    const { status, headers: answered } = await outbound.send(
      { ...request, timeoutMs: TIMEOUT_MS, maxAnswerBytes: MAX_ANSWER_BYTES },
      signal,
    )
    return {
      attempt: { at, status, error: errorOf(status), tookMs: now() - at },
      waitMs: wishOf(answered['retry-after']),
    }
  } catch (error) {
    if (!(error instanceof BerthError)) throw error
    return { attempt: { at, status: null, error: sentenceOf(error), tookMs: now() - at }, waitMs: null }
  }
}

function errorOf(status: number): string | null {
  if (status >= 200 && status < 300) return null
  if (status >= 300 && status < 400)
    return `it answered ${status}; redirects are not followed: set the address that it leads to`
  return `it answered ${status}`
}

/** Retry-After in seconds (RFC 9110 §10.2.3); its other form, a date, is not heeded. */
function wishOf(header: string | string[] | undefined): number | null {
  return typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : null
}

/** Before it is written down: told twice is better than never. */
async function tellDisabled(
  { store, log, now }: DeliverContext,
  webhook: Webhook,
  { disabled }: WebhookHealth,
): Promise<void> {
  const { id, appId, tenantId, url } = webhook
  log.info('webhook disabled', { webhookId: id, appId, tenantId, why: disabled?.why })
  const text = `The webhook ${id} to ${new URL(url).host} is disabled: ${disabled?.why ?? ''}`
  await addToOutbox(store, { kind: 'webhookDisabled', webhookId: id, appId, tenantId, text, at: now() })
}
