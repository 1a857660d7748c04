/** Whom an SSH key makes of its bearer, looked up for each command: a key that is gone, or whose user is, does nothing more. */
import { judge, roleIn, type Caller } from '#core/domain/access.ts'
import { forbidden } from '#core/domain/errors.ts'
import type { SshKeyRecord } from '#core/domain/ssh-key.ts'
import { lesser } from '#core/domain/user.ts'
import type { Store } from '#core/store/connection.ts'
import { findSshKey } from '#core/store/ssh-keys.ts'
import { loadUser } from '#core/store/users.ts'

/** The most that a key is for: it deploys, and says nothing about who belongs to a tenant. */
const MOST = 'member'

/** @throws FORBIDDEN */
export async function callerByKey(store: Store, { fingerprint, id }: SshKeyRecord): Promise<Caller> {
  const key = await findSshKey(store, fingerprint)
  const caller = key?.id === id ? await callerOf(store, key) : null
  if (caller === null || judge(caller, 'tenant:read', { tenantId: key?.tenantId ?? null, appId: null }) !== 'allowed')
    throw forbidden('this key was removed, or whoever added it does not belong to the tenant any more')
  return caller
}

async function callerOf(store: Store, { tenantId, userId, name }: SshKeyRecord): Promise<Caller | null> {
  const base = { tokenId: null, kind: 'member', app: null, readOnly: false, actor: name } as const
  if (userId == null) return { ...base, userId: null, memberships: [{ tenantId, role: MOST }] }
  const user = await loadUser(store, userId)
  const role = user && roleIn(user, tenantId)
  if (!role) return null
  return { ...base, userId, memberships: [{ tenantId, role: lesser(role, MOST) }], actor: `${user.email} (${name})` }
}

/** Whom the audit log names for a key by which somebody came in, before anything is asked. */
export const bearerOf = ({ userId, name }: SshKeyRecord): Caller => ({
  tokenId: null,
  userId: userId ?? null,
  kind: 'member',
  memberships: [],
  app: null,
  readOnly: false,
  actor: name,
})
