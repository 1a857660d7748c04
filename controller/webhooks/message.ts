/** What a webhook is sent, made of what waits in the outbox. */
import type { AlertView } from '#core/contract/alerts.ts'
import type { Alert } from '#core/domain/alert.ts'
import type { App } from '#core/domain/app.ts'
import type { OutboxEntry } from '#core/store/outbox.ts'
import { eventTypes, type Owner, type WebhookEvent } from '#core/domain/webhook.ts'

/** The body's shape is Standard Webhooks': type, timestamp, data. */
export type Message = { id: string; type: WebhookEvent; about: Owner; body: string }
export type About = Pick<App, 'id' | 'name' | 'tenantId'>

/**
 * @param id of the entry; the same for everybody who is told, so that a receiver can drop what it has
 * @param app that the entry names; null: it is gone
 * @returns null for what concerns nobody any more
 */
export function messageOf(id: string, entry: OutboxEntry, app: About | null): Message | null {
  if (entry.kind === 'alert') {
    const { appId, tenantId } = entry.alert
    return message(id, `alert.${entry.news}`, entry.at, { appId, tenantId }, alertView(entry.alert))
  }
  if (entry.kind === 'webhookDisabled') {
    const { appId, tenantId, webhookId, text, at } = entry
    return message(id, 'webhook.disabled', at, { appId, tenantId }, { webhook: webhookId, text })
  }
  if (!app) return null
  const about = { appId: app.id, tenantId: app.tenantId }
  const owner = { app: app.name, tenant: app.tenantId }
  if (entry.kind === 'deployStarted') {
    const { deployId, actor, text } = entry
    return message(id, 'deploy.started', entry.at, about, { ...owner, deploy: deployId, actor, text })
  }
  const { at, kind, process, instance, release, actor, text } = entry.event
  return message(id, eventTypes[kind], at, about, { ...owner, kind, process, instance, release, actor, text })
}

export const testMessage = (id: string, at: number, about: Owner, data: Record<string, unknown>): Message =>
  message(id, 'webhook.test', at, about, data)

/** @param id as Redis has it, `1763751447000-0` */
function message(id: string, type: WebhookEvent, at: number, about: Owner, data: unknown): Message {
  const body = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data })
  return { id: `msg-${id}`, type, about, body }
}

export const alertView = (alert: Alert): AlertView => ({
  id: alert.id,
  kind: alert.kind,
  state: alert.until === null ? 'firing' : 'ended',
  app: alert.appName,
  tenant: alert.tenantId,
  host: alert.hostId,
  since: new Date(alert.since).toISOString(),
  until: alert.until === null ? null : new Date(alert.until).toISOString(),
  text: alert.text,
})
