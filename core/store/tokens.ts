import type { TokenId, UserId } from '../domain/ids.ts'
import type { TokenScope } from '../domain/user.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

/** The secret itself is never stored, only its SHA-256. */
export type TokenRecord = TokenScope & {
  id: TokenId
  secretHash: string
  /** null: nobody's in person. */
  userId: UserId | null
  description: string
  createdAt: number
  /** null: when it is revoked. */
  expiresAt: number | null
  /** To within USED_EVERY_MS; null: never. */
  lastUsedAt: number | null
}

/** What an earlier version did not write. */
type Newer = 'userId' | 'expiresAt' | 'lastUsedAt'

export async function saveToken(store: Store, { lastUsedAt: _, ...token }: TokenRecord): Promise<void> {
  await store.multi().sadd(keys.tokens, token.id).hset(keys.token(token.id), 'record', pack(token)).exec()
}

export async function loadToken(store: Store, id: TokenId): Promise<TokenRecord | null> {
  const [record, used] = await store.hmget(keys.token(id), 'record', 'used')
  const token = unpack<Omit<TokenRecord, Newer> & Partial<TokenRecord>>(record)
  // An earlier version had one for the agents of all hosts, which lets nobody in any more.
  if (token === null || (token.kind as string) === 'agent') return null
  const { userId = null, expiresAt = null } = token
  return { ...token, userId, expiresAt, lastUsedAt: used ? Number(used) : null }
}

export async function loadTokens(store: Store): Promise<TokenRecord[]> {
  const ids = await store.smembers(keys.tokens)
  const tokens = await Promise.all(ids.map((id) => loadToken(store, id as TokenId)))
  return tokens.filter((token) => token !== null)
}

/** Not more often than this, since it is written while a request waits. */
export const USED_EVERY_MS = 300_000

/** One that was revoked meanwhile leaves a field without a record, which the next line removes. */
export async function noteTokenUse(store: Store, id: TokenId, now: number): Promise<void> {
  await store.hset(keys.token(id), 'used', String(now))
  if ((await store.hexists(keys.token(id), 'record')) === 0) await store.del(keys.token(id))
}

export async function removeToken(store: Store, id: TokenId): Promise<boolean> {
  const results = await store.multi().del(keys.token(id)).srem(keys.tokens, id).exec()
  return results?.[0]?.[1] === 1
}
