/** What somebody may do, for what a page offers. The API judges again, by core/domain/access.ts. */
export type Role = 'viewer' | 'member' | 'owner'
export type Membership = { tenant: string; role: Role }

export type Session = {
  /** What releases, events and the audit log call them. */
  actor: string
  email: string | null
  operator: boolean
  memberships: Membership[]
  readOnly: boolean
  secondFactor: 'enrol' | 'show' | null
  /** A token that was pasted: there is no session to end at the controller. */
  byToken: boolean
}

export type Act = 'read' | 'write' | 'own' | 'operate'
const ranks: Record<Role, number> = { viewer: 0, member: 1, owner: 2 }
const least: Record<Exclude<Act, 'operate'>, Role> = { read: 'viewer', write: 'member', own: 'owner' }

/**
 * Why somebody may not do something, as a sentence for a tooltip; null: they may.
 * @param tenant whose it is; null: the platform's
 */
export function whyNot(session: Session, act: Act, tenant: string | null): string | null {
  if (session.readOnly && act !== 'read') return 'Your token may only read.'
  if (session.operator) return null
  if (tenant === null || act === 'operate') return 'Only operators may do this.'
  const role = session.memberships.find((membership) => membership.tenant === tenant)?.role
  if (role && ranks[role] >= ranks[least[act]]) return null
  return act === 'own' ? `Only owners of ${tenant} may do this.` : `You may look at ${tenant}, but not change it.`
}
