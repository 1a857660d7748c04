/** tokens, tokens:create, tokens:revoke. */
import { roles } from '#core/domain/access.ts'
import type { TokenView } from '#core/contract/identity.ts'
import type { Run } from '../context.ts'
import { usage } from '../failures.ts'
import { parseLifetime } from '../person.ts'
import { formatSince } from '../text.ts'

export const list: Run = async ({ client, out, now }, _args, options) => {
  const answer = await (await client()).list('/tokens')
  if (options.json) return out.json(answer)
  out.table(
    ['ID', 'DESCRIPTION', 'OF', 'FOR', 'CREATED', 'LAST USED', 'EXPIRES'],
    answer.tokens.map((token) => [
      token.id,
      token.description,
      token.user?.email ?? '-',
      describe(token),
      formatSince(token.createdAt, now()),
      token.lastUsedAt === null ? 'never' : formatSince(token.lastUsedAt, now()),
      expiryOf(token, now()),
    ]),
  )
}

function describe({ operator, tenant, role, app, readOnly }: TokenView): string {
  const what = operator ? 'the platform' : tenant === null ? 'all of the account' : `${role} of ${tenant}`
  return what + (app === null ? '' : `, ${app} alone`) + (readOnly ? ', looking alone' : '')
}

const expiryOf = ({ expiresAt }: TokenView, now: number): string =>
  expiresAt === null ? '-' : Date.parse(expiresAt) <= now ? 'expired' : expiresAt.slice(0, 10)

/** The token alone on stdout, so that it can be piped; the rest on stderr. */
export const create: Run = async ({ client, out }, [description = ''], options) => {
  const { tenant, operator, role, readOnly, expires, forApp, json } = options
  const asRole = roles.find((one) => one === role)
  if (role !== undefined && asRole === undefined) throw usage(`--role must be viewer, member or owner, got "${role}".`)
  const body = {
    description,
    ...(tenant === undefined ? {} : { tenant }),
    ...(forApp === undefined ? {} : { app: forApp }),
    ...(asRole === undefined ? {} : { role: asRole }),
    ...(readOnly ? { readOnly } : {}),
    ...(expires === undefined ? {} : { expiresInSeconds: parseLifetime(expires) }),
    ...(operator ? { operator } : {}),
  }
  const created = await (await client()).post('/tokens', { body })
  if (json) return out.json(created)
  out.note(`Token ${created.id} for ${describe(created)}. It is shown this once; keep it safe:`)
  out.line(created.token)
}

export const revoke: Run = async ({ client, out }, [id = ''], options) => {
  const answer = await (await client()).delete('/tokens/:token', { token: id })
  if (options.json) out.json(answer)
  else out.line(`Revoked ${id}.`)
}
