/** webhooks, webhooks:add, :set, :on, :off, :remove, :test, :deliveries, :redeliver, :rotate. */
import type { DeliveryView, PatchWebhook, WebhookSecretView, WebhookView } from '#core/contract/webhooks.ts'
import type { Context, Options, Run } from '../context.ts'
import { failed, usage } from '../failures.ts'
import { formatDuration, formatSince, type Cell } from '../text.ts'
import { ownerOf, type Owner } from './owner.ts'

export const list: Run = async (context, _args, options) => {
  const { out, now } = context
  const owner = await ownerOf(context, options)
  const view = await (await context.client()).get(`${owner.at}/webhooks`, owner.names)
  if (options.json) return out.json(view)
  if (view.webhooks.length === 0)
    return out.line(`There are no webhooks of ${owner.name}. Add one with: berth webhooks:add URL ${owner.flags}`)
  out.table(
    ['WEBHOOK', 'STATE', 'LAST SUCCESS', 'EVENTS', 'URL'],
    view.webhooks.map((webhook) => [
      webhook.id,
      states[webhook.state],
      webhook.lastSuccess === null ? '-' : formatSince(webhook.lastSuccess, now()),
      webhook.events.join(' '),
      webhook.url,
    ]),
    view.webhooks.map(notesOf),
  )
}

export const add: Run = async (context, [url = '', ...events], options) => {
  const owner = await ownerOf(context, options)
  const body = { url, ...(events.length === 0 ? {} : { events }) }
  const made = await (await context.client()).post(`${owner.at}/webhooks`, { ...owner.names, body })
  if (options.json) return context.out.json(made)
  context.out.line(`Added ${made.id} to ${owner.name}, for ${made.events.join(' ')}.`)
  showSecret(context, made)
  context.out.note(`Try it with: berth webhooks:test ${made.id} ${owner.flags}`)
}

export const set: Run = async (context, [id = '', ...events], options) => {
  const change: PatchWebhook = {
    ...(options.url === undefined ? {} : { url: options.url }),
    ...(events.length === 0 ? {} : { events }),
  }
  if (Object.keys(change).length === 0) throw usage('Name events, or a new --url, or both.')
  const view = await patch(context, id, change, options)
  if (!options.json) context.out.line(`${id} is sent ${view.events.join(' ')}, to ${view.url}`)
}

export const on: Run = async (context, [id = ''], options) => {
  await patch(context, id, { enabled: true }, options)
  if (!options.json) context.out.line(`${id} is on.`)
}

export const off: Run = async (context, [id = ''], options) => {
  await patch(context, id, { enabled: false }, options)
  if (!options.json) context.out.line(`${id} is off; what happens meanwhile is not kept for it.`)
}

export const remove: Run = async (context, [id = ''], options) => {
  const { at, names } = await webhookAt(context, id, options)
  const answer = await (await context.client()).delete(at, names)
  if (options.json) context.out.json(answer)
  else context.out.line(`Removed ${id}.`)
}

export const rotate: Run = async (context, [id = ''], options) => {
  const { at, names } = await webhookAt(context, id, options)
  const view = await (await context.client()).post(`${at}/rotate`, names)
  if (options.json) return context.out.json(view)
  showSecret(context, view)
  if (view.oldSecretUntil !== null)
    context.out.line(`Messages are signed with the one before, too, until ${view.oldSecretUntil}.`)
}

const ASK_EVERY_MS = 500
/** The receiver has 15 s, and the sender looks every second. */
const TEST_WITHIN_MS = 25_000

export const test: Run = async (context, [id = ''], options) => {
  const webhook = await webhookAt(context, id, options)
  const sent = await (await context.client()).post(`${webhook.at}/test`, webhook.names)
  if (!options.json) context.out.note(`Sending a test to ${id} …`)
  const delivery = await firstTry(context, webhook, sent.id)
  if (options.json) context.out.json(delivery)
  const last = delivery.attempts.at(-1)
  if (delivery.state === 'delivered') {
    if (!options.json) context.out.line(`Delivered in ${formatDuration(last?.tookMs ?? 0)} (${last?.status ?? '-'}).`)
    return
  }
  throw failed(
    last
      ? `It was not taken: ${last.error ?? 'there was no answer'}`
      : `It was not sent yet. See how it goes with: berth webhooks:deliveries ${id} ${webhook.flags}`,
  )
}

async function firstTry(context: Context, { at, names }: Webhook, id: string): Promise<DeliveryView> {
  const client = await context.client()
  const until = context.now() + TEST_WITHIN_MS
  for (;;) {
    const delivery = await client.get(`${at}/deliveries/:delivery`, { ...names, delivery: id })
    if (delivery.attemptCount > 0 || context.now() > until) return delivery
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS))
  }
}

export const deliveries: Run = async (context, [id = ''], options) => {
  const { out, now } = context
  const { at, names } = await webhookAt(context, id, options)
  const view = await (await context.client()).get(`${at}/deliveries`, names)
  if (options.json) return out.json(view)
  if (view.deliveries.length === 0) return out.line(`${id} was sent nothing yet.`)
  out.table(
    ['DELIVERY', 'EVENT', 'SINCE', 'STATE', 'TRIES', 'NEXT'],
    view.deliveries.map((delivery) => [
      delivery.id,
      delivery.type,
      formatSince(delivery.createdAt, now()),
      deliveryStates[delivery.state],
      String(delivery.attemptCount),
      nextCell(delivery, now()),
    ]),
    view.deliveries.map(({ attempts }) => {
      const error = attempts.at(-1)?.error
      return error === null || error === undefined ? [] : [`    ${error}`]
    }),
  )
}

export const redeliver: Run = async (context, [id = '', delivery = ''], options) => {
  const { at, names, flags } = await webhookAt(context, id, options)
  const client = await context.client()
  const view = await client.post(`${at}/deliveries/:delivery/redeliver`, { ...names, delivery })
  if (options.json) return context.out.json(view)
  context.out.line(`${delivery} is sent to ${id} again, with the same id.`)
  context.out.note(`How it went: berth webhooks:deliveries ${id} ${flags}`)
}

type Webhook = { at: `${Owner['at']}/webhooks/:webhook`; names: Owner['names'] & { webhook: string }; flags: string }

async function webhookAt(context: Context, id: string, options: Options): Promise<Webhook> {
  if (!/^w-[a-z2-7]{1,40}$/.test(id)) throw usage(`"${id}" is not a webhook: write its id as berth webhooks shows it.`)
  const { at, names, flags } = await ownerOf(context, options)
  return { at: `${at}/webhooks/:webhook`, names: { ...names, webhook: id }, flags }
}

async function patch(context: Context, id: string, change: PatchWebhook, options: Options): Promise<WebhookView> {
  const { at, names } = await webhookAt(context, id, options)
  const view = await (await context.client()).patch(at, { ...names, body: change })
  if (options.json) context.out.json(view)
  return view
}

function showSecret({ out }: Context, { secret }: WebhookSecretView): void {
  out.line(`Its secret, shown this once: ${secret}`)
}

const states: Record<WebhookView['state'], Cell> = {
  new: 'new',
  working: { text: 'working', colour: 'green' },
  failing: { text: 'failing', colour: 'yellow' },
  disabled: { text: 'given up', colour: 'red' },
  off: { text: 'off', colour: 'grey' },
}

const deliveryStates: Record<DeliveryView['state'], Cell> = {
  pending: { text: 'waiting', colour: 'yellow' },
  delivered: { text: 'delivered', colour: 'green' },
  failed: { text: 'failed', colour: 'red' },
}

const notesOf = ({ problem, dropped }: WebhookView): string[] => [
  ...(problem === null ? [] : [`    ${problem}`]),
  ...(dropped === 0 ? [] : [`    ${dropped} messages were dropped, since too many waited`]),
]

function nextCell({ nextAt }: DeliveryView, now: number): Cell {
  if (nextAt === null) return '-'
  const left = Date.parse(nextAt) - now
  return left <= 1000 ? 'now' : `in ${formatDuration(left)}`
}
