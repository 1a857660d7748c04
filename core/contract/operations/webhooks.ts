/** Webhooks and alerts: of an app, of a tenant, of the platform. A webhook's URL often holds a secret, so to look is to write. */
import type { Need } from '../../domain/access.ts'
import { alertQuery, alertRulesView, alertsView, patchAlerts } from '../alerts.ts'
import {
  createWebhook,
  deliveriesView,
  deliveryView,
  patchWebhook,
  webhookSecretView,
  webhooksView,
  webhookView,
} from '../webhooks.ts'
import type { Operation, Operations } from './operation.ts'

/** The same below each owner. */
type Below<P extends string, T> = {
  [R in keyof T as R extends `${infer M} ${infer Rest}` ? `${M} ${P}${Rest}` : never]: T[R]
}

function webhooksOf<P extends `/${string}`>(path: P, whose: string, need: Need) {
  const table = webhooksAt(whose, need)
  const moved = Object.entries(table).map(([route, operation]) => [route.replace(' ', ` ${path}`), operation])
  return Object.fromEntries(moved) as Below<P, typeof table>
}

const webhooksAt = (whose: string, need: Need) =>
  ({
    'GET ': { summary: `List ${whose} webhooks`, need, answer: webhooksView },
    'POST ': {
      summary: `Add a webhook to ${whose}`,
      need,
      body: createWebhook,
      answer: webhookSecretView,
      status: 201,
    },
    'GET /:webhook': { summary: `Show one of ${whose} webhooks`, need, answer: webhookView },
    'PATCH /:webhook': {
      summary: `Change one of ${whose} webhooks`,
      need,
      body: patchWebhook,
      answer: webhookView,
    },
    'DELETE /:webhook': { summary: `Remove one of ${whose} webhooks`, need, status: 204 },
    'POST /:webhook/rotate': {
      summary: `Give one of ${whose} webhooks a new secret`,
      need,
      answer: webhookSecretView,
    },
    'POST /:webhook/test': {
      summary: `Send a test to one of ${whose} webhooks`,
      need,
      answer: deliveryView,
      status: 202,
    },
    'GET /:webhook/deliveries': {
      summary: `List what one of ${whose} webhooks was sent`,
      need,
      answer: deliveriesView,
    },
    'GET /:webhook/deliveries/:delivery': {
      summary: `Show what one of ${whose} webhooks was sent`,
      need,
      answer: deliveryView,
    },
    'POST /:webhook/deliveries/:delivery/redeliver': {
      summary: `Send something to one of ${whose} webhooks again`,
      need,
      answer: deliveryView,
      status: 202,
    },
  }) satisfies Record<string, Operation>

export const webhookOperations = {
  ...webhooksOf('/apps/:app/webhooks', "an app's", 'app:write'),
  ...webhooksOf('/tenants/:tenant/webhooks', "a tenant's", 'tenant:write'),
  ...webhooksOf('/webhooks', "the platform's", 'platform:write'),
} satisfies Operations

export const alertOperations = {
  'GET /alerts': {
    summary: 'List all alerts that you may see',
    need: 'anyone:read',
    query: alertQuery,
    answer: alertsView,
  },
  'GET /alerts/rules': {
    summary: "Show the platform's alert rules",
    need: 'platform:read',
    answer: alertRulesView,
  },
  'PATCH /alerts': {
    summary: "Change the platform's alert rules",
    need: 'platform:write',
    body: patchAlerts,
    answer: alertRulesView,
  },
  'GET /apps/:app/alerts': {
    summary: "List an app's alerts",
    need: 'app:read',
    query: alertQuery,
    answer: alertsView,
  },
  'GET /apps/:app/alerts/rules': {
    summary: "Show an app's alert rules",
    need: 'app:read',
    answer: alertRulesView,
  },
  'PATCH /apps/:app/alerts': {
    summary: "Change an app's alert rules",
    need: 'app:write',
    body: patchAlerts,
    answer: alertRulesView,
  },
  'GET /tenants/:tenant/alerts': {
    summary: "List a tenant's alerts",
    need: 'tenant:read',
    query: alertQuery,
    answer: alertsView,
  },
  'GET /tenants/:tenant/alerts/rules': {
    summary: "Show a tenant's alert rules",
    need: 'tenant:read',
    answer: alertRulesView,
  },
  'PATCH /tenants/:tenant/alerts': {
    summary: "Change a tenant's alert rules",
    need: 'tenant:write',
    body: patchAlerts,
    answer: alertRulesView,
  },
} satisfies Operations
