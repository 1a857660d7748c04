/** tokens, tokens:create, tokens:revoke. */
import type { TokenCreated, TokenView } from '#core/contract/api.ts'
import type { Run } from '../context.ts'
import { formatSince } from '../text.ts'

export const list: Run = async ({ client, out, now }, _args, options) => {
  const answer = await (await client()).list<{ tokens: TokenView[] }>(['tokens'])
  if (options.json) return out.json(answer)
  out.table(
    ['ID', 'DESCRIPTION', 'TENANT', 'OPERATOR', 'CREATED'],
    answer.tokens.map((token) => [
      token.id,
      token.description,
      token.tenant ?? '-',
      token.operator ? 'yes' : 'no',
      formatSince(token.createdAt, now()),
    ]),
  )
}

/** The token alone on stdout, so that it can be piped; the rest on stderr. */
export const create: Run = async ({ client, out }, [description], { tenant, operator, json }) => {
  const body = { description, ...(tenant === undefined ? {} : { tenant }), ...(operator ? { operator } : {}) }
  const created = await (await client()).post<TokenCreated>(['tokens'], body)
  if (json) return out.json(created)
  out.note(`Token ${created.id}. It is shown this once; keep it safe:`)
  out.line(created.token)
}

export const revoke: Run = async ({ client, out }, [id = ''], options) => {
  const answer = await (await client()).delete<unknown>(['tokens', id])
  if (options.json) out.json(answer)
  else out.line(`Revoked ${id}.`)
}
