/** What the simulated API says of webhooks and log drains. What is sent arrives a moment later, as the first look at it shows. */
import { Router, type Request } from 'express'
import type { DrainsView, DrainView } from '#core/contract/drains.ts'
import type {
  CreateWebhook,
  DeliveriesView,
  DeliveryView,
  PatchWebhook,
  WebhookSecretView,
  WebhooksView,
  WebhookView,
} from '#core/contract/webhooks.ts'
import { usualEvents } from '#core/domain/webhook.ts'
import { appOf } from './app-routes.ts'
import { Refusal, type SimulatedApi } from './index.ts'
import { callerOf } from './sessions.ts'

type Kept = { view: WebhookView; deliveries: DeliveryView[] }

const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString()
const SECRET = 'whsec_c2ltdWxhdGVkLXNlY3JldC1vZi1hLXdlYmhvb2s='

export function webhookRoutes(api: SimulatedApi): Router {
  const router = Router()
  const kept = new Map<string, Kept[]>()
  const of = (req: Request): Kept[] => {
    const owner = ownerOf(req, api, 'write')
    const key = JSON.stringify(owner)
    const there = kept.get(key) ?? (owner.app === 'shop' || owner.tenant === null ? beginning(owner) : [])
    kept.set(key, there)
    return there
  }
  const find = (req: Request): Kept => {
    const found = of(req).find(({ view }) => view.id === req.params.webhook)
    if (!found) throw new Refusal(404, 'NOT_FOUND', 'There is no such webhook.')
    return found
  }
  for (const path of ['/apps/:app/webhooks', '/tenants/:tenant/webhooks', '/webhooks']) {
    router.get(path, (req, res) => res.json({ webhooks: of(req).map(({ view }) => view) } satisfies WebhooksView))
    router.post(path, (req, res) => {
      const { url, events = usualEvents } = req.body as CreateWebhook
      if (!url.startsWith('https://'))
        throw new Refusal(400, 'OUTBOUND_REFUSED', 'A webhook’s URL must begin with https://')
      const view = aWebhook(ownerOf(req, api, 'write'), `w-${of(req).length + 1}`, url, { events })
      of(req).push({ view, deliveries: [] })
      res.status(201).json({ ...view, secret: SECRET } satisfies WebhookSecretView)
    })
    router.patch(`${path}/:webhook`, (req, res) => {
      const { view } = find(req)
      const { enabled, ...rest } = req.body as PatchWebhook
      Object.assign(view, rest, enabled === undefined ? {} : { state: enabled ? 'new' : 'off', problem: null })
      res.json(view)
    })
    router.delete(`${path}/:webhook`, (req, res) => {
      of(req).splice(of(req).indexOf(find(req)), 1)
      res.status(204).end()
    })
    router.post(`${path}/:webhook/rotate`, (req, res) => {
      const { view } = find(req)
      view.oldSecretUntil = ago(-24 * 60)
      res.json({ ...view, secret: SECRET } satisfies WebhookSecretView)
    })
    router.post(`${path}/:webhook/test`, (req, res) => {
      const made = aDelivery('webhook.test', { state: 'pending', nextAt: ago(0), attempts: [], attemptCount: 0 })
      find(req).deliveries.unshift(made)
      res.status(202).json(made)
    })
    router.get(`${path}/:webhook/deliveries`, (req, res) => {
      const one = find(req)
      res.json({ deliveries: structuredClone(one.deliveries) } satisfies DeliveriesView)
      arrive(one)
    })
    router.post(`${path}/:webhook/deliveries/:delivery/redeliver`, (req, res) => {
      const delivery = find(req).deliveries.find(({ id }) => id === req.params.delivery)
      if (!delivery) throw new Refusal(404, 'NOT_FOUND', 'There is no such delivery.')
      res.status(202).json(Object.assign(delivery, { state: 'pending', nextAt: ago(0) }))
    })
  }
  return router
}

function arrive({ view, deliveries }: Kept): void {
  for (const delivery of deliveries.filter(({ state }) => state === 'pending')) {
    delivery.attempts.push({ at: ago(0), status: 204, error: null, tookMs: 48 })
    Object.assign(delivery, { state: 'delivered', nextAt: null, attemptCount: delivery.attemptCount + 1 })
    Object.assign(view, { state: 'working', problem: null, failingSince: null, lastSuccess: ago(0) })
  }
}

type Owner = Pick<WebhookView, 'app' | 'tenant'>

/** @throws Refusal for whoever may not do it */
function ownerOf(req: Request, api: SimulatedApi, act: 'read' | 'write'): Owner {
  if (req.params.app !== undefined) {
    const app = appOf(req, api, act)
    return { app: app.name, tenant: app.tenant }
  }
  const { operator, memberships } = callerOf(req)
  const tenant = typeof req.params.tenant === 'string' ? req.params.tenant : null
  const role = memberships.find((membership) => membership.tenant === tenant)?.role
  if (!operator && (role === undefined || (act === 'write' && role === 'viewer')))
    throw new Refusal(403, 'FORBIDDEN', 'This is not for you to do.')
  return { app: null, tenant }
}

const aWebhook = (owner: Owner, id: string, url: string, fields: Partial<WebhookView>): WebhookView => ({
  ...owner,
  id,
  url,
  events: usualEvents,
  state: 'new',
  problem: null,
  failingSince: null,
  lastSuccess: null,
  dropped: 0,
  oldSecretUntil: null,
  createdAt: ago(0),
  createdBy: 'ana@northwind.example',
  ...fields,
})

const aDelivery = (type: DeliveryView['type'], fields: Partial<DeliveryView> = {}): DeliveryView => ({
  id: `m-${type}-${Math.round(Date.parse(fields.createdAt ?? ago(0)) / 1000)}`,
  type,
  state: 'delivered',
  createdAt: ago(0),
  nextAt: null,
  attemptCount: 1,
  attempts: [{ at: fields.createdAt ?? ago(0), status: 204, error: null, tookMs: 61 }],
  body: JSON.stringify({
    type,
    timestamp: fields.createdAt ?? ago(0),
    data: { app: 'shop', tenant: 'northwind', kind: 'released', release: 48, actor: 'ana', text: 'v48 is live' },
  }),
  ...fields,
})

const beginning = (owner: Owner): Kept[] => [
  {
    view: aWebhook(owner, 'w-chat', 'https://hooks.chat.example/services/T0AA/s3cr3t', {
      state: 'working',
      lastSuccess: ago(64),
      createdAt: ago(90_000),
    }),
    deliveries: [
      aDelivery('deploy.succeeded', { createdAt: ago(64) }),
      aDelivery('deploy.started', { createdAt: ago(65) }),
      aDelivery('alert.ended', { createdAt: ago(900) }),
    ],
  },
  {
    view: aWebhook(owner, 'w-pager', 'https://pager.example/in', {
      events: ['alert.*', 'instance.crashed'],
      state: 'failing',
      problem: 'it answered 503',
      failingSince: ago(190),
      lastSuccess: ago(4000),
      createdAt: ago(50_000),
    }),
    deliveries: [
      aDelivery('alert.began', {
        createdAt: ago(190),
        state: 'failed',
        attemptCount: 7,
        attempts: [
          { at: ago(20), status: 503, error: null, tookMs: 1200 },
          { at: ago(5), status: null, error: 'it did not answer within 10 s', tookMs: 10_000 },
        ],
      }),
    ],
  },
]

export function drainRoutes(api: SimulatedApi): Router {
  const router = Router()
  const kept = new Map<string, DrainView[]>()
  const of = (req: Request, act: 'read' | 'write'): DrainView[] => {
    const { app } = ownerOf(req, api, act)
    const there =
      kept.get(app ?? '') ?? (app === 'shop' ? [aDrain(app, 'n-logs', 'syslog+tls://logs.example.com:6514')] : [])
    kept.set(app ?? '', there)
    return there
  }
  for (const path of ['/apps/:app/drains', '/drains']) {
    router.get(path, (req, res) => res.json({ drains: of(req, 'read') } satisfies DrainsView))
    router.post(path, (req, res) => {
      const { url } = req.body as { url: string }
      const { protocol, host, pathname } = new URL(url)
      const shown = `${protocol}//${host}${pathname.length > 1 ? '/…' : ''}`
      const made = aDrain(ownerOf(req, api, 'write').app, `n-${of(req, 'write').length + 1}`, shown)
      of(req, 'write').push(Object.assign(made, { sent: 0, triedAt: null }))
      res.status(201).json(made)
    })
    router.delete(`${path}/:drain`, (req, res) => {
      const drains = of(req, 'write')
      drains.splice(
        drains.findIndex(({ id }) => id === req.params.drain),
        1,
      )
      res.status(204).end()
    })
  }
  return router
}

const aDrain = (app: string | null, id: string, url: string): DrainView => ({
  id,
  app,
  url,
  createdAt: ago(9000),
  createdBy: 'jonas@northwind.example',
  sent: 48_213,
  dropped: 0,
  failure: null,
  triedAt: ago(0),
})
