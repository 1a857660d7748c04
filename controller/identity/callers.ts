/** Who a request is from, by what it shows: an API token, or the cookie of a session. Looked up anew for each request. */
import type { IncomingMessage } from 'node:http'
import type { Caller } from '#core/domain/access.ts'
import { callerByToken } from '#core/domain/user.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Store } from '#core/store/connection.ts'
import { loadSession, type SessionRecord } from '#core/store/sessions.ts'
import { loadToken, noteTokenUse, USED_EVERY_MS, type TokenRecord } from '#core/store/tokens.ts'
import { loadUser } from '#core/store/users.ts'
import { verifyToken } from '../credentials.ts'
import { sessionIdIn } from './cookies.ts'
import { openRecord, openSession } from './sessions.ts'

/** What was shown, to look whether it still counts. */
export type Proof = { caller: Caller; token: TokenRecord } | { caller: Caller; session: SessionRecord }

export type Callers = { store: Store; config: Pick<Config, 'consoleUrl'>; now: () => number }

export type Scheme = 'bearer' | 'basic'

/** @returns null without a valid token, and when nothing is left of what it was made for */
export async function byToken({ store, now }: Callers, scheme: Scheme, authorization: string): Promise<Proof | null> {
  const token = await verifyToken(store, read[scheme](authorization), now())
  if (!token) return null
  const caller = await callerOf(store, token)
  // A store that takes no writes must not keep anybody from looking.
  if (caller && now() - (token.lastUsedAt ?? 0) > USED_EVERY_MS)
    await noteTokenUse(store, token.id, now()).catch(() => {})
  return caller && { caller, token }
}

/** @returns null without a session, and for a request that another site's page may have sent */
export async function bySession(
  { store, config, now }: Callers,
  request: Pick<IncomingMessage, 'headers' | 'method'>,
): Promise<Proof | null> {
  const id = sessionIdIn(request, config)
  const opened = id === null ? null : await openSession({ store, now }, id)
  return opened && { caller: opened.caller, session: opened.session }
}

/** Whether what was shown makes the same caller still. */
export async function stillCounts({ store, now }: Callers, proof: Proof): Promise<boolean> {
  const caller =
    'token' in proof ? await tokenNow(store, proof.token, now()) : await sessionNow(store, proof.session, now)
  return caller !== null && reachOf(caller) === reachOf(proof.caller)
}

async function tokenNow(store: Store, { id, secretHash }: TokenRecord, now: number): Promise<Caller | null> {
  const token = await loadToken(store, id)
  if (token?.secretHash !== secretHash || (token.expiresAt !== null && token.expiresAt <= now)) return null
  return callerOf(store, token)
}

async function sessionNow(store: Store, { hash }: SessionRecord, now: () => number): Promise<Caller | null> {
  const session = await loadSession(store, hash)
  return session && ((await openRecord({ store, now }, session))?.caller ?? null)
}

const callerOf = async (store: Store, token: TokenRecord): Promise<Caller | null> =>
  callerByToken(token, token.userId === null ? null : await loadUser(store, token.userId))

const reachOf = ({ kind, memberships }: Caller): string =>
  [kind, ...memberships.map(({ tenantId, role }) => `${tenantId}:${role}`).sort()].join(' ')

/** RFC 6750 §2.1 and RFC 7617 §2. In Basic the user name is free and the token is the password. */
const read: Record<Scheme, (header: string) => string> = {
  bearer: (header) => /^Bearer +(\S+) *$/i.exec(header)?.[1] ?? '',
  basic(header) {
    const encoded = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(header)?.[1] ?? ''
    const pair = Buffer.from(encoded, 'base64').toString('utf8')
    return pair.slice(pair.indexOf(':') + 1)
  },
}
