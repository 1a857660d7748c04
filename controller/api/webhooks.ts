/** Webhooks of apps, tenants and the platform. The answers to POST and to a rotation are the only ones that show a secret. */
import type { Request } from 'express'
import {
  createWebhook,
  patchWebhook,
  type DeliveriesView,
  type DeliveryView,
  type WebhookSecretView,
  type WebhooksView,
  type WebhookView,
} from '#core/contract/webhooks.ts'
import { BerthError, badRequest, notFound, outboundRefused, tooManyWebhooks, webhookOff } from '#core/domain/errors.ts'
import { isId, makeId } from '#core/domain/ids.ts'
import { MAX_WEBHOOKS, rotated, usualEvents, type Delivery, type Owner, type Webhook } from '#core/domain/webhook.ts'
import {
  loadDeliveries,
  loadDelivery,
  loadDropped,
  loadHealth,
  loadWebhook,
  loadWebhooks,
  queueDelivery,
  removeWebhook,
  resetHealth,
  saveWebhook,
  settleDelivery,
} from '#core/store/webhooks.ts'
import { faultOfUrl, hostOf, type Outbound } from '../outbound/index.ts'
import { newDelivery } from '../webhooks/expand.ts'
import { testMessage } from '../webhooks/message.ts'
import { makeSecret, sealSecret } from '../webhooks/sign.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import type { ApiContext } from './context.ts'
import { ownersOf, type NamedOwner, type OwnerOf } from './owners.ts'
import { param, type Routes } from './routes.ts'
import { deliveryView, webhookView } from './webhook-views.ts'

export function webhookRoutes(context: ApiContext): Routes {
  const { app, tenant, platform } = ownersOf(context.store)
  return {
    ...routesOf('/apps/:app/webhooks', app, context),
    ...routesOf('/tenants/:tenant/webhooks', tenant, context),
    ...routesOf('/webhooks', platform, context),
  }
}

const routesOf = (path: string, ownerOf: OwnerOf, context: ApiContext): Routes => ({
  [path]: {
    async GET(req, res) {
      const owner = await ownerOf(req)
      const webhooks = (await loadWebhooks(context.store)).filter((webhook) => isOf(webhook, owner))
      webhooks.sort((a, b) => a.createdAt - b.createdAt)
      const views = await Promise.all(webhooks.map((webhook) => viewOf(webhook, owner, context)))
      res.json({ webhooks: views } satisfies WebhooksView)
    },
    async POST(req, res) {
      const made = await add(req, await ownerOf(req), context)
      res.setHeader('Cache-Control', 'no-store')
      res.status(201).json(made)
    },
  },
  [`${path}/:webhook`]: {
    async GET(req, res) {
      const { webhook, owner } = await webhookIn(req, ownerOf, context)
      res.json(await viewOf(webhook, owner, context))
    },
    async PATCH(req, res) {
      res.json(await change(req, ownerOf, context))
    },
    async DELETE(req, res) {
      const { webhook } = await webhookIn(req, ownerOf, context)
      await removeWebhook(context.store, webhook.id)
      context.log.info('webhook removed', { webhookId: webhook.id, actor: callerOf(req).actor })
      res.status(204).end()
    },
  },
  [`${path}/:webhook/rotate`]: {
    async POST(req, res) {
      res.setHeader('Cache-Control', 'no-store')
      res.json(await rotate(req, ownerOf, context))
    },
  },
  [`${path}/:webhook/test`]: {
    async POST(req, res) {
      res.status(202).json(await test(req, ownerOf, context))
    },
  },
  [`${path}/:webhook/deliveries`]: {
    async GET(req, res) {
      const { webhook } = await webhookIn(req, ownerOf, context)
      const deliveries = await loadDeliveries(context.store, webhook.id)
      res.json({ deliveries: deliveries.map(deliveryView) } satisfies DeliveriesView)
    },
  },
  [`${path}/:webhook/deliveries/:delivery`]: {
    async GET(req, res) {
      const { delivery } = await deliveryIn(req, ownerOf, context)
      res.json(deliveryView(delivery))
    },
  },
  [`${path}/:webhook/deliveries/:delivery/redeliver`]: {
    async POST(req, res) {
      res.status(202).json(await redeliver(req, ownerOf, context))
    },
  },
})

async function add(req: Request, owner: NamedOwner, context: ApiContext): Promise<WebhookSecretView> {
  const { store, random, sealer, now, log, turns } = context
  const { url, events } = bodyOf(req, createWebhook)
  await requireReachable(url, context.outbound)
  const id = makeId('w', random(13))
  const secret = makeSecret(random)
  const at = now()
  const webhook: Webhook = {
    id,
    appId: owner.appId,
    tenantId: owner.tenantId,
    url,
    events: [...new Set(events ?? usualEvents)],
    enabled: true,
    secrets: [{ sealed: sealSecret(sealer, id, secret), since: at, until: null }],
    createdAt: at,
    createdBy: callerOf(req).actor,
  }
  await turns.run(`webhooks of ${owner.appId ?? owner.tenantId ?? 'the platform'}`, async () => {
    const others = (await loadWebhooks(store)).filter((one) => isOf(one, owner))
    if (others.length >= MAX_WEBHOOKS) throw tooManyWebhooks(owner.name, MAX_WEBHOOKS)
    await saveWebhook(store, webhook)
  })
  log.info('webhook added', { webhookId: id, appId: owner.appId, tenantId: owner.tenantId, actor: webhook.createdBy })
  return { ...(await viewOf(webhook, owner, context)), secret }
}

async function change(req: Request, ownerOf: OwnerOf, context: ApiContext): Promise<WebhookView> {
  const wish = bodyOf(req, patchWebhook)
  if (wish.url !== undefined) await requireReachable(wish.url, context.outbound)
  const { webhook, owner } = await edit(req, ownerOf, context, (before) => ({
    ...before,
    url: wish.url ?? before.url,
    events: wish.events ? [...new Set(wish.events)] : before.events,
    enabled: wish.enabled ?? before.enabled,
  }))
  if (wish.enabled === true || wish.url !== undefined) await resetHealth(context.store, webhook.id)
  context.log.info('webhook changed', { webhookId: webhook.id, actor: callerOf(req).actor })
  return viewOf(webhook, owner, context)
}

async function rotate(req: Request, ownerOf: OwnerOf, context: ApiContext): Promise<WebhookSecretView> {
  const secret = makeSecret(context.random)
  const { webhook, owner } = await edit(req, ownerOf, context, (before) => ({
    ...before,
    secrets: rotated(before.secrets, sealSecret(context.sealer, before.id, secret), context.now()),
  }))
  context.log.info('webhook secret rotated', { webhookId: webhook.id, actor: callerOf(req).actor })
  return { ...(await viewOf(webhook, owner, context)), secret }
}

/** Changes of one webhook happen in turns; the last of two that change the same wins. */
async function edit(
  req: Request,
  ownerOf: OwnerOf,
  context: ApiContext,
  changed: (before: Webhook) => Webhook,
): Promise<{ webhook: Webhook; owner: NamedOwner }> {
  const { webhook, owner } = await webhookIn(req, ownerOf, context)
  return context.turns.run(`webhook ${webhook.id}`, async () => {
    const before = await loadWebhook(context.store, webhook.id)
    if (!before) throw notFound('webhook', webhook.id)
    const after = changed(before)
    await saveWebhook(context.store, after)
    return { webhook: after, owner }
  })
}

async function test(req: Request, ownerOf: OwnerOf, context: ApiContext): Promise<DeliveryView> {
  const { store, now, random } = context
  const { webhook, owner } = await webhookIn(req, ownerOf, context)
  await requireOn(webhook, context)
  const data = {
    app: owner.appName,
    tenant: owner.tenantId,
    text: `A test of the webhook ${webhook.id}, asked for by ${callerOf(req).actor}`,
  }
  const delivery = newDelivery(testMessage(makeId('t', random(13)), now(), owner, data), now())
  if (!(await queueDelivery(store, webhook.id, delivery)))
    throw badRequest('Too many messages wait for this webhook already. See them with: berth webhooks:deliveries')
  return deliveryView(delivery)
}

/** The same message once more, with its id: a receiver that has it may drop it. */
async function redeliver(req: Request, ownerOf: OwnerOf, context: ApiContext): Promise<DeliveryView> {
  const { store, now } = context
  const { webhook, delivery } = await deliveryIn(req, ownerOf, context)
  await requireOn(webhook, context)
  const again: Delivery = { ...delivery, state: 'pending', since: now(), nextAt: now() }
  if (!(await settleDelivery(store, webhook.id, again, null))) throw notFound('webhook', webhook.id)
  return deliveryView(again)
}

async function requireOn(webhook: Webhook, { store }: ApiContext): Promise<void> {
  if (!webhook.enabled || (await loadHealth(store, webhook.id)).disabled) throw webhookOff(webhook.id)
}

/**
 * As far as that can be said now; it is judged anew for each connection.
 * @throws BAD_REQUEST, OUTBOUND_REFUSED
 */
async function requireReachable(text: string, outbound: Outbound): Promise<void> {
  const fault = faultOfUrl(text)
  if (fault !== null) throw badRequest(`url: ${fault}`)
  const url = new URL(text)
  try {
    const { judgement } = await outbound.addressesOf(hostOf(url))
    if (url.protocol === 'http:' && judgement !== 'named')
      throw outboundRefused('A webhook’s URL must begin with https://')
  } catch (error) {
    // A name that DNS does not know yet may be there by the first delivery, but only over TLS.
    const isUnknown = error instanceof BerthError && error.code === 'OUTBOUND_FAILED'
    if (!isUnknown || url.protocol === 'http:') throw error
  }
}

const isOf = (webhook: Owner, owner: Owner): boolean =>
  webhook.appId === owner.appId && webhook.tenantId === owner.tenantId

/** @throws NOT_FOUND */
async function webhookIn(
  req: Request,
  ownerOf: OwnerOf,
  { store }: ApiContext,
): Promise<{ webhook: Webhook; owner: NamedOwner }> {
  const owner = await ownerOf(req)
  const id = param(req, 'webhook')
  const webhook = isId(id) ? await loadWebhook(store, id) : null
  if (!webhook || !isOf(webhook, owner)) throw notFound('webhook', id)
  return { webhook, owner }
}

/** @throws NOT_FOUND */
async function deliveryIn(
  req: Request,
  ownerOf: OwnerOf,
  context: ApiContext,
): Promise<{ webhook: Webhook; delivery: Delivery }> {
  const { webhook } = await webhookIn(req, ownerOf, context)
  const id = param(req, 'delivery')
  const delivery = await loadDelivery(context.store, webhook.id, id)
  if (!delivery) throw notFound('delivery', id)
  return { webhook, delivery }
}

async function viewOf(webhook: Webhook, owner: NamedOwner, { store, now }: ApiContext): Promise<WebhookView> {
  const [health, dropped] = await Promise.all([loadHealth(store, webhook.id), loadDropped(store, webhook.id)])
  return webhookView(webhook, owner.appName, { health, dropped, now: now() })
}
