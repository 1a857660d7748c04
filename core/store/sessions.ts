/** Sessions and one-time login codes, both by the hash of their secret: whoever reads Redis cannot sign in with it. */
import type { UserId } from '../domain/ids.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

export type SessionRecord = {
  /** SHA-256 of the id in the cookie, in hex. */
  hash: string
  /** null: the built-in operator, who came by a login link. */
  userId: UserId | null
  /** Whether a second factor was shown, or whoever vouches for the person saw one. */
  secondFactor: boolean
  /** Came by a login link, so a new password needs no old one. */
  byLink: boolean
  createdAt: number
  seenAt: number
  address: string
  client: string
}

/** What a login code lets its bearer in as. */
export type LoginCode = { userId: UserId | null; by: string }

const ownerOf = (userId: UserId | null): string => userId ?? 'operator'

/** @param idleMs how long it lives without being used */
export async function saveSession(store: Store, session: SessionRecord, idleMs: number): Promise<void> {
  const index = keys.userSessions(ownerOf(session.userId))
  await store
    .multi()
    .set(keys.session(session.hash), pack(session), 'PX', idleMs)
    .sadd(index, session.hash)
    .pexpire(index, idleMs * 100)
    .exec()
}

/** Says that it is used. @returns false when it was ended meanwhile, which it then stays */
export async function touchSession(store: Store, session: SessionRecord, idleMs: number): Promise<boolean> {
  return (await store.set(keys.session(session.hash), pack(session), 'PX', idleMs, 'XX')) === 'OK'
}

export async function loadSession(store: Store, hash: string): Promise<SessionRecord | null> {
  return unpack<SessionRecord>(await store.get(keys.session(hash)))
}

export async function loadSessionsOf(store: Store, userId: UserId | null): Promise<SessionRecord[]> {
  const index = keys.userSessions(ownerOf(userId))
  const hashes = await store.smembers(index)
  const sessions = await Promise.all(hashes.map((hash) => loadSession(store, hash)))
  const over = hashes.filter((_, at) => sessions[at] === null)
  if (over.length > 0) await store.srem(index, ...over)
  return sessions.filter((session) => session !== null)
}

export async function removeSession(store: Store, { hash, userId }: SessionRecord): Promise<void> {
  await store
    .multi()
    .del(keys.session(hash))
    .srem(keys.userSessions(ownerOf(userId)), hash)
    .exec()
}

/** @param except one that stays */
export async function removeSessionsOf(
  store: Store,
  userId: UserId | null,
  except: string | null = null,
): Promise<number> {
  const ended = (await loadSessionsOf(store, userId)).filter(({ hash }) => hash !== except)
  for (const session of ended) await removeSession(store, session)
  return ended.length
}

export async function saveLoginCode(store: Store, hash: string, code: LoginCode, forMs: number): Promise<void> {
  await store.set(keys.loginCode(hash), pack(code), 'PX', forMs)
}

/** The first to take it has it. */
export async function takeLoginCode(store: Store, hash: string): Promise<LoginCode | null> {
  return unpack<LoginCode>(await store.getdel(keys.loginCode(hash)))
}
