/** API tokens. The answer to POST is the only time that a secret is shown. */
import type { Request } from 'express'
import type { z } from 'zod'
import { createToken, type TokenCreated } from '#core/contract/api.ts'
import { homeOf, roleIn, type Caller } from '#core/domain/access.ts'
import { badRequest, forbidden, notFound } from '#core/domain/errors.ts'
import { isId, type TokenId } from '#core/domain/ids.ts'
import { DEFAULT_TENANT } from '#core/domain/quota.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { loadToken, loadTokens, removeToken, saveToken, type TokenRecord } from '#core/store/tokens.ts'
import { makeToken } from '../credentials.ts'
import { mayChangeIn, seesTenant } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import type { ApiContext } from './context.ts'
import { pageOf } from './pages.ts'
import { param, type Routes } from './routes.ts'
import { tokenView } from './views.ts'

export const tokenRoutes = (context: ApiContext): Routes => ({
  '/tokens': {
    async GET(req, res) {
      const tokens = (await loadTokens(context.store)).filter((token) => seesTenant(callerOf(req), token.tenantId))
      tokens.sort((a, b) => a.createdAt - b.createdAt || a.id.localeCompare(b.id))
      const { items, next } = pageOf(req, tokens, {
        name: 'tokens',
        id: ({ id }) => id,
        at: ({ createdAt }) => createdAt,
      })
      res.json({ tokens: items.map(tokenView), ...next })
    },
    async POST(req, res) {
      const { record, text } = await makeFor(callerOf(req), bodyOf(req, createToken), context)
      await saveToken(context.store, record)
      context.log.info('token created', { tokenId: record.id, kind: record.kind, actor: callerOf(req).actor })
      res.setHeader('Cache-Control', 'no-store')
      res.status(201).json({ ...tokenView(record), token: text } satisfies TokenCreated)
    },
  },
  '/tokens/:token': {
    async DELETE(req, res) {
      const token = await tokenOf(req, context)
      await removeToken(context.store, token.id)
      context.log.info('token revoked', { tokenId: token.id, actor: callerOf(req).actor })
      res.status(204).end()
    },
  },
})

async function makeFor(caller: Caller, wish: z.infer<typeof createToken>, { store, random, now }: ApiContext) {
  // The description names the actor in lists and logs, so it stays on one line.
  if (/\p{Cc}/u.test(wish.description)) throw badRequest('description: must hold no control characters')
  const scope = scopeOf(caller, wish)
  const { tenantId } = scope
  if (tenantId !== null && !(await loadTenant(store, tenantId))) throw notFound('tenant', tenantId)
  const { id, text, secretHash } = makeToken(random)
  const record: TokenRecord = { id, secretHash, ...scope, description: wish.description, createdAt: now() }
  return { record, text }
}

/** A token never reaches further than the one that made it. */
function scopeOf(
  caller: Caller,
  { operator = false, tenant }: z.infer<typeof createToken>,
): Pick<TokenRecord, 'kind' | 'tenantId' | 'role' | 'appId' | 'readOnly'> {
  if (operator && caller.kind !== 'operator') throw forbidden("making an operator's token needs an operator's token")
  if (operator && tenant !== undefined)
    throw badRequest("tenant: an operator's token is not bound to a tenant; leave one of the two out")
  if (operator) return { kind: 'operator', tenantId: null, role: 'owner', appId: null, readOnly: false }
  const tenantId = tenant ?? homeOf(caller) ?? DEFAULT_TENANT
  if (!mayChangeIn(caller, tenantId)) throw notFound('tenant', tenantId)
  const role = roleIn(caller, tenantId) ?? 'owner'
  return { kind: 'member', tenantId, role, appId: null, readOnly: false }
}

async function tokenOf(req: Request, { store }: ApiContext): Promise<TokenRecord> {
  const id = param(req, 'token')
  const token = isId(id) ? await loadToken(store, id as TokenId) : null
  if (!token || !seesTenant(callerOf(req), token.tenantId)) throw notFound('token', id)
  return token
}
