/** Webhooks and their deliveries as the API shows them: without what is secret. */
import type { DeliveryView, WebhookView } from '#core/contract/webhooks.ts'
import { validSecrets, type Delivery, type Webhook, type WebhookHealth } from '#core/domain/webhook.ts'

const iso = (at: number): string => new Date(at).toISOString()
const isoOrNull = (at: number | null): string | null => (at === null ? null : iso(at))

export function webhookView(
  webhook: Webhook,
  appName: string | null,
  { health, dropped, now }: { health: WebhookHealth; dropped: number; now: number },
): WebhookView {
  const [, old] = validSecrets(webhook.secrets, now)
  return {
    id: webhook.id,
    app: appName,
    tenant: webhook.tenantId,
    url: webhook.url,
    events: webhook.events,
    state: stateOf(webhook, health),
    problem: health.disabled?.why ?? (health.failingSince === null ? null : health.lastError),
    failingSince: isoOrNull(health.failingSince),
    lastSuccess: isoOrNull(health.lastSuccess),
    dropped,
    oldSecretUntil: isoOrNull(old?.until ?? null),
    createdAt: iso(webhook.createdAt),
    createdBy: webhook.createdBy,
  }
}

function stateOf({ enabled }: Webhook, { disabled, failingSince, lastSuccess }: WebhookHealth): WebhookView['state'] {
  if (!enabled) return 'off'
  if (disabled) return 'disabled'
  if (failingSince !== null) return 'failing'
  return lastSuccess === null ? 'new' : 'working'
}

export const deliveryView = ({
  id,
  type,
  state,
  createdAt,
  nextAt,
  attemptCount,
  attempts,
  body,
}: Delivery): DeliveryView => ({
  id,
  type,
  state,
  createdAt: iso(createdAt),
  nextAt: isoOrNull(nextAt),
  attemptCount,
  attempts: attempts.map(({ at, ...attempt }) => ({ at: iso(at), ...attempt })),
  body,
})
