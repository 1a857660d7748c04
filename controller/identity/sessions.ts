/** Sessions of people who signed in, in Redis. One ends when it idles, when it is old, when it is ended, and with its user. */
import type { Caller } from '#core/domain/access.ts'
import type { UserId } from '#core/domain/ids.ts'
import { callerBySession, type User } from '#core/domain/user.ts'
import type { Store } from '#core/store/connection.ts'
import {
  loadSession,
  removeSession,
  saveLoginCode,
  saveSession,
  takeLoginCode,
  touchSession,
  type LoginCode,
  type SessionRecord,
} from '#core/store/sessions.ts'
import { loadUser } from '#core/store/users.ts'
import type { Random } from '../credentials.ts'
import { hashSecret, makeSecret } from './codes.ts'

export const IDLE_MS = 2 * 3600_000
export const OLDEST_MS = 24 * 3600_000
/** Written this often at most. */
const SEEN_EVERY_MS = 60_000
export const LOGIN_CODE_MS = 10 * 60_000

type Context = { store: Store; random: Random; now: () => number }
export type Visitor = { address: string; client: string }
export type Opened = { session: SessionRecord; user: User | null; caller: Caller }

/** @returns the new session, and the id for the cookie, which is nowhere else */
export async function beginSession(
  { store, random, now }: Context,
  { userId, secondFactor, byLink }: Pick<SessionRecord, 'userId' | 'secondFactor' | 'byLink'>,
  { address, client }: Visitor,
): Promise<{ session: SessionRecord; id: string }> {
  const { text: id, hash } = makeSecret(random)
  const at = now()
  const session = { hash, userId, secondFactor, byLink, createdAt: at, seenAt: at, address, client: plain(client) }
  await saveSession(store, session, IDLE_MS)
  return { session, id }
}

/** Whose session it is, if it still is one. @param id as the cookie says it */
export async function openSession({ store, now }: Omit<Context, 'random'>, id: string): Promise<Opened | null> {
  const session = await loadSession(store, hashSecret(id))
  return session && openRecord({ store, now }, session)
}

export async function openRecord(
  { store, now }: Omit<Context, 'random'>,
  session: SessionRecord,
): Promise<Opened | null> {
  const at = now()
  if (at - session.createdAt > OLDEST_MS) {
    await removeSession(store, session)
    return null
  }
  const user = session.userId === null ? null : await loadUser(store, session.userId)
  if (session.userId !== null && user === null) return null
  if (at - session.seenAt > SEEN_EVERY_MS && !(await touchSession(store, { ...session, seenAt: at }, IDLE_MS)))
    return null
  return { session, user, caller: callerBySession(user, session.secondFactor) }
}

/** The same person with more or fewer rights is a new session with a new id, so that an id that somebody planted gains nothing. */
export async function renewSession(
  context: Context,
  before: SessionRecord,
  change: Partial<Pick<SessionRecord, 'secondFactor' | 'byLink'>>,
): Promise<{ session: SessionRecord; id: string }> {
  await removeSession(context.store, before)
  return beginSession(context, { ...before, ...change }, before)
}

/** A code that lets its bearer in once, within ten minutes. @param userId null: as the built-in operator */
export async function mintLoginCode({ store, random, now }: Context, userId: UserId | null, by: string) {
  const { text, hash } = makeSecret(random)
  await saveLoginCode(store, hash, { userId, by }, LOGIN_CODE_MS)
  return { code: text, expiresAt: now() + LOGIN_CODE_MS }
}

export const redeemLoginCode = ({ store }: Pick<Context, 'store'>, code: string): Promise<LoginCode | null> =>
  takeLoginCode(store, hashSecret(code))

/** What a browser says it is goes into lists. */
const plain = (text: string): string => text.replace(/[^\x20-\x7e]/g, '').slice(0, 200)
