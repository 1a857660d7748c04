/** What the API says of people, the audit log and templates, as far as the console shows it. */
import type { Role } from './session.ts'

export type Person = { id: string; email: string; name: string }
export type MemberView = { user: Person; role: Role; lastLoginAt: string | null }
export type MembersView = { members: MemberView[]; hasOwner?: boolean }
export type InvitationView = {
  id: string
  email: string
  tenant: string | null
  role: Role | null
  invitedBy: string
  createdAt: string
  expiresAt: string
}
/** What whoever has the link may know of it. */
export type InvitationShown = Omit<InvitationView, 'id'> & { operator: boolean; hasAccount: boolean }
/** The link is shown once. */
export type InvitationCreated = InvitationView & { code: string; url: string }

export type AuditEntry = {
  seq: number
  at: string
  operation: string
  requestId: string
  actor: { kind: string; name: string; standsIn?: true }
  tenant: string | null
  app: string | null
  target: Record<string, string>
  changes: { field: string; before?: unknown; after?: unknown }[]
  from: { address: string; agent: string } | null
  result: { status: number | null; code: string | null }
}
export type AuditView = { entries: AuditEntry[]; next: string | null }

export type TokenView = {
  id: string
  description: string
  tenant: string | null
  operator: boolean
  createdAt: string
  app?: string | null
  readOnly?: boolean
  expiresAt?: string | null
  lastUsedAt?: string | null
}
