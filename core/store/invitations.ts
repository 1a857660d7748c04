/** Invitations by id. Each ends by itself; accepting one spends it (createUser.lua, setMember.lua). */
import type { Role } from '../domain/access.ts'
import type { TenantId } from '../domain/ids.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

export type Invitation = {
  id: string
  /** SHA-256 of the secret part of the code, in hex. */
  secretHash: string
  /** Normalised. */
  email: string
  /** null: to operate the platform. */
  to: { tenantId: TenantId; role: Role } | null
  invitedBy: string
  createdAt: number
  expiresAt: number
}

export async function saveInvitation(store: Store, invitation: Invitation, now: number): Promise<void> {
  await store
    .multi()
    .sadd(keys.invitations, invitation.id)
    .set(keys.invitation(invitation.id), pack(invitation), 'PX', Math.max(1, invitation.expiresAt - now))
    .exec()
}

export async function loadInvitation(store: Store, id: string): Promise<Invitation | null> {
  return unpack<Invitation>(await store.get(keys.invitation(id)))
}

/** The open ones; those that ended are forgotten on the way. */
export async function loadInvitations(store: Store): Promise<Invitation[]> {
  const ids = await store.smembers(keys.invitations)
  const all = await Promise.all(ids.map((id) => loadInvitation(store, id)))
  const over = ids.filter((_, at) => all[at] === null)
  if (over.length > 0) await store.srem(keys.invitations, ...over)
  return all.filter((invitation) => invitation !== null)
}

/** @returns false when it was gone already */
export async function removeInvitation(store: Store, id: string): Promise<boolean> {
  const results = await store.multi().del(keys.invitation(id)).srem(keys.invitations, id).exec()
  return results?.[0]?.[1] === 1
}
