/** Webhooks: `…/webhooks` of an app, of a tenant (`/tenants/:tenant`) and of the platform. What they are sent: docs/webhooks.md. */
import { z } from 'zod'
import { isEventPattern, webhookEventNames } from '../domain/webhook.ts'

const url = z.string().min(1).max(2000)
const events = z
  .array(
    z
      .string()
      .max(40)
      .refine(isEventPattern, {
        message: `must be *, a topic like deploy.*, or one of ${webhookEventNames.join(', ')}`,
      }),
  )
  .min(1)
  .max(40)

export const createWebhook = z.strictObject({
  url,
  /** Names, topics like `deploy.*`, or `*`; left out: what somebody may have to act on. */
  events: events.optional(),
})
export type CreateWebhook = z.infer<typeof createWebhook>

/** What is left out stays. Turned on, and with another URL, it is tried as if it were new. */
export const patchWebhook = z.strictObject({
  url: url.optional(),
  events: events.optional(),
  enabled: z.boolean().optional(),
})
export type PatchWebhook = z.infer<typeof patchWebhook>

const webhookShape = {
  id: z.string(),
  app: z.string().nullable(),
  tenant: z.string().nullable(),
  url: z.string(),
  events: z.array(z.string()),
  /** `disabled`: nothing arrived for days, so it was given up until it is turned on again. */
  state: z.enum(['new', 'working', 'failing', 'disabled', 'off']),
  /** Why it is failing or disabled. */
  problem: z.string().nullable(),
  failingSince: z.iso.datetime().nullable(),
  lastSuccess: z.iso.datetime().nullable(),
  /** Messages that were not queued, since too many waited. */
  dropped: z.int(),
  /** Until when the secret before the last rotation signs, too. */
  oldSecretUntil: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
  createdBy: z.string(),
}
export const webhookView = z.strictObject(webhookShape)
export type WebhookView = z.infer<typeof webhookView>
export const webhooksView = z.strictObject({ webhooks: z.array(webhookView) })
export type WebhooksView = z.infer<typeof webhooksView>

/** The only time that the secret is shown. */
export const webhookSecretView = z.strictObject({ ...webhookShape, secret: z.string() })
export type WebhookSecretView = z.infer<typeof webhookSecretView>

export const deliveryView = z.strictObject({
  /** The same as in the header `webhook-id`. */
  id: z.string(),
  type: z.enum(webhookEventNames),
  state: z.enum(['pending', 'delivered', 'failed']),
  createdAt: z.iso.datetime(),
  /** When it is tried next. */
  nextAt: z.iso.datetime().nullable(),
  attemptCount: z.int(),
  /** The last ones, the newest last. */
  attempts: z.array(
    z.strictObject({
      at: z.iso.datetime(),
      status: z.int().nullable(),
      error: z.string().nullable(),
      tookMs: z.int(),
    }),
  ),
  /** What is sent, as text. */
  body: z.string(),
})
export type DeliveryView = z.infer<typeof deliveryView>
export const deliveriesView = z.strictObject({ deliveries: z.array(deliveryView) })
export type DeliveriesView = z.infer<typeof deliveriesView>
