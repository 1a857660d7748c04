/** Webhooks: what is told to whom, and when a delivery is tried again or given up. Deliveries are at least once, in no order. */
import type { EventKind } from './event.ts'
import type { AppId, TenantId } from './ids.ts'

/** THE list of what can be told. What a topic (`deploy.*`) holds may grow. */
export const webhookEvents = {
  'deploy.started': 'a deploy has begun',
  'deploy.succeeded': 'a release is live',
  'deploy.failed': 'a deploy failed, or was cancelled',
  'release.fellBack': 'a release crashed and gave way to the one before it',
  'app.scaled': 'somebody scaled or resized',
  'app.scaleRefused': 'an instance could not be resized',
  'app.paused': 'an app was paused',
  'app.resumed': 'an app runs again',
  'app.suspended': 'an app was stopped by its plan or an operator',
  'app.changed': 'settings of an app were changed',
  'instance.started': 'an instance was started',
  'instance.ready': 'an instance answers',
  'instance.stopped': 'an instance was stopped',
  'instance.crashed': 'an instance ended although it should run, or could not be started',
  'instance.capped': 'an instance ran into a limit of its network',
  'run.ended': 'a command that runs once has ended',
  'run.failed': 'a command that runs once ran out of time or of room',
  'cron.missed': 'a job was not run',
  'cron.skipped': 'a job was left out, since the run before it was under way',
  'domain.added': 'a domain was added',
  'domain.verified': 'a domain was verified',
  'domain.removed': 'a domain was removed',
  'quota.reached': 'so much of the month’s budget is used',
  'alert.began': 'something needs attention',
  'alert.worsened': 'it became worse',
  'alert.ended': 'it is over',
  'webhook.disabled': 'another webhook was given up',
  'webhook.test': 'somebody asked for a test; always sent',
} as const
export type WebhookEvent = keyof typeof webhookEvents
export const webhookEventNames = Object.keys(webhookEvents) as WebhookEvent[]

/** An event by its name, or all of a topic: `deploy.*`, or all there are: `*`. */
export const isEventPattern = (text: string): boolean =>
  text === '*' || Object.hasOwn(webhookEvents, text) || (text.endsWith('.*') && topics.has(text.slice(0, -2)))

const topics = new Set(webhookEventNames.map((name) => name.slice(0, name.indexOf('.'))))

/** What is told where nobody said what: all that somebody may have to act on. */
export const usualEvents = ['deploy.*', 'release.*', 'alert.*', 'instance.crashed', 'app.suspended', 'webhook.disabled']

/** What happened to an app, as webhooks tell it. */
export const eventTypes: Record<EventKind, WebhookEvent> = {
  exited: 'instance.crashed',
  outOfMemory: 'instance.crashed',
  diskFull: 'instance.crashed',
  neverListened: 'instance.crashed',
  wrongPort: 'instance.crashed',
  probeFailed: 'instance.crashed',
  startFailed: 'instance.crashed',
  lost: 'instance.crashed',
  stopped: 'instance.stopped',
  hostStopped: 'instance.stopped',
  completed: 'run.ended',
  clientGone: 'run.ended',
  timedOut: 'run.failed',
  notPlaced: 'run.failed',
  released: 'deploy.succeeded',
  releaseFailed: 'deploy.failed',
  fellBack: 'release.fellBack',
  started: 'instance.started',
  ready: 'instance.ready',
  scaled: 'app.scaled',
  resized: 'app.scaled',
  resizeRefused: 'app.scaleRefused',
  paused: 'app.paused',
  resumed: 'app.resumed',
  suspended: 'app.suspended',
  budget: 'quota.reached',
  stackChanged: 'app.changed',
  quotaChanged: 'app.changed',
  routingChanged: 'app.changed',
  checksChanged: 'app.changed',
  cronChanged: 'app.changed',
  buildChanged: 'app.changed',
  drainChanged: 'app.changed',
  entered: 'app.changed',
  connectionsCapped: 'instance.capped',
  connectionRateCapped: 'instance.capped',
  lookupRateCapped: 'instance.capped',
  mailRefused: 'instance.capped',
  domainAdded: 'domain.added',
  domainVerified: 'domain.verified',
  domainRemoved: 'domain.removed',
  cronMissed: 'cron.missed',
  cronSkipped: 'cron.skipped',
}

/** Whose something is: an app's; with a null app a tenant's; with both null the platform's. */
export type Owner = { appId: AppId | null; tenantId: TenantId | null }

/** Signs what is sent. Sealed under the master key. */
export type WebhookSecret = { sealed: string; since: number; /** null: until it is replaced */ until: number | null }

export type Webhook = Owner & {
  id: string
  url: string
  /** Names and patterns. */
  events: string[]
  /** Off by its owner's wish. */
  enabled: boolean
  /** The newest first. */
  secrets: WebhookSecret[]
  createdAt: number
  createdBy: string
}

/** How its deliveries go; written by the sender alone. */
export type WebhookHealth = {
  /** Since when every attempt failed; null: the last one did not. */
  failingSince: number | null
  lastSuccess: number | null
  lastError: string | null
  /** It was given up. */
  disabled: { at: number; why: string } | null
}
export const untried: WebhookHealth = { failingSince: null, lastSuccess: null, lastError: null, disabled: null }

/** At most so many of one owner. */
export const MAX_WEBHOOKS = 20
/** After a rotation the secret before it signs, too, for so long. */
export const OLD_SECRET_MS = 24 * 3600_000

/** An app's webhook is told of its app, a tenant's of all its apps, the platform's of everything. */
export const concerns = (webhook: Owner, about: Owner): boolean =>
  (webhook.appId === null || webhook.appId === about.appId) &&
  (webhook.tenantId === null || webhook.tenantId === about.tenantId)

export const wants = ({ events }: Pick<Webhook, 'events'>, type: WebhookEvent): boolean =>
  type === 'webhook.test' ||
  events.some((one) => one === '*' || one === type || (one.endsWith('.*') && type.startsWith(one.slice(0, -1))))

/** The secrets that sign now: at most two, the newest first. */
export const validSecrets = (secrets: WebhookSecret[], now: number): WebhookSecret[] =>
  secrets.filter(({ until }) => until === null || until > now).slice(0, 2)

export const rotated = (secrets: WebhookSecret[], sealed: string, now: number): WebhookSecret[] => {
  const [last] = validSecrets(secrets, now)
  return [{ sealed, since: now, until: null }, ...(last ? [{ ...last, until: now + OLD_SECRET_MS }] : [])]
}

// ── deliveries ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** One try: the receiver's status, or why there was none. */
export type Attempt = { at: number; status: number | null; error: string | null; tookMs: number }

/** One message to one webhook. What is sent never changes, whatever happens to what it tells of. */
export type Delivery = {
  id: string
  type: WebhookEvent
  body: string
  createdAt: number
  state: 'pending' | 'delivered' | 'failed'
  /** The last ones, the newest last. */
  attempts: Attempt[]
  attemptCount: number
  /** When this row of attempts began: given up a day after that. */
  since: number
  nextAt: number | null
}

const FIRST_RETRY_MS = 5_000
const SLOWEST_RETRY_MS = 6 * 3600_000
const GIVE_UP_MS = 24 * 3600_000
const LONGEST_WISH_MS = 3600_000
const KEEP_ATTEMPTS = 12
/** A webhook that has failed for so long without a success is disabled. */
export const DISABLE_AFTER_MS = 5 * 24 * 3600_000

export type AttemptEnd = {
  attempt: Attempt
  /** What the receiver asked for (Retry-After), in ms; null: nothing. */
  waitMs: number | null
  /** From 0 to 1. */
  chance: number
}

/**
 * What a try means for its delivery and its webhook: 5 s after the first failure, each time four times as long up to 6 h, with up
 * to a fifth added by chance; given up when the next try would be later than 24 h after the first.
 */
export function afterAttempt(
  delivery: Delivery,
  health: WebhookHealth,
  { attempt, waitMs, chance }: AttemptEnd,
): { delivery: Delivery; health: WebhookHealth } {
  const tried = {
    ...delivery,
    attempts: [...delivery.attempts, attempt].slice(-KEEP_ATTEMPTS),
    attemptCount: delivery.attemptCount + 1,
  }
  if (isSuccess(attempt)) {
    return {
      delivery: { ...tried, state: 'delivered', nextAt: null },
      health: { failingSince: null, lastSuccess: attempt.at, lastError: null, disabled: null },
    }
  }
  const failures = tried.attempts.filter(({ at }) => at >= delivery.since).length
  const backOff = Math.min(FIRST_RETRY_MS * 4 ** Math.min(failures - 1, 10), SLOWEST_RETRY_MS) * (1 + chance / 5)
  const nextAt = Math.round(attempt.at + Math.max(backOff, Math.min(waitMs ?? 0, LONGEST_WISH_MS)))
  const isOver = nextAt > delivery.since + GIVE_UP_MS
  const failing = failed(health, attempt)
  return {
    delivery:
      isOver || failing.disabled ? { ...tried, state: 'failed', nextAt: null } : { ...tried, state: 'pending', nextAt },
    health: failing,
  }
}

export const isSuccess = ({ status }: Pick<Attempt, 'status'>): boolean =>
  status !== null && status >= 200 && status < 300

const GONE = 410

function failed(health: WebhookHealth, { at, status, error }: Attempt): WebhookHealth {
  const failingSince = health.failingSince ?? at
  const lastError = error ?? `it answered ${status ?? 'nothing'}`
  const days = DISABLE_AFTER_MS / 24 / 3600_000
  const why =
    // Standard Webhooks: who answers 410 wants no more.
    status === GONE
      ? 'it answered 410 Gone'
      : at - failingSince > DISABLE_AFTER_MS
        ? `nothing has arrived for ${days} days; the last time ${lastError}`
        : null
  return { ...health, failingSince, lastError, disabled: health.disabled ?? (why === null ? null : { at, why }) }
}

/** What waits for one webhook and is due, the longest due first; `tenant` null: the platform's. */
export type Due = { webhookId: string; tenant: TenantId | null; deliveries: readonly string[] }
export type InFlight = { webhookId: string; tenant: TenantId | null; id: string }
export type SendLimits = { perWebhook: number; perTenant: number; inAll: number }

/** Of what is due, what to begin now: neither a slow receiver nor a tenant with many of them holds up the others. */
export function chooseDue(due: readonly Due[], inFlight: readonly InFlight[], limits: SendLimits): InFlight[] {
  const busy = [...inFlight]
  const count = (is: (one: InFlight) => boolean) => busy.filter(is).length
  for (const { webhookId, tenant, deliveries } of due) {
    for (const id of deliveries) {
      if (busy.length >= limits.inAll) break
      const isHere = (one: InFlight) => one.webhookId === webhookId
      if (busy.some((one) => isHere(one) && one.id === id)) continue
      if (count(isHere) >= limits.perWebhook || count((one) => one.tenant === tenant) >= limits.perTenant) break
      busy.push({ webhookId, tenant, id })
    }
  }
  return busy.slice(inFlight.length)
}
