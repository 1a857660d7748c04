import type { Role } from '../domain/access.ts'
import type { AppId, TenantId, TokenId } from '../domain/ids.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

/** The secret itself is never stored, only its SHA-256. */
export type TokenRecord = {
  id: TokenId
  secretHash: string
  kind: 'operator' | 'member' | 'agent'
  tenantId: TenantId | null
  /** In its tenant. */
  role: Role
  /** The only app that it is for; null: all of them. */
  appId: AppId | null
  readOnly: boolean
  description: string
  createdAt: number
}

export async function saveToken(store: Store, token: TokenRecord): Promise<void> {
  await store.multi().sadd(keys.tokens, token.id).hset(keys.token(token.id), 'record', pack(token)).exec()
}

export async function loadToken(store: Store, id: TokenId): Promise<TokenRecord | null> {
  return unpack<TokenRecord>(await store.hget(keys.token(id), 'record'))
}

export async function loadTokens(store: Store): Promise<TokenRecord[]> {
  const ids = await store.smembers(keys.tokens)
  const tokens = await Promise.all(ids.map((id) => loadToken(store, id as TokenId)))
  return tokens.filter((token) => token !== null)
}

export async function removeToken(store: Store, id: TokenId): Promise<boolean> {
  const results = await store.multi().del(keys.token(id)).srem(keys.tokens, id).exec()
  return results?.[0]?.[1] === 1
}
