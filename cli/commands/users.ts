/** users and what operators do with them. */
import type { Client } from '../client.ts'
import type { Context, Run } from '../context.ts'
import { usage } from '../failures.ts'
import { formatSince } from '../text.ts'
import { forceOf } from './members.ts'

export const list: Run = async ({ client, out, now }, _args, options) => {
  const answer = await (await client()).get('/users')
  if (options.json) return out.json(answer)
  out.table(
    ['E-MAIL', 'NAME', 'OPERATOR', 'MEMBER OF', 'SECOND FACTOR', 'LAST SIGNED IN'],
    answer.users.map((user) => [
      user.email,
      user.name,
      user.operator ? 'yes' : 'no',
      user.memberships.map(({ tenant, role }) => `${tenant} (${role})`).join(', ') || '-',
      user.totp ? 'yes' : 'no',
      user.lastLoginAt === null ? 'never' : formatSince(user.lastLoginAt, now()),
    ]),
  )
}

export const create: Run = async (context, [email = ''], { name, operator, json }) => {
  const api = await context.client()
  const user = await api.post('/users', { body: { email, ...(name && { name }), ...(operator && { operator }) } })
  if (json) return context.out.json(user)
  context.out.note(`Made an account for ${user.email}.`)
  await showLink(api, user.email, context)
}

export const set: Run = async ({ client, out }, [email = ''], { name, operator, json }) => {
  if (name === undefined && operator === undefined)
    throw usage('Say what to change: --name, --operator or --no-operator.')
  const change = { ...(name === undefined ? {} : { name }), ...(operator === undefined ? {} : { operator }) }
  const user = await (await client()).patch('/users/:person', { person: email, body: change })
  if (json) out.json(user)
  else
    out.line(
      `${user.email}: ${user.name}, ${user.operator ? 'operates the platform' : 'does not operate the platform'}.`,
    )
}

export const link: Run = async (context, [email = ''], { json }) => {
  const api = await context.client()
  if (json) return context.out.json(await api.post('/users/:person/login-links', { person: email }))
  await showLink(api, email, context)
}

export const resetTotp: Run = async ({ client, out }, [email = ''], { json }) => {
  const answer = await (await client()).delete('/users/:person/totp', { person: email })
  if (json) out.json(answer)
  else out.line(`${email} has no second factor any more, and is signed out everywhere.`)
}

export const endSessions: Run = async ({ client, out }, [email = ''], { json }) => {
  const answer = await (await client()).delete('/users/:person/sessions', { person: email })
  if (json) out.json(answer)
  else out.line(`${email} is signed out of all browsers. Tokens stay valid: berth tokens`)
}

export const remove: Run = async ({ client, out }, [email = ''], options) => {
  const answer = await (await client()).delete('/users/:person', { person: email, query: forceOf(options) })
  if (options.json) out.json(answer)
  else out.line(`Removed ${email}, with sessions, tokens and keys.`)
}

/** The link alone on stdout. */
async function showLink(api: Client, email: string, { out }: Context): Promise<void> {
  const made = await api.post('/users/:person/login-links', { person: email })
  out.note(`Send this link to ${email}. It signs in once, within ten minutes, to set a password:`)
  out.line(made.url)
}
