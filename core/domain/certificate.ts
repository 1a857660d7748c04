/** Certificates: which hosts they cover and serve, which of several is served, and when an automatic one is asked for. */
import type { AppId, TenantId } from './ids.ts'

/** Uploaded by people, issued by an authority over ACME, or made by Berth itself for development. */
export type CertificateSource = 'uploaded' | 'acme' | 'selfSigned'

/** All that is not secret. What an id stands for never changes but for `hosts` and the owner: a renewed one has a new id. */
export type Certificate = {
  id: string
  /** null: the platform's own. */
  appId: AppId | null
  tenantId: TenantId | null
  source: CertificateSource
  /** The DNS names in it, in lower case; `*.example.com` is each name directly below `example.com`. */
  names: string[]
  /** What routers serve it for: those of its owner's hosts that it covers. A name of someone else's in it serves nothing. */
  hosts: string[]
  issuer: string
  serial: string
  /** SHA-256 of the certificate, in hex. */
  fingerprint: string
  /** `EC P-256`, `RSA 2048`. */
  keyType: string
  /** ms since 1970. */
  notBefore: number
  notAfter: number
  addedAt: number
  addedBy: string
}

/** A host that should have a certificate, and whose it is; nulls: the platform's. */
export type Wanted = { host: string; appId: AppId | null; tenantId: TenantId | null }

/** How far the automatic certificate of a host is. */
export type Standing = {
  host: string
  /** When it is asked for, or asked for again; ms since 1970. */
  nextAt: number
  /** One after the other, since the last success. */
  failures: number
  /** Why there is none, in the authority's words. */
  problem: { at: number; text: string } | null
}

export type Act = { act: 'issue' } | { act: 'wait'; until: number }

const DAY_MS = 24 * 3600_000
const MINUTE_MS = 60_000

const HOST = /^(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/

/** A DNS name in lower case (an internationalised one in its xn-- form), or a wildcard of one. */
export const isHostPattern = (text: string): boolean => text.length <= 253 && HOST.test(text)

export const isWildcard = (host: string): boolean => host.startsWith('*.')

/** `www.example.com` → `*.example.com`; null for a name of one label, and for a wildcard. */
export function wildcardOf(host: string): string | null {
  const dot = host.indexOf('.')
  return dot === -1 || isWildcard(host) ? null : `*${host.slice(dot)}`
}

/** Does a certificate's name cover a host? A wildcard stands for exactly one label, the leftmost (RFC 9525 §6.3). */
export const covers = (name: string, host: string): boolean => name === host || name === wildcardOf(host)

/**
 * What a certificate may be served for.
 * @param names of the certificate
 * @param hosts of its owner, wildcards among them
 */
export function servedHosts(names: string[], hosts: string[]): string[] {
  const covered = hosts.filter((host) => names.some((name) => covers(name, host)))
  const below = names.filter((name) => hosts.some((host) => isWildcard(host) && covers(host, name)))
  return [...new Set([...covered, ...below])].sort()
}

const ranks: Record<CertificateSource, number> = { uploaded: 2, acme: 1, selfSigned: 0 }

/**
 * The one to serve: one that is valid now, before one of people's choice, before the one that is valid longest.
 * @returns null when there are none; an expired one when there is no other, so that clients can say what is wrong
 */
export function bestOf(candidates: readonly Certificate[], now: number): Certificate | null {
  let best: Certificate | null = null
  for (const one of candidates) if (best === null || isBetter(one, best, now)) best = one
  return best
}

function isBetter(a: Certificate, b: Certificate, now: number): boolean {
  const validity = Number(isValidAt(a, now)) - Number(isValidAt(b, now))
  if (validity !== 0) return validity > 0
  const rank = ranks[a.source] - ranks[b.source]
  return rank !== 0 ? rank > 0 : a.notAfter > b.notAfter
}

export const isValidAt = ({ notBefore, notAfter }: Pick<Certificate, 'notBefore' | 'notAfter'>, at: number): boolean =>
  notBefore <= at && at < notAfter

/**
 * May a request to `host` be answered on this connection (H75)? One that asks for another host than its TLS handshake named
 * is answered 421 (RFC 9110 §15.5.20), also where the certificate would cover both: the client then asks on a connection of
 * its own, and what was decided by the name of a connection holds for all of its requests.
 * @param serverName what the client named in its handshake, lower case; null: nothing
 * @param host of the request, lower case, without port
 * @param unnamed what a client that names nothing is served for: the hosts of the platform's certificate
 */
export function agrees(serverName: string | null, host: string, unnamed: readonly string[]): boolean {
  if (serverName !== null) return serverName === host
  return unnamed.some((name) => covers(name, host))
}

/** An uploaded certificate that has so long to live spares the automatic one. */
const UPLOADED_ENOUGH_MS = 7 * DAY_MS

/**
 * What to do now about a host that should have an automatic certificate. Chance has entered before, when `nextAt` was set:
 * drawn anew at each look, the earliest draw would win and there would be no spread.
 * @param uploaded the best of those that people gave for the host
 */
export function nextAct(standing: Standing | null, uploaded: Certificate | null, now: number): Act {
  if (uploaded !== null && isValidAt(uploaded, now + UPLOADED_ENOUGH_MS))
    return { act: 'wait', until: uploaded.notAfter - UPLOADED_ENOUGH_MS }
  if (standing !== null && now < standing.nextAt) return { act: 'wait', until: standing.nextAt }
  return { act: 'issue' }
}

/** Renewal is due after so much of a certificate's life, less up to the spread: authorities ask for both. */
const RENEW_AFTER = 2 / 3
const SPREAD = 1 / 15

/** @param chance from 0 to 1 @returns ms since 1970 */
export function renewalTime(
  { notBefore, notAfter }: Pick<Certificate, 'notBefore' | 'notAfter'>,
  chance: number,
): number {
  return Math.round(notBefore + (notAfter - notBefore) * (RENEW_AFTER - SPREAD * chance))
}

const FIRST_RETRY_MS = 5 * MINUTE_MS
const LAST_RETRY_MS = 12 * 60 * MINUTE_MS

/**
 * When to try again: 5 min after the first failure, twice as long after each further one up to 12 h, with up to a quarter
 * added by chance; never before the authority says.
 * @param failures one after the other, this one included
 * @param waitMs what the authority asked for (Retry-After); null: nothing
 * @param chance from 0 to 1
 */
export function retryTime(failures: number, waitMs: number | null, now: number, chance: number): number {
  const backOff = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 10), LAST_RETRY_MS)
  return Math.round(now + Math.max(backOff * (1 + chance / 4), waitMs ?? 0))
}

/** How often people may ask for another try before its time. */
export const ASKED_RETRY_MS = MINUTE_MS
/** A problem's text is the authority's, and of any length. */
export const PROBLEM_LENGTH = 600
