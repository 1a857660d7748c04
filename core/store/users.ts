/**
 * Accounts and memberships. A user is a hash: `record` (who), `operator`, `password` (a hash of it), `totp` (sealed), `login`
 * (when last), and `member TENANT` → role. What belongs to signing in is read by itself, so that no list carries it.
 */
import { roles, type Membership, type Role } from '../domain/access.ts'
import type { TenantId, UserId } from '../domain/ids.ts'
import type { User } from '../domain/user.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

/** What never changes, or only by its owner. */
type Record_ = { id: UserId; email: string; name: string; createdAt: number }

export type NewUser = Record_ & { operator: boolean; password: string | null }
export type Joining = { tenantId: TenantId; role: Role } | null

/** A second factor; the secret and the recovery codes' hashes are sealed by whoever writes it. */
export type TotpRecord = { sealed: string; confirmed: boolean }

/** @param invitation the id of the one that is accepted by this, which is spent */
export async function createUser(
  store: Store,
  { operator, password, ...record }: NewUser,
  joining: Joining,
  invitation: string | null,
): Promise<'made' | 'taken' | 'spent'> {
  const outcome = await store.createUser(
    keys.userEmails,
    keys.user(record.id),
    keys.members(joining?.tenantId ?? ('' as TenantId)),
    keys.invitation(invitation ?? ''),
    record.email,
    record.id,
    pack(record),
    operator ? '1' : '0',
    password ?? '',
    joining?.tenantId ?? '',
    joining?.role ?? '',
    invitation === null ? '' : 'invited',
  )
  return outcome as 'made' | 'taken' | 'spent'
}

export async function loadUser(store: Store, id: UserId): Promise<User | null> {
  return toUser(await store.hgetall(keys.user(id)))
}

export async function loadUsers(store: Store): Promise<User[]> {
  const ids = await store.hvals(keys.userEmails)
  const users = await Promise.all(ids.map((id) => loadUser(store, id as UserId)))
  return users.filter((user) => user !== null)
}

/** @param email normalised */
export async function findUser(store: Store, email: string): Promise<User | null> {
  const id = await store.hget(keys.userEmails, email)
  return id === null ? null : loadUser(store, id as UserId)
}

/** @param subject whom the provider of single sign-on calls so, as a hash */
export async function findUserBySubject(store: Store, subject: string): Promise<User | null> {
  const id = await store.hget(keys.userSubjects, subject)
  return id === null ? null : loadUser(store, id as UserId)
}

export async function linkSubject(store: Store, subject: string, id: UserId): Promise<void> {
  await store.hset(keys.userSubjects, subject, id)
}

export async function loadMembers(store: Store, tenant: TenantId): Promise<{ user: User; role: Role }[]> {
  const members = await store.hgetall(keys.members(tenant))
  const loaded = await Promise.all(
    Object.entries(members).map(async ([id, role]) => ({
      user: await loadUser(store, id as UserId),
      role: role as Role,
    })),
  )
  return loaded.flatMap(({ user, role }) => (user === null ? [] : [{ user, role }]))
}

/**
 * @param role null: a member no more
 * @param how `force`: the tenant may be left without an owner
 */
export async function setMember(
  store: Store,
  user: UserId,
  tenant: TenantId,
  role: Role | null,
  how: { before: 'any' | 'member'; force: boolean },
): Promise<'done' | 'gone' | 'last'> {
  const outcome = await store.setMember(
    ...[keys.user(user), keys.members(tenant), keys.invitation('')],
    ...[user, tenant, role ?? '', how.before, how.force ? 'force' : ''],
  )
  return outcome as 'done' | 'gone' | 'last'
}

/** @returns `kept` when the user is that, or more, already */
export async function joinByInvitation(
  store: Store,
  user: UserId,
  { tenantId, role }: { tenantId: TenantId; role: Role },
  invitation: string,
): Promise<'done' | 'gone' | 'spent' | 'kept'> {
  const outcome = await store.setMember(
    ...[keys.user(user), keys.members(tenantId), keys.invitation(invitation)],
    ...[user, tenantId, role, 'invited', ''],
  )
  return outcome as 'done' | 'gone' | 'spent' | 'kept'
}

export type UserChange = {
  name?: string
  operator?: boolean
  password?: string
  totp?: TotpRecord | null
  lastLoginAt?: number
}

/** @returns false when there is no such account */
export async function changeUser(store: Store, user: User, change: UserChange): Promise<boolean> {
  const { id, email, createdAt } = user
  const fields = [
    ...(change.name === undefined ? [] : ['record', pack({ id, email, name: change.name, createdAt })]),
    ...(change.operator === undefined ? [] : ['operator', change.operator ? '1' : '0']),
    ...(change.password === undefined ? [] : ['password', change.password]),
    ...(change.totp === undefined ? [] : ['totp', change.totp === null ? '' : pack(change.totp)]),
    ...(change.lastLoginAt === undefined ? [] : ['login', String(change.lastLoginAt)]),
  ]
  return fields.length === 0 || (await store.changeUser(keys.user(id), ...fields)) === 1
}

/** Ends all memberships first, each by itself. @returns the tenant that would be left without an owner, or null */
export async function removeUser(store: Store, user: User, force: boolean): Promise<TenantId | null> {
  for (const { tenantId } of user.memberships) {
    if ((await setMember(store, user.id, tenantId, null, { before: 'any', force })) === 'last') return tenantId
  }
  await store.multi().hdel(keys.userEmails, user.email).del(keys.user(user.id)).exec()
  return null
}

export async function loadPassword(store: Store, id: UserId): Promise<string | null> {
  return store.hget(keys.user(id), 'password')
}

export async function loadTotp(store: Store, id: UserId): Promise<TotpRecord | null> {
  return unpack<TotpRecord>(await store.hget(keys.user(id), 'totp'))
}

/** @returns false when the code of that time was used before: a code that somebody saw is worth nothing (RFC 6238 §5.2) */
export async function takeTotpStep(store: Store, id: UserId, step: number, forSeconds: number): Promise<boolean> {
  return (await store.set(keys.usedTotp(id, step), '1', 'EX', forSeconds, 'NX')) === 'OK'
}

function toUser({ record, operator, password, totp, login, ...rest }: Record<string, string>): User | null {
  const who = unpack<Record_>(record)
  if (who === null) return null
  return {
    ...who,
    operator: operator === '1',
    memberships: Object.entries(rest).flatMap(([field, role]) => toMembership(field, role)),
    lastLoginAt: login === undefined ? null : Number(login),
    hasPassword: password !== undefined,
    hasTotp: unpack<TotpRecord>(totp)?.confirmed ?? false,
  }
}

function toMembership(field: string, role: string): Membership[] {
  const [, tenantId] = /^member (.+)$/.exec(field) ?? []
  return tenantId !== undefined && (roles as readonly string[]).includes(role)
    ? [{ tenantId: tenantId as TenantId, role: role as Role }]
    : []
}
