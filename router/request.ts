/**
 * The story of a request, the same for every door it may come in by. Each step may end it with an answer of the router's own,
 * and each is synchronous: nothing about a request waits for anything but its app.
 */
import type { Call } from './call.ts'
import type { Certificates } from './certificates.ts'
import type { Clock } from './clock.ts'
import type { Counters } from './counters.ts'
import { MAX_PASSES } from './limits.ts'
import { matchPassword } from './password.ts'
import { judge } from './policy.ts'
import { refusalOf, tooManyUnknown } from './quota/answer.ts'
import type { Guests } from './quota/guests.ts'
import type { Quotas } from './quota/quotas.ts'
import { nextRequestId } from './request-id.ts'
import {
  bodyTooLarge,
  loopDetected,
  misdirected,
  notServing,
  quotaExceeded,
  secureAddress,
  turnedAway,
  unknownHost,
  type Answer,
  type Page,
} from './responses.ts'
import { originFrom } from './app/request-text.ts'
import { isOwnHost, normaliseHost, type Routes } from './table.ts'
import { clientOf, type Trusted } from './trust.ts'
import type { Usage } from './usage.ts'
import { fieldOf, joinedField } from './wire/fields.ts'
import { passesIn } from './wire/via.ts'

export type StoryContext = {
  clock: Clock
  routes: () => Routes
  /** Load balancers, whose word on where a request came from counts. */
  trusted: Trusted
  certificates: Pick<Certificates, 'challengeFor' | 'isMisdirected'>
  quotas: Quotas
  guests: Guests
  counters: Counters
  usage: Usage
  /** Whether load balancers may send new clients here. */
  ready: () => boolean
  /** Where clients find this router by HTTPS. */
  httpsPort: () => number
}

/** @returns null for a call that goes on to its app, and is counted: by the quotas, in the books and in the figures */
export function tell(call: Call, context: StoryContext): Answer | Page | null {
  return (
    answerAuthority(call, context) ??
    checkServerName(call, context) ??
    findRoute(call, context) ??
    breakLoop(call) ??
    judgeTerms(call, context) ??
    limitBody(call) ??
    admit(call, context) ??
    count(call, context) ??
    checkServing(call)
  )
}

/** Who asks for what, as everything after this has it. */
export function identify(call: Call, { clock, trusted }: StoryContext): void {
  call.id = nextRequestId()
  call.began = clock.tick()
  call.host = hostOf(call)
  if (call.origin.trusted && call.head.relayed !== '') takeWord(call, trusted)
}

/** Nearly always the one of the connection's last request, then the same string too: nothing to normalise, nor to hash again. */
function hostOf({ head, client }: Call): string {
  const { guest } = client.origin
  if (guest.saidHost !== head.host) {
    guest.saidHost = head.host
    guest.host = normaliseHost(head.host)
  }
  return guest.host
}

/** A load balancer's word on its client (H57); from everyone else the router has dropped it. */
function takeWord(call: Call, trusted: Trusted): void {
  const { relayed } = call.head
  const { origin } = call
  const said = {
    forwardedFor: joinedField(relayed, 'x-forwarded-for'),
    forwardedProto: joinedField(relayed, 'x-forwarded-proto'),
  }
  const { address, proto } = clientOf(origin.address, said, trusted)
  call.origin = originFrom({ ...origin, address, secure: proto === null ? origin.secure : proto === 'https' })
}

/** An authority that is to issue a certificate looks for its word here, whatever the app is and does (RFC 8555 §8.3). */
function answerAuthority({ host, head }: Call, { certificates }: StoryContext): Page | null {
  const body = certificates.challengeFor(host, pathOf(head.target))
  if (body === null) return null
  return { status: 200, headers: ['Content-Type', 'application/octet-stream', 'Cache-Control', 'no-store'], body }
}

/** H75: what a client was shown a certificate for is what it may ask for. */
function checkServerName({ client, host }: Call, { certificates }: StoryContext): Answer | null {
  const { encrypted, serverName } = client.origin
  return encrypted && certificates.isMisdirected(serverName, host) ? misdirected(host) : null
}

function findRoute(call: Call, context: StoryContext): Answer | Page | null {
  call.route = context.routes().find(call.host, call.head.target)
  if (call.route !== null) {
    // Also for those that are turned away: their bytes are their app's.
    call.row = context.counters.rowOf(call.route)
    return null
  }
  return isHealthCheck(call) ? health(context.ready()) : refuseUnknown(call, context)
}

/** H66: an app that passes its requests on, to a name that leads here again, would have each of them go round for ever. */
function breakLoop({ head, host }: Call): Answer | null {
  return head.via !== '' && passesIn(head.via) >= MAX_PASSES ? loopDetected(host) : null
}

const USUAL_HTTPS_PORT = 443

/** The app's own terms: maintenance, HTTPS, and who may ask. */
function judgeTerms({ route, head, origin, host }: Call, { httpsPort }: StoryContext): Answer | null {
  if (route === null) return null
  const { settings } = route
  const { access } = settings
  if (!settings.maintenance && !settings.forceHttps && access.allow.length === 0 && access.users.length === 0)
    return null
  const facts = {
    secure: origin.secure,
    clientAddress: origin.address,
    authorization: fieldOf(head.fields, 'authorization'),
  }
  const ruling = judge(settings, facts, matchPassword)
  if (ruling === null) return null
  // Before a load balancer's clients lies its port, which is the usual one.
  const port = origin.trusted ? USUAL_HTTPS_PORT : httpsPort()
  return turnedAway(route, ruling, secureAddress(host, port, head.target))
}

/** Hosts that nobody has are a client's own budget, so that no tenant pays for them (Q04). */
function refuseUnknown(call: Call, { guests }: StoryContext): Answer {
  if (guests.admitUnknown(clientFor(call, guests))) return unknownHost(call.host)
  call.last = true
  return quotaExceeded(null, tooManyUnknown)
}

/** Only where no app answers: a tenant's paths are the tenant's. */
const isHealthCheck = ({ head, host }: Call): boolean => head.target === HEALTH_PATH && isOwnHost(host)

const HEALTH_PATH = '/.well-known/berth/health'

function limitBody({ route, head }: Call): Answer | null {
  const limit = route?.settings.bodyLimitBytes ?? null
  return route !== null && limit !== null && head.body > limit ? bodyTooLarge(route.name) : null
}

/** Takes the request, and its connection, out of what tenant and app may; the end of the call gives the request back. */
function admit(call: Call, { quotas, guests, usage, counters, clock }: StoryContext): Answer | null {
  const { route, head, client } = call
  if (!route) return null
  const { guest } = client.origin
  const standing = quotas.of(route, clock.now)
  const kind = head.upgrade === 'websocket' ? 'webSocket' : 'request'
  const crowded = guests.attach(guest, standing, kind)
  const refused = crowded ?? quotas.admit(standing, clientFor(call, guests), kind, clock.now)
  if (refused === null) {
    call.standing = standing
    call.kind = kind
    return null
  }
  call.last = crowded !== null
  usage.countRefusal(route, refused)
  counters.refuse(call.row, refused)
  return quotaExceeded(route, refusalOf(standing, refused, quotas.retryAfterSeconds(standing, refused, clock.now)))
}

/** Whose limits a request falls under: those of whom a load balancer names (H57), else those of the connection's other end. */
const clientFor = ({ origin, client }: Call, guests: Guests): number =>
  origin.address === client.origin.address ? client.origin.guest.client : guests.named(origin.address)

function count(call: Call, { usage, counters }: StoryContext): null {
  const { route } = call
  if (!route) return null
  call.counters = usage.countRequest(route)
  counters.begin(call.row)
  return null
}

/** An app that is starting will have an instance soon enough to wait for it. */
function checkServing({ route }: Call): Answer | null {
  return route && route.endpoints.length === 0 && route.health !== 'starting' ? notServing(route) : null
}

const pathOf = (target: string): string => {
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}

const health = (ready: boolean): Page => ({
  status: ready ? 200 : 503,
  headers: ['Content-Type', 'text/plain', 'Cache-Control', 'no-store'],
  body: ready ? 'ok\n' : 'draining\n',
})
