/** API tokens. The answer to POST is the only time that a secret is shown. */
import type { Request } from 'express'
import type { z } from 'zod'
import { createToken, type TokenCreated } from '#core/contract/identity.ts'
import { tooMany } from '#core/domain/access-errors.ts'
import { judge, lacking, roleIn, type Caller } from '#core/domain/access.ts'
import type { App } from '#core/domain/app.ts'
import { badRequest, forbidden, notFound } from '#core/domain/errors.ts'
import { isId, type TenantId, type TokenId, type UserId } from '#core/domain/ids.ts'
import { lesser, type TokenScope } from '#core/domain/user.ts'
import { loadApp } from '#core/store/apps.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { loadToken, loadTokens, removeToken, saveToken, type TokenRecord } from '#core/store/tokens.ts'
import { loadUser } from '#core/store/users.ts'
import { makeToken } from '../credentials.ts'
import { findAppFor, tenantFor } from './access.ts'
import { callerOf, endOf, sessionOf } from './auth.ts'
import { bodyOf } from './body.ts'
import type { ApiContext } from './context.ts'
import { tokenView } from './identity-views.ts'
import { pageOf } from './pages.ts'
import { param, type Routes } from './routes.ts'

const MOST_OF_ONE = 200

export const tokenRoutes = (context: ApiContext): Routes => ({
  '/tokens': {
    async GET(req, res) {
      const tokens = (await loadTokens(context.store)).filter((token) => mayManage(callerOf(req), token))
      tokens.sort((a, b) => a.createdAt - b.createdAt || a.id.localeCompare(b.id))
      const { items, next } = pageOf(req, tokens, {
        name: 'tokens',
        id: ({ id }) => id,
        at: ({ createdAt }) => createdAt,
      })
      res.json({ tokens: await Promise.all(items.map((token) => show(token, context))), ...next })
    },
    async POST(req, res) {
      const { record, text } = await makeFor(req, bodyOf(req, createToken), context)
      await saveToken(context.store, record)
      context.log.info('token created', { tokenId: record.id, kind: record.kind, actor: callerOf(req).actor })
      res.setHeader('Cache-Control', 'no-store')
      res.status(201).json({ ...(await show(record, context)), token: text } satisfies TokenCreated)
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

type Wish = z.infer<typeof createToken>

async function makeFor(req: Request, wish: Wish, context: ApiContext): Promise<{ record: TokenRecord; text: string }> {
  const { random, now } = context
  // The description names the actor in lists and logs, so it stays on one line.
  if (/\p{C}/u.test(wish.description)) throw badRequest('description: must hold no control characters')
  const scope = await scopeOf(req, wish, context)
  const { id, text, secretHash } = makeToken(random)
  const createdAt = now()
  const expiresAt = earlier(
    wish.expiresInSeconds === undefined ? null : createdAt + wish.expiresInSeconds * 1000,
    endOf(req),
  )
  const userId = ownerOf(callerOf(req), scope)
  await requireRoom(userId, scope.tenantId, context)
  const { description } = wish
  return { record: { id, secretHash, ...scope, userId, description, createdAt, expiresAt, lastUsedAt: null }, text }
}

/** A token never reaches further than the one that made it, in what and in how long. */
const earlier = (wanted: number | null, limit: number | null): number | null =>
  wanted === null || limit === null ? (wanted ?? limit) : Math.min(wanted, limit)

/** What an operator makes for a tenant that is not the operator's own is the tenant's, and nobody's in person. */
const ownerOf = (caller: Caller, { kind, tenantId }: TokenScope): UserId | null =>
  kind === 'member' && tenantId !== null && roleIn(caller, tenantId) === null ? null : caller.userId

/** @throws FORBIDDEN, NOT_FOUND, BAD_REQUEST */
async function scopeOf(req: Request, wish: Wish, { store }: ApiContext): Promise<TokenScope> {
  const caller = callerOf(req)
  const { operator = false, account = false, tenant, app, readOnly = false } = wish
  refuseContradictions(wish)
  const whole = { tenantId: null, role: wish.role ?? 'owner', appId: null, readOnly } as const
  if (operator) {
    if (caller.kind !== 'operator') throw forbidden("making an operator's token needs an operator's token")
    return { ...whole, role: 'owner', kind: 'operator' }
  }
  if (account) {
    if (caller.userId === null || sessionOf(req) === null)
      throw forbidden('a token for all that you may reach needs you to be signed in with your own account')
    return { ...whole, kind: 'member' }
  }
  const only = app === undefined ? null : await findAppFor(caller, store, app)
  const tenantId = only?.tenantId ?? tenantFor(caller, tenant)
  if (tenant !== undefined && tenant !== tenantId) throw badRequest(`tenant: ${app} does not belong to ${tenant}`)
  requireMayIn(caller, tenantId, only)
  if (!(await loadTenant(store, tenantId))) throw notFound('tenant', tenantId)
  const most = caller.kind === 'operator' ? 'owner' : (roleIn(caller, tenantId) ?? 'viewer')
  return { kind: 'member', tenantId, role: lesser(wish.role ?? most, most), appId: only?.id ?? null, readOnly }
}

function refuseContradictions({ operator, account, tenant, app }: Wish): void {
  if (operator && tenant !== undefined)
    throw badRequest("tenant: an operator's token is not bound to a tenant; leave one of the two out")
  if ((operator || account) && app !== undefined)
    throw badRequest('app: a token for one app is bound to its tenant; leave one of the two out')
  if (operator && account) throw badRequest('account: give either this or "operator"')
  if (account && tenant !== undefined) throw badRequest('tenant: give either this or "account"')
}

/** Whoever is somebody in person may make a token of what they are; a token that is nobody's needs a right to change things. */
function requireMayIn(caller: Caller, tenantId: TenantId, app: App | null): void {
  const verdict = judge(caller, 'tenant:write', { tenantId, appId: app?.id ?? null })
  if (caller.userId === null && verdict !== 'allowed')
    throw forbidden(`making a token needs ${lacking(caller, 'tenant:write')}`)
}

/** @throws TOO_MANY */
async function requireRoom(
  userId: UserId | null,
  tenantId: TenantId | null,
  { store, now }: ApiContext,
): Promise<void> {
  const like = (await loadTokens(store)).filter((token) =>
    userId === null ? token.userId === null && token.tenantId === tenantId : token.userId === userId,
  )
  // Those that have expired are listed until somebody makes another.
  const over = like.filter(({ expiresAt }) => expiresAt !== null && expiresAt <= now())
  for (const { id } of over) await removeToken(store, id)
  if (like.length - over.length >= MOST_OF_ONE) throw tooMany('tokens', MOST_OF_ONE)
}

/** One's own, those of a tenant that one owns, and itself. */
function mayManage(caller: Caller, { id, userId, tenantId }: TokenRecord): boolean {
  if (caller.kind === 'operator' || caller.tokenId === id) return true
  if (caller.userId !== null && caller.userId === userId) return caller.app === null
  return tenantId !== null && judge(caller, 'tenant:own', { tenantId, appId: null }) === 'allowed'
}

async function show(token: TokenRecord, { store }: ApiContext) {
  const user = token.userId === null ? null : await loadUser(store, token.userId)
  const app = token.appId === null ? null : await loadApp(store, token.appId)
  return tokenView(token, user, app?.name ?? token.appId)
}

async function tokenOf(req: Request, { store }: ApiContext): Promise<TokenRecord> {
  const id = param(req, 'token')
  const token = isId(id) ? await loadToken(store, id as TokenId) : null
  if (!token || !mayManage(callerOf(req), token)) throw notFound('token', id)
  return token
}
