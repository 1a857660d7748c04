/** Accounts, sessions and what belongs to them, as the API shows them. Nothing that somebody signs in with is in here. */
import type { SessionView, TokenView, UserView, MemberView, WhoamiView } from '#core/contract/identity.ts'
import { homeOf, type Caller, type Membership, type Role } from '#core/domain/access.ts'
import type { App } from '#core/domain/app.ts'
import type { User } from '#core/domain/user.ts'
import type { SessionRecord } from '#core/store/sessions.ts'
import type { TokenRecord } from '#core/store/tokens.ts'
import { OLDEST_MS } from '../identity/sessions.ts'

export const iso = (at: number): string => new Date(at).toISOString()
const isoOrNull = (at: number | null): string | null => (at === null ? null : iso(at))

export const personView = ({ id, email, name }: User) => ({ id, email, name })

const membershipViews = (memberships: Membership[]) =>
  memberships.map(({ tenantId, role }) => ({ tenant: tenantId, role })).sort((a, b) => a.tenant.localeCompare(b.tenant))

/** Enough of the hash to tell a user's sessions apart, and no way back to the cookie. */
export const sessionId = ({ hash }: SessionRecord): string => `s-${hash.slice(0, 16)}`

export function sessionView(caller: Caller, user: User | null, session: SessionRecord | null): SessionView {
  const lacks = session !== null && user?.operator === true && caller.kind !== 'operator'
  return {
    user: user && personView(user),
    operator: caller.kind === 'operator',
    memberships: membershipViews(caller.memberships),
    secondFactor: lacks ? (user.hasTotp ? 'show' : 'enrol') : null,
    session: session && {
      id: sessionId(session),
      createdAt: iso(session.createdAt),
      expiresAt: iso(session.createdAt + OLDEST_MS),
      byLink: session.byLink,
    },
  }
}

export const whoamiView = (
  caller: Caller,
  user: User | null,
  app: App | null,
  expiresAt: number | null,
): WhoamiView => ({
  actor: caller.actor,
  tenant: homeOf(caller),
  operator: caller.kind === 'operator',
  user: user && personView(user),
  memberships: membershipViews(caller.memberships),
  app: app?.name ?? null,
  readOnly: caller.readOnly,
  expiresAt: isoOrNull(expiresAt),
})

export const userView = (user: User): UserView => ({
  ...personView(user),
  operator: user.operator,
  memberships: membershipViews(user.memberships),
  password: user.hasPassword,
  totp: user.hasTotp,
  createdAt: iso(user.createdAt),
  lastLoginAt: isoOrNull(user.lastLoginAt),
})

export const memberView = ({ user, role }: { user: User; role: Role }): MemberView => ({
  user: personView(user),
  role,
  lastLoginAt: isoOrNull(user.lastLoginAt),
})

/** @param app the name of the only app that it is for */
export const tokenView = (token: TokenRecord, user: User | null, app: string | null): TokenView => ({
  id: token.id,
  description: token.description,
  tenant: token.tenantId,
  operator: token.kind === 'operator',
  role: token.role,
  app,
  readOnly: token.readOnly,
  user: user && personView(user),
  createdAt: iso(token.createdAt),
  expiresAt: isoOrNull(token.expiresAt),
  lastUsedAt: isoOrNull(token.lastUsedAt),
})
