/** What ends with a membership or an account. The right is gone already; this is so that it does not come back with it. */
import type { TenantId, UserId } from '#core/domain/ids.ts'
import type { Store } from '#core/store/connection.ts'
import { removeSessionsOf } from '#core/store/sessions.ts'
import { loadSshKeys, removeSshKey } from '#core/store/ssh-keys.ts'
import { loadTokens, removeToken } from '#core/store/tokens.ts'

/** @param tenant null: in all of them */
export async function endCredentials(store: Store, user: UserId, tenant: TenantId | null): Promise<void> {
  const isMeant = (owned: { userId: UserId | null; tenantId: TenantId | null }) =>
    owned.userId === user && (tenant === null || owned.tenantId === tenant)
  for (const token of (await loadTokens(store)).filter(isMeant)) await removeToken(store, token.id)
  for (const key of (await loadSshKeys(store)).filter(isMeant)) await removeSshKey(store, key.fingerprint)
}

export async function endAccount(store: Store, user: UserId): Promise<void> {
  await endCredentials(store, user, null)
  await removeSessionsOf(store, user)
}
