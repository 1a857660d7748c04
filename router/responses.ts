/** Every answer that the router itself makes: a code, whose fault it is, and what to do. */
import type { AppRoute } from '#core/domain/route.ts'
import { MAX_PASSES } from './limits.ts'
import type { Refused } from './call.ts'
import type { Ruling } from './policy.ts'
import type { QuotaRefusal } from './quota/answer.ts'
import type { QuotaCode } from './quota/quotas.ts'

export type AnswerCode =
  | 'bad-request'
  | 'body-too-large'
  | 'no-websocket'
  | 'unknown-host'
  | 'no-release'
  | 'no-instance'
  | 'app-starting'
  | 'app-crashed'
  | 'app-stopped'
  | 'app-paused'
  | 'app-suspended'
  | QuotaCode
  | 'app-maintenance'
  | 'https-required'
  | 'address-refused'
  | 'login-required'
  | 'misdirected'
  | 'loop-detected'
  | 'connect-failed'
  | 'app-closed'
  | 'bad-response'
  | 'timeout'
  | 'router-error'

export type Answer = {
  status: number
  code: AnswerCode
  /** The app's name, or what stands in for it. */
  about: string
  sentence: string
  retryAfterSeconds?: number
  /** Further fields, names and values alternating. */
  fields?: string[]
}

/** Why an app's response could not be had, though it has instances. */
export type FailureCode = 'connect-failed' | 'app-closed' | 'bad-response' | 'timeout'

export const badRequest = ({ status, why }: Refused): Answer => ({
  status,
  code: 'bad-request',
  about: 'Bad request',
  sentence: `The client sent a request that cannot be served: ${why}`,
})

export const bodyTooLarge = (about: string): Answer => ({
  status: 413,
  code: 'body-too-large',
  about,
  sentence: 'The request is larger than this app takes. Its owner sets the limit with `berth routing:set`.',
})

/** HTTP/2 has another way to ask for one (RFC 8441), which few apps know. */
export const noWebSocket = (about: string): Answer => ({
  status: 501,
  code: 'no-websocket',
  about,
  sentence: 'This app is spoken to over HTTP/2 (h2c), where it gets no WebSockets. Its owner sets the protocol.',
})

export const unknownHost = (host: string): Answer => ({
  status: 404,
  code: 'unknown-host',
  about: host,
  sentence: 'No app answers at this address. Check the spelling; if the app is yours, see `berth apps`.',
})

/** RFC 9110 §15.5.20: the client may ask again on a connection of its own for that host. */
export const misdirected = (host: string): Answer => ({
  status: 421,
  code: 'misdirected',
  about: host,
  sentence: 'This connection was made for another host than the one that the request names.',
})

/** RFC 5842 §7.2 has the status. */
export const loopDetected = (about: string): Answer => ({
  status: 508,
  code: 'loop-detected',
  about,
  sentence: `This request came back to Berth ${MAX_PASSES} times. The app, or a proxy, that it goes through sends it here again; its owner should look at where that points.`,
})

export const quotaExceeded = (route: AppRoute | null, refusal: QuotaRefusal): Answer => ({
  ...refusal,
  about: route?.name ?? 'Berth',
  sentence: quotaSentences[refusal.code],
})

const quotaSentences: Record<QuotaCode, string> = {
  'quota-requests':
    'This app gets more requests than its quota allows. Try again shortly; its owner can ask the operator for more.',
  'quota-concurrency':
    'This app has as many requests under way as its quota allows. Try again shortly; its owner can ask the operator for more.',
  'quota-connections':
    'This app has as many connections as its quota allows. Try again shortly; its owner can ask the operator for more.',
  'quota-websockets':
    'This app has as many WebSockets open as its quota allows. Try again later; its owner can ask the operator for more.',
  'quota-client': 'Too many requests come from your address. Try again shortly, and more slowly.',
  'quota-budget':
    'This app has used up its requests of this month. Its owner can ask the operator for more, or wait for the next month.',
}

/** @param place where the request would be right, for `https` */
export function turnedAway(route: AppRoute, ruling: Ruling, place: string): Answer {
  const about = route.name
  switch (ruling) {
    case 'maintenance':
      return {
        status: 503,
        code: 'app-maintenance',
        about,
        sentence: 'This app is down for maintenance, as its owner wants it. Try again later.',
      }
    case 'https':
      // The method and the body stay what they are (RFC 9110 §15.4.9).
      return {
        status: 308,
        code: 'https-required',
        about,
        sentence: `This app is served by HTTPS only: ${place}`,
        fields: ['Location', place],
      }
    case 'address':
      return {
        status: 403,
        code: 'address-refused',
        about,
        sentence: 'This app may be asked from some networks only, and yours is none of them.',
      }
    case 'login':
      return {
        status: 401,
        code: 'login-required',
        about,
        sentence: 'This app asks for a name and a password, which its owner gives.',
        // RFC 7617 §2. An app's name needs no escaping.
        fields: ['WWW-Authenticate', `Basic realm="${about}", charset="UTF-8"`],
      }
  }
}

/** Where a request is right that came without encryption. @param port on which the routers are reached by HTTPS */
export const secureAddress = (host: string, port: number, target: string): string =>
  `https://${host}${port === 443 ? '' : `:${port}`}${target}`

/** For an app without ready instances. */
export function notServing(route: AppRoute): Answer {
  const about = route.name
  switch (route.health) {
    case 'starting':
      return {
        status: 503,
        code: 'app-starting',
        about,
        sentence: 'This app is starting and not ready yet. Try again in a few seconds.',
        retryAfterSeconds: 2,
      }
    case 'crashed':
      return {
        status: 503,
        code: 'app-crashed',
        about,
        sentence: `This app crashed. Its owner finds the reason with \`berth logs -a ${about}\`.`,
      }
    case 'stopped':
      return {
        status: 503,
        code: 'app-stopped',
        about,
        sentence: `This app is stopped. Its owner can start it with \`berth ps:scale web=1 -a ${about}\`.`,
      }
    case 'paused':
      return {
        status: 503,
        code: 'app-paused',
        about,
        sentence: `This app is paused. Its owner can resume it with \`berth ps:resume -a ${about}\`.`,
      }
    case 'suspended':
      return {
        status: 503,
        code: 'app-suspended',
        about,
        sentence: 'This app is suspended, with all apps of its owner, who finds the reason with `berth tenants:info`.',
      }
    case 'empty':
      return {
        status: 404,
        code: 'no-release',
        about,
        sentence: 'This app exists, but nothing was deployed to it yet. Its owner can: `git push berth main`.',
      }
    case 'serving':
      return {
        status: 503,
        code: 'no-instance',
        about,
        sentence:
          'This app has no instance to answer at the moment. The platform is bringing one up; try again shortly.',
        retryAfterSeconds: 2,
      }
  }
}

/** For an app whose instances were tried. */
export function appFailed(route: AppRoute, code: FailureCode): Answer {
  return { ...failures[code], code, about: route.name }
}

const failures: Record<FailureCode, { status: number; sentence: string }> = {
  'connect-failed': {
    status: 502,
    sentence:
      'No instance of this app accepts connections. Try again; if it stays so, its owner should look at its logs.',
  },
  'app-closed': {
    status: 502,
    sentence: 'This app closed the connection before it answered. Its owner should look at its logs.',
  },
  'bad-response': {
    status: 502,
    sentence: 'This app answered with something that is not valid HTTP. Its owner should look at its logs.',
  },
  timeout: {
    status: 504,
    sentence: 'This app did not answer in time. Its owner should look at its logs for a slow or hanging request.',
  },
}

export const routerError = (): Answer => ({
  status: 500,
  code: 'router-error',
  about: 'Berth',
  sentence: 'The router failed, not the app. Try again; the operator finds the cause in the log under the request id.',
})

/** What is sent as it is. Its length is said by whoever sends it. */
export type Page = { status: number; headers: string[]; body: string }

/**
 * An answer as a head and a body: HTML for who prefers it (a browser), else one line of text.
 * @param accept the request's Accept field
 */
export function renderAnswer(answer: Answer, accept: string, requestId: string): Page {
  const html = /\btext\/html\b/i.test(accept)
  const body = html ? toHtml(answer, requestId) : `${answer.about}: ${answer.sentence}\n`
  const headers = [
    'Content-Type',
    html ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8',
    'Cache-Control',
    'no-store',
    'X-Content-Type-Options',
    'nosniff',
    'Content-Security-Policy',
    "default-src 'none'; style-src 'unsafe-inline'",
    'X-Request-Id',
    requestId,
    'Berth-Error',
    answer.code,
  ]
  if (answer.fields) headers.push(...answer.fields)
  if (answer.retryAfterSeconds !== undefined) headers.push('Retry-After', String(answer.retryAfterSeconds))
  return { status: answer.status, headers, body }
}

function toHtml({ status, about, sentence, code }: Answer, requestId: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${status} ${escape(about)}</title>
<meta name="viewport" content="width=device-width">
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem;color:#222}
small{color:#666}@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}small{color:#999}}</style></head>
<body><h1>${escape(about)}</h1><p>${escape(sentence)}</p><p><small>${status} ${code} · ${escape(requestId)}</small></p></body></html>
`
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
