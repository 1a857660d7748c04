/**
 * Tells webhooks what happened, where the reconciler leads. What is to be sent stands in the store before and until it was taken,
 * so that whoever leads next goes on where this one ended, killed or not.
 */
import { chooseDue, type InFlight, type SendLimits } from '#core/domain/webhook.ts'
import { repeat } from '#core/runtime/clock.ts'
import { loadApp } from '#core/store/apps.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { forgetDue, loadDue, loadWebhooks, removeWebhook } from '#core/store/webhooks.ts'
import { createTurns } from '../turns.ts'
import { deliver, type DeliverContext } from './deliver.ts'
import { expandOutbox, type ExpandContext } from './expand.ts'

export type WebhookContext = DeliverContext & ExpandContext

const LOOK_EVERY_MS = 1_000
const SWEEP_EVERY_MS = 60_000
const LIMITS: SendLimits = { perWebhook: 2, perTenant: 8, inAll: 64 }
/** Looked at of each webhook: those under way are still due, and there are as many besides. */
const OF_EACH = 2 * LIMITS.perWebhook

/** @param held aborts when this process leads no more */
export async function watchWebhooks(context: WebhookContext, held: AbortSignal): Promise<void> {
  const { log } = context
  const sender = createSender(context, held)
  const every = (ms: number, step: () => Promise<unknown>, what: string) =>
    repeat(
      ms,
      async () => void (await step()),
      held,
      (error) => log.warn(what, { error }),
    )
  await Promise.all([
    every(LOOK_EVERY_MS, () => expandOutbox(context, held), 'outbox not looked at'),
    every(LOOK_EVERY_MS, sender.look, 'due webhooks not looked at'),
    every(SWEEP_EVERY_MS, () => sweepWebhooks(context), 'webhooks not swept'),
  ])
  await sender.idle()
}

export type Sender = {
  /** Begins what is due and may begin. */
  look: () => Promise<void>
  /** Until nothing is under way. */
  idle: () => Promise<void>
}

export function createSender(context: WebhookContext, held: AbortSignal): Sender {
  const { store, log, now } = context
  const turns = createTurns()
  const underWay = new Map<InFlight, Promise<void>>()

  function begin(one: InFlight): void {
    const work = deliver(context, turns, one, held)
      .catch((error: unknown) => {
        if (!held.aborted) log.warn('webhook not sent', { webhookId: one.webhookId, delivery: one.id, error })
      })
      .finally(() => underWay.delete(one))
    underWay.set(one, work)
  }

  return {
    async look() {
      const due = await loadDue(store, now(), OF_EACH)
      if (due.length === 0 || held.aborted) return
      const tenants = new Map((await loadWebhooks(store)).map(({ id, tenantId }) => [id, tenantId]))
      for (const { webhookId, deliveries } of due) if (deliveries.length === 0) await forgetDue(store, webhookId, null)
      const queues = due.map((one) => ({ ...one, tenant: tenants.get(one.webhookId) ?? null }))
      if (held.aborted) return
      for (const one of chooseDue(queues, [...underWay.keys()], LIMITS)) begin(one)
    },
    async idle() {
      await Promise.all(underWay.values())
    },
  }
}

/** Removes those of apps and tenants that are no more. */
export async function sweepWebhooks({ store, log }: Pick<WebhookContext, 'store' | 'log'>): Promise<void> {
  for (const { id, appId, tenantId } of await loadWebhooks(store)) {
    const owner =
      appId !== null ? await loadApp(store, appId) : tenantId === null || (await loadTenant(store, tenantId))
    if (owner) continue
    await removeWebhook(store, id)
    log.info('webhook of a destroyed app removed', { webhookId: id, appId })
  }
}
