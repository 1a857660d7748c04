/**
 * Who may what: the one rule, for the API, git, SSH and terminals. What is not allowed here is refused.
 *
 * Nobody learns whether something of another tenant exists: it is `hidden`, and answered like what does not (404).
 */
import type { AppId, TenantId, TokenId, UserId } from './ids.ts'

/** In a tenant, each may what the one before it may: look; change apps; say who belongs to the tenant. */
export const roles = ['viewer', 'member', 'owner'] as const
export type Role = (typeof roles)[number]

export type Membership = { tenantId: TenantId; role: Role }

/** Whoever asks, however they showed who they are. */
export type Caller = {
  tokenId: TokenId | null
  /** null: a token that is nobody's in person. */
  userId: UserId | null
  /** Operators reach all tenants; others what they are members of. Hosts' agents come by another door (agent-access.ts). */
  kind: 'operator' | 'member'
  memberships: Membership[]
  /** A token may be for one app alone, */
  app: AppId | null
  /** or for looking alone. */
  readOnly: boolean
  /** What releases, events and the audit log say about who did it. */
  actor: string
}

/**
 * What an operation asks of its caller: on what it acts, and how. `anyone` acts on nothing that the path names, and its
 * handler judges by what the body names, or shows only what is the caller's. `public` asks for no caller at all: it is how
 * somebody becomes one.
 */
export type Need = 'public' | `${'anyone' | 'platform'}:${'read' | 'write'}` | `${'app' | 'tenant'}:${Act}`
export type Act = 'read' | 'write' | 'own' | 'operate'

export type Verdict = 'allowed' | 'forbidden' | 'hidden'

/** What a path names. */
export type Target = { tenantId: TenantId | null; appId: AppId | null }
export const nothing: Target = { tenantId: null, appId: null }

export function judge(caller: Caller, need: Need, target: Target = nothing): Verdict {
  if (need === 'public') return 'allowed'
  const [of, act] = need.split(':') as ['anyone' | 'platform' | 'app' | 'tenant', Act]
  if ((of === 'app' || of === 'tenant') && !sees(caller, target)) return 'hidden'
  if (caller.readOnly && act !== 'read') return 'forbidden'
  if (caller.app !== null && of !== 'app' && act !== 'read') return 'forbidden'
  if (of === 'anyone') return 'allowed'
  if (of === 'platform') return caller.kind === 'operator' ? 'allowed' : 'forbidden'
  return reaches(caller, act, target.tenantId) ? 'allowed' : 'forbidden'
}

/** A token for one app sees that app, and of its tenant what concerns the tenant as a whole. */
export function sees(caller: Caller, { tenantId, appId }: Target): boolean {
  if (caller.app !== null && appId !== null && caller.app !== appId) return false
  if (caller.kind === 'operator') return true
  return roleIn(caller, tenantId) !== null
}

export const roleIn = ({ memberships }: Pick<Caller, 'memberships'>, tenantId: TenantId | null): Role | null =>
  memberships.find((membership) => membership.tenantId === tenantId)?.role ?? null

const least = { read: 'viewer', write: 'member', own: 'owner' } as const

function reaches(caller: Caller, act: Act, tenantId: TenantId | null): boolean {
  if (caller.kind === 'operator') return true
  const role = roleIn(caller, tenantId)
  return act !== 'operate' && role !== null && isAtLeast(role, least[act])
}

/** An operator in a tenant that has not made them a member acts in its place, which its owners are to see (C20). */
export const standsIn = (caller: Pick<Caller, 'kind' | 'memberships'>, tenantId: string | null): boolean =>
  caller.kind === 'operator' && tenantId !== null && roleIn(caller, tenantId as TenantId) === null

export const isAtLeast = (role: Role, wanted: Role): boolean => roles.indexOf(role) >= roles.indexOf(wanted)

/** The tenant that is meant where none is named: the only one that the caller is a member of. */
export const homeOf = ({ memberships }: Pick<Caller, 'memberships'>): TenantId | null =>
  memberships.length === 1 ? (memberships[0]?.tenantId ?? null) : null

/** What a refused caller would need, for a sentence. */
export function lacking(caller: Caller, need: Need): string {
  const [of, act] = need.split(':')
  if (caller.readOnly && act !== 'read') return 'a token that may write'
  if (caller.app !== null && of !== 'app') return 'a token that is not for one app alone'
  if (of === 'platform' || act === 'operate') return "an operator's token"
  return act === 'own' ? 'an owner of the tenant' : 'a member of the tenant'
}
