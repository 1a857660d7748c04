/** Who belongs to a tenant, and as what. */
import type { Request } from 'express'
import { addMember, patchMember } from '#core/contract/identity.ts'
import { lastOwner } from '#core/domain/access-errors.ts'
import { roleIn, type Role } from '#core/domain/access.ts'
import { notFound } from '#core/domain/errors.ts'
import type { TenantId } from '#core/domain/ids.ts'
import type { User } from '#core/domain/user.ts'
import { findUser, loadMembers, setMember } from '#core/store/users.ts'
import { endCredentials } from '../identity/leave.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import type { ApiContext } from './context.ts'
import { memberView } from './identity-views.ts'
import { existingTenant } from './owners.ts'
import { param, type Routes } from './routes.ts'
import { ownSession } from './session.ts'
import { personOf, reload } from './users.ts'

export const memberRoutes = (context: ApiContext): Routes => ({
  '/tenants/:tenant/members': {
    async GET(req, res) {
      const members = await loadMembers(context.store, await existingTenant(req, context.store))
      members.sort((a, b) => a.user.email.localeCompare(b.user.email))
      res.json({ members: members.map(memberView), hasOwner: members.some(({ role }) => role === 'owner') })
    },
    async POST(req, res) {
      const tenant = await existingTenant(req, context.store)
      const { email, role } = bodyOf(req, addMember)
      const user = await findUser(context.store, email)
      if (!user) throw notFound('account', email)
      await change(req, user, tenant, role, 'any', context)
      res.status(201).json(memberView({ user: await reload(user.id, context), role }))
    },
  },
  '/tenants/:tenant/members/:person': {
    async PATCH(req, res) {
      const tenant = await existingTenant(req, context.store)
      const { role } = bodyOf(req, patchMember)
      const user = await memberOf(req, tenant, context)
      await change(req, user, tenant, role, 'member', context)
      res.json(memberView({ user: await reload(user.id, context), role }))
    },
    async DELETE(req, res) {
      const tenant = await existingTenant(req, context.store)
      const user = await memberOf(req, tenant, context)
      await change(req, user, tenant, null, 'member', context)
      await endCredentials(context.store, user.id, tenant)
      res.status(204).end()
    },
  },
  '/account/memberships/:membership': {
    async DELETE(req, res) {
      const { user } = await ownSession(req, context)
      const tenant = param(req, 'membership') as TenantId
      if (roleIn(user, tenant) === null) throw notFound('tenant', tenant)
      await change(req, user, tenant, null, 'member', context)
      await endCredentials(context.store, user.id, tenant)
      res.status(204).end()
    },
  },
})

/** @throws NOT_FOUND, LAST_OWNER */
async function change(
  req: Request,
  user: User,
  tenant: TenantId,
  role: Role | null,
  before: 'any' | 'member',
  { store, log }: ApiContext,
): Promise<void> {
  const { kind, actor } = callerOf(req)
  const force = kind === 'operator' && req.query['force'] === 'yes'
  const outcome = await setMember(store, user.id, tenant, role, { before, force })
  if (outcome === 'gone') throw notFound('member', user.email)
  if (outcome === 'last') throw lastOwner(tenant)
  log.info('membership changed', { tenantId: tenant, userId: user.id, role, actor })
}

/** Whether there is such an account elsewhere is nobody's business here. @throws NOT_FOUND */
async function memberOf(req: Request, tenant: TenantId, context: ApiContext): Promise<User> {
  const wanted = param(req, 'person').slice(0, 300)
  const user = await personOf(req, context).catch(() => null)
  if (!user || roleIn(user, tenant) === null) throw notFound('member', wanted)
  return user
}
