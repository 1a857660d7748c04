/** How a refusal is told: the status, and the fields of draft-ietf-httpapi-ratelimit-headers-11 beside Retry-After. */
import type { QuotaCode, Standing } from './quotas.ts'

export type QuotaRefusal = {
  code: QuotaCode
  status: 429 | 503
  retryAfterSeconds: number
  /** Names and values in turn. */
  fields: string[]
}

/**
 * Only refusals carry the fields (§6.2 leaves that to the server): on every response they would tell each client how much
 * the others take (§8.2), and cost every request bytes.
 */
export function refusalOf(standing: Standing, code: QuotaCode, retryAfterSeconds: number): QuotaRefusal {
  const policy = policyOf(standing, code)
  const fields = policy === null ? [] : ['RateLimit-Policy', policy]
  return {
    code,
    status: statuses[code],
    retryAfterSeconds,
    // §6: not later than Retry-After says.
    fields: [...fields, 'RateLimit', `"${names[code]}";r=0;t=${retryAfterSeconds}`],
  }
}

/** For a client that asks too often for hosts that nobody has. */
export const tooManyUnknown: QuotaRefusal = { code: 'quota-client', status: 429, retryAfterSeconds: 5, fields: [] }

/** What clients do too often is theirs (429); what an app has no more room for is its own (503). */
const statuses: Record<QuotaCode, 429 | 503> = {
  'quota-requests': 429,
  'quota-client': 429,
  'quota-concurrency': 503,
  'quota-connections': 503,
  'quota-websockets': 503,
  'quota-budget': 503,
}

const names: Record<QuotaCode, string> = {
  'quota-requests': 'requests',
  'quota-client': 'client',
  'quota-concurrency': 'concurrent',
  'quota-connections': 'connections',
  'quota-websockets': 'websockets',
  'quota-budget': 'month',
}

/** The tighter of what the app and its tenant may; null where there is no unit for it. */
function policyOf({ tenant, app }: Standing, code: QuotaCode): string | null {
  if (code === 'quota-requests') {
    const ofApp = app !== null && app.requests.rate >= 0 && app.requests.tokens < 1
    const { rate, burst } = (ofApp ? app : tenant).requests
    return `"requests";${windowOf(rate)};berth-burst=${Math.floor(burst)}`
  }
  if (code === 'quota-concurrency') {
    const limits = [tenant.concurrent.limit, app?.concurrent.limit ?? -1].filter((limit) => limit >= 0)
    return `"concurrent";q=${Math.min(...limits)};qu="concurrent-requests"`
  }
  return null
}

/** Whole numbers only (§3.1): less than one a second becomes one in so many. */
function windowOf(perSecond: number): string {
  if (perSecond >= 1 || perSecond <= 0) return `q=${Math.floor(perSecond)};w=1`
  return `q=1;w=${Math.ceil(1 / perSecond)}`
}
