/** ◆ People: who has an account, what an address and a password must be, and how far whatever they show reaches. */
import { isAtLeast, type Caller, type Membership, type Role } from './access.ts'
import type { AppId, TenantId, TokenId, UserId } from './ids.ts'

/** An account. What it signs in with is kept apart from it: see core/store/users.ts. */
export type User = {
  id: UserId
  /** Normalised, see normaliseEmail: no two accounts have the same. */
  email: string
  name: string
  operator: boolean
  memberships: Membership[]
  createdAt: number
  lastLoginAt: number | null
  hasPassword: boolean
  /** Whether a second factor was set up and confirmed. */
  hasTotp: boolean
}

export const MAX_EMAIL_LENGTH = 254

/**
 * Case and surrounding space make no difference, so that one person has one account. (RFC 5321 lets local parts differ by
 * case; no provider of mailboxes does.) @returns null for what is not one plain address
 */
export function normaliseEmail(text: string): string | null {
  const email = text.trim().normalize('NFKC').toLowerCase()
  if (email.length > MAX_EMAIL_LENGTH) return null
  // Letters, digits and the marks that mailboxes really have: it is shown in lists, logs and mail headers.
  return /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(
    email,
  )
    ? email
    : null
}

/** NIST SP 800-63B §5.1.1.2 asks for eight characters at least and for no rules of composition; longer is what helps. */
export const MIN_PASSWORD_LENGTH = 10
/** Hashing takes as long as the text is. */
export const MAX_PASSWORD_BYTES = 1024

/** @returns what is wrong with it as somebody's new password, or null */
export function passwordFault(password: string, email: string, bytes: number): string | null {
  if ([...password].length < MIN_PASSWORD_LENGTH) return `must have ${MIN_PASSWORD_LENGTH} characters at least`
  if (bytes > MAX_PASSWORD_BYTES) return `must have ${MAX_PASSWORD_BYTES} bytes at most`
  const plain = password.toLowerCase()
  if (plain === email || plain === email.split('@')[0]) return 'must not be your e-mail address'
  return new Set(plain).size < 4 ? 'must not be a few letters again and again' : null
}

/** What a token was made for. */
export type TokenScope = {
  kind: 'operator' | 'member'
  /** null with `member`: wherever its user is a member. */
  tenantId: TenantId | null
  /** In its tenant, or the most in any. */
  role: Role
  appId: AppId | null
  readOnly: boolean
}

type Shown = TokenScope & { id: TokenId; userId: UserId | null; description: string }

/**
 * Whom a token makes of its bearer now. One of a user never reaches further than the user does, whatever it was made for.
 * @param user whose it is; null when the account is gone, or when the token is nobody's in person
 * @returns null when nothing is left of what it was made for
 */
export function callerByToken(token: Shown, user: User | null): Caller | null {
  const { id, kind, appId, readOnly, description } = token
  const base = { tokenId: id, app: appId, readOnly, actor: description }
  if (token.userId === null) return { ...base, userId: null, kind, memberships: ownMemberships(token) }
  if (user === null) return null
  const isOperator = kind === 'operator'
  if (isOperator && !user.operator) return null
  const memberships = isOperator ? user.memberships : capped(token, user)
  if (!isOperator && memberships.length === 0) return null
  return { ...base, userId: user.id, kind, memberships, actor: `${user.email} (${description})` }
}

const ownMemberships = ({ tenantId, role }: TokenScope): Membership[] => (tenantId === null ? [] : [{ tenantId, role }])

/** The user's memberships that the token was made for, in the lesser of the two roles. */
function capped({ tenantId, role }: TokenScope, { memberships }: User): Membership[] {
  return memberships
    .filter((membership) => tenantId === null || membership.tenantId === tenantId)
    .map((membership) => ({ tenantId: membership.tenantId, role: lesser(role, membership.role) }))
}

export const lesser = (one: Role, other: Role): Role => (isAtLeast(one, other) ? other : one)

/**
 * Whom a session makes of somebody. An operator who has shown no second factor is only what the memberships say: a password
 * that leaked does not run the platform.
 */
export function callerBySession(user: User | null, secondFactor: boolean): Caller {
  const base = { tokenId: null, app: null, readOnly: false }
  if (user === null) return { ...base, userId: null, kind: 'operator', memberships: [], actor: 'operator' }
  const kind = user.operator && secondFactor ? 'operator' : 'member'
  return { ...base, userId: user.id, kind, memberships: user.memberships, actor: user.email }
}
