/** members, members:add, :role, :remove; invite, invitations, invitations:revoke. */
import type { InvitationCreated, InvitationView, MembersView, MemberView, WhoamiView } from '#core/contract/identity.ts'
import type { Client, Query } from '../client.ts'
import type { Options, Run } from '../context.ts'
import { usage } from '../failures.ts'
import { formatSince } from '../text.ts'

export const list: Run = async ({ client, out, now }, _args, options) => {
  const api = await client()
  const tenant = await tenantOf(api, options)
  const answer = await api.get<MembersView>(['tenants', tenant, 'members'])
  if (options.json) return out.json(answer)
  out.table(
    ['E-MAIL', 'NAME', 'ROLE', 'LAST SIGNED IN'],
    answer.members.map(({ user, role, lastLoginAt }) => [
      user.email,
      user.name,
      role,
      lastLoginAt === null ? 'never' : formatSince(lastLoginAt, now()),
    ]),
  )
  if (!answer.hasOwner) out.note(`${tenant} has no owner: only operators can say who belongs to it.`)
}

export const add: Run = async ({ client, out }, [email = ''], options) => {
  const api = await client()
  const tenant = await tenantOf(api, options)
  const role = roleIn(options.role ?? 'member')
  const member = await api.post<MemberView>(['tenants', tenant, 'members'], { email, role })
  if (options.json) out.json(member)
  else out.line(`${member.user.email} is ${role} of ${tenant}.`)
}

export const changeRole: Run = async ({ client, out }, [email = '', role = ''], options) => {
  const api = await client()
  const tenant = await tenantOf(api, options)
  const member = await api.patch<MemberView>(
    ['tenants', tenant, 'members', email],
    { role: roleIn(role) },
    forceOf(options),
  )
  if (options.json) out.json(member)
  else out.line(`${member.user.email} is ${role} of ${tenant} now.`)
}

export const remove: Run = async ({ client, out }, [email = ''], options) => {
  const api = await client()
  const tenant = await tenantOf(api, options)
  const answer = await api.delete<unknown>(['tenants', tenant, 'members', email], forceOf(options))
  if (options.json) out.json(answer)
  else out.line(`${email} does not belong to ${tenant} any more; tokens and keys are gone, too.`)
}

/** The link alone on stdout. */
export const invite: Run = async ({ client, out }, [email = ''], options) => {
  const api = await client()
  const made = options.operator
    ? await api.post<InvitationCreated>(['invitations'], { email })
    : await api.post<InvitationCreated>(['tenants', await tenantOf(api, options), 'invitations'], {
        email,
        role: roleIn(options.role ?? 'member'),
      })
  if (options.json) return out.json(made)
  out.note(`Send this link to ${made.email}. It is shown this once, and is good until ${made.expiresAt.slice(0, 10)}:`)
  out.line(made.url)
}

export const invitations: Run = async ({ client, out, now }, _args, options) => {
  const api = await client()
  const path = options.all ? ['invitations'] : ['tenants', await tenantOf(api, options), 'invitations']
  const answer = await api.get<{ invitations: InvitationView[] }>(path)
  if (options.json) return out.json(answer)
  out.table(
    ['ID', 'E-MAIL', 'TO', 'INVITED BY', 'SINCE', 'UNTIL'],
    answer.invitations.map((one) => [
      one.id,
      one.email,
      one.operator ? 'operate the platform' : `${one.role} of ${one.tenant}`,
      one.invitedBy,
      formatSince(one.createdAt, now()),
      one.expiresAt.slice(0, 10),
    ]),
  )
}

export const revokeInvitation: Run = async ({ client, out }, [id = ''], options) => {
  const api = await client()
  const path = options.all ? ['invitations', id] : ['tenants', await tenantOf(api, options), 'invitations', id]
  const answer = await api.delete<unknown>(path)
  if (options.json) out.json(answer)
  else out.line(`The invitation ${id} is good for nothing any more.`)
}

/** The one that is named, else the only one that one belongs to. @throws usage */
export async function tenantOf(api: Client, { tenant }: Options): Promise<string> {
  const found = tenant ?? (await api.get<WhoamiView>(['whoami'])).tenant
  if (found === null) throw usage('Say which tenant: --tenant TENANT')
  return found
}

function roleIn(role: string): string {
  if (!['viewer', 'member', 'owner'].includes(role)) throw usage(`A role is viewer, member or owner, not "${role}".`)
  return role
}

export const forceOf = ({ force }: Options): Query => (force ? { force: 'yes' } : {})
