/** members, members:add, :role, :remove; invite, invitations, invitations:revoke. */
import { roles, type Role } from '#core/domain/access.ts'
import type { Client, Query } from '../client.ts'
import type { Options, Run } from '../context.ts'
import { usage } from '../failures.ts'
import { formatSince } from '../text.ts'

export const list: Run = async ({ client, out, now }, _args, options) => {
  const api = await client()
  const tenant = await tenantOf(api, options)
  const answer = await api.get('/tenants/:tenant/members', { tenant })
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
  const member = await api.post('/tenants/:tenant/members', { tenant, body: { email, role } })
  if (options.json) out.json(member)
  else out.line(`${member.user.email} is ${role} of ${tenant}.`)
}

export const changeRole: Run = async ({ client, out }, [email = '', role = ''], options) => {
  const api = await client()
  const tenant = await tenantOf(api, options)
  const member = await api.patch('/tenants/:tenant/members/:person', {
    tenant,
    person: email,
    body: { role: roleIn(role) },
    query: forceOf(options),
  })
  if (options.json) out.json(member)
  else out.line(`${member.user.email} is ${role} of ${tenant} now.`)
}

export const remove: Run = async ({ client, out }, [email = ''], options) => {
  const api = await client()
  const tenant = await tenantOf(api, options)
  const answer = await api.delete('/tenants/:tenant/members/:person', {
    tenant,
    person: email,
    query: forceOf(options),
  })
  if (options.json) out.json(answer)
  else out.line(`${email} does not belong to ${tenant} any more; tokens and keys are gone, too.`)
}

/** The link alone on stdout. */
export const invite: Run = async ({ client, out }, [email = ''], options) => {
  const api = await client()
  const made = options.operator
    ? await api.post('/invitations', { body: { email } })
    : await api.post('/tenants/:tenant/invitations', {
        tenant: await tenantOf(api, options),
        body: {
          email,
          role: roleIn(options.role ?? 'member'),
        },
      })
  if (options.json) return out.json(made)
  out.note(`Send this link to ${made.email}. It is shown this once, and is good until ${made.expiresAt.slice(0, 10)}:`)
  out.line(made.url)
}

export const invitations: Run = async ({ client, out, now }, _args, options) => {
  const api = await client()
  const answer = options.all
    ? await api.get('/invitations')
    : await api.get('/tenants/:tenant/invitations', { tenant: await tenantOf(api, options) })
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
  const answer = options.all
    ? await api.delete('/invitations/:invitation', { invitation: id })
    : await api.delete('/tenants/:tenant/invitations/:invitation', {
        tenant: await tenantOf(api, options),
        invitation: id,
      })
  if (options.json) out.json(answer)
  else out.line(`The invitation ${id} is good for nothing any more.`)
}

/** The one that is named, else the only one that one belongs to. @throws usage */
export async function tenantOf(api: Client, { tenant }: Options): Promise<string> {
  const found = tenant ?? (await api.get('/whoami')).tenant
  if (found === null) throw usage('Say which tenant: --tenant TENANT')
  return found
}

function roleIn(text: string): Role {
  const role = roles.find((one) => one === text)
  if (role === undefined) throw usage(`A role is viewer, member or owner, not "${text}".`)
  return role
}

export const forceOf = ({ force }: Options): Query => (force ? { force: 'yes' } : {})
