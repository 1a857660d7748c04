/** Webhooks in words: what each event means, which of them somebody chose, and how a delivery went. */
import type { DeliveryView, WebhookView } from '../../../core/contract/webhooks.ts'
import type { DrainView } from '../../../core/contract/drains.ts'
import { milliseconds } from './format.ts'
import { sentence, type Word } from './words.ts'

type WebhookEvent = DeliveryView['type']

/** As in core/domain/webhook.ts; a test is always sent, so there is nothing to choose. */
const events: Record<Exclude<WebhookEvent, 'webhook.test'>, string> = {
  'deploy.started': 'a deploy has begun',
  'deploy.succeeded': 'a release is live',
  'deploy.failed': 'a deploy failed, or was cancelled',
  'release.fellBack': 'a release crashed and gave way to the one before it',
  'alert.began': 'something needs attention',
  'alert.worsened': 'it became worse',
  'alert.ended': 'it is over',
  'instance.started': 'an instance was started',
  'instance.ready': 'an instance answers',
  'instance.stopped': 'an instance was stopped',
  'instance.crashed': 'an instance ended although it should run, or could not be started',
  'instance.capped': 'an instance ran into a limit of its network',
  'app.scaled': 'somebody scaled or resized',
  'app.scaleRefused': 'an instance could not be resized',
  'app.paused': 'an app was paused',
  'app.resumed': 'an app runs again',
  'app.suspended': 'an app was stopped by its plan or an operator',
  'app.changed': 'settings of an app were changed',
  'run.ended': 'a command that runs once has ended',
  'run.failed': 'a command that runs once ran out of time or of room',
  'cron.missed': 'a job was not run',
  'cron.skipped': 'a job was left out, since the run before it was under way',
  'domain.added': 'a domain was added',
  'domain.verified': 'a domain was verified',
  'domain.removed': 'a domain was removed',
  'quota.reached': 'so much of the month’s budget is used',
  'webhook.disabled': 'another webhook was given up',
}

export type Topic = { name: string; title: string; events: { name: string; about: string }[] }

const topicOf = (event: string): string => event.slice(0, event.indexOf('.'))

export const topics: Topic[] = [...new Set(Object.keys(events).map(topicOf))].map((topic) => ({
  name: `${topic}.*`,
  title: sentence(topic),
  events: Object.entries(events)
    .filter(([name]) => topicOf(name) === topic)
    .map(([name, about]) => ({ name, about })),
}))

export const isChosen = (chosen: readonly string[], name: string): boolean =>
  chosen.includes(name) || chosen.includes('*') || chosen.includes(`${topicOf(name)}.*`)

/** A topic holds its events, and those that may be added to it: they need not be named beside it. */
export function toggled(chosen: readonly string[], name: string): string[] {
  if (chosen.includes(name)) return chosen.filter((one) => one !== name)
  const isTopic = name.endsWith('.*')
  return [...chosen.filter((one) => !isTopic || topicOf(one) !== topicOf(name)), name]
}

const webhookStates: Record<WebhookView['state'], Word> = {
  new: { text: 'Not tried yet', tone: 'idle' },
  working: { text: 'Working', tone: 'good' },
  failing: { text: 'Failing', tone: 'busy' },
  disabled: { text: 'Given up', tone: 'bad' },
  off: { text: 'Off', tone: 'idle' },
}
export const webhookState = ({ state }: Pick<WebhookView, 'state'>): Word => webhookStates[state]

const deliveryStates: Record<DeliveryView['state'], Word> = {
  pending: { text: 'Waiting', tone: 'busy' },
  delivered: { text: 'Delivered', tone: 'good' },
  failed: { text: 'Failed', tone: 'bad' },
}
export const deliveryState = ({ state }: Pick<DeliveryView, 'state'>): Word => deliveryStates[state]

/** `204 in 48 ms`, or why there was no answer. */
export const attemptText = ({ status, error, tookMs }: DeliveryView['attempts'][number]): string =>
  error ?? `${status ?? 'no answer'} in ${milliseconds(tookMs)}`

/** Without its path, which often holds a secret. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return url
  const { host, pathname, search } = new URL(url)
  return `${host}${pathname.length > 1 || search !== '' ? '/…' : ''}`
}

/** What is typed to confirm that one is removed. */
export const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url)

export function drainState({ failure, triedAt }: Pick<DrainView, 'failure' | 'triedAt'>): Word {
  if (failure !== null) return { text: 'Failing', tone: 'bad' }
  return triedAt === null ? { text: 'Not tried yet', tone: 'idle' } : { text: 'Working', tone: 'good' }
}

/** Text as it was sent, made readable where it is JSON. */
export function readable(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body
  }
}
