/** Invitations: made by owners and operators, accepted by whoever has the code and the address. */
import type { Request } from 'express'
import {
  acceptInvitation,
  invite,
  inviteOperator,
  showInvitation,
  type InvitationCreated,
  type InvitationShown,
  type InvitationView,
} from '#core/contract/identity.ts'
import { codeSpent, invitationForAnother, signInFirst, tooMany } from '#core/domain/access-errors.ts'
import { notFound } from '#core/domain/errors.ts'
import { isId, makeId, type TenantId, type UserId } from '#core/domain/ids.ts'
import { loadInvitation, loadInvitations, removeInvitation, type Invitation } from '#core/store/invitations.ts'
import { changeUser, createUser, findUser, joinByInvitation } from '#core/store/users.ts'
import { makeInvitation, readInvitation } from '../identity/invitations.ts'
import { tenantOf } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { consoleAddress, type ApiContext } from './context.ts'
import { iso, userView } from './identity-views.ts'
import { existingTenant } from './owners.ts'
import { param, type Routes } from './routes.ts'
import { enter, ownSession, placeFor } from './session.ts'
import { hashNew, reload } from './users.ts'

const MOST_OPEN = 100

export const invitationRoutes = (context: ApiContext): Routes => ({
  '/tenants/:tenant/invitations': {
    async GET(req, res) {
      res.json({ invitations: (await openOf(await existingTenant(req, context.store), context)).map(invitationView) })
    },
    async POST(req, res) {
      const tenantId = await existingTenant(req, context.store)
      const { email, role } = bodyOf(req, invite)
      res.setHeader('Cache-Control', 'no-store')
      res.status(201).json(await make(req, email, { tenantId, role }, context))
    },
  },
  '/tenants/:tenant/invitations/:invitation': {
    async DELETE(req, res) {
      await takeBack(req, tenantOf(req), context)
      res.status(204).end()
    },
  },
  '/invitations': {
    async GET(_req, res) {
      res.json({ invitations: (await openOf(null, context)).map(invitationView) })
    },
    async POST(req, res) {
      const { email } = bodyOf(req, inviteOperator)
      res.setHeader('Cache-Control', 'no-store')
      res.status(201).json(await make(req, email, null, context))
    },
  },
  '/invitations/:invitation': {
    async DELETE(req, res) {
      await takeBack(req, null, context)
      res.status(204).end()
    },
  },
  '/account/invitations': {
    async POST(req, res) {
      const { user } = await ownSession(req, context)
      const invitation = await readInvitation(context, bodyOf(req, showInvitation).code)
      if (invitation.email !== user.email) throw invitationForAnother(invitation.email)
      await join(user.id, invitation, context)
      res.json(userView(await reload(user.id, context)))
    },
  },
})

/** For whoever is nobody yet. */
export const acceptRoutes = (context: ApiContext): Routes => ({
  '/invitations/show': {
    async POST(req, res) {
      const invitation = await readInvitation(context, bodyOf(req, showInvitation).code)
      const { id: _, ...view } = invitationView(invitation)
      const hasAccount = (await findUser(context.store, invitation.email)) !== null
      res.json({ ...view, hasAccount } satisfies InvitationShown)
    },
  },
  '/invitations/accept': {
    async POST(req, res) {
      const place = placeFor(req, context)
      const { code, name, password } = bodyOf(req, acceptInvitation)
      const invitation = await readInvitation(context, code)
      const id = await makeAccount(invitation, name ?? invitation.email, password, context)
      const user = await reload(id, context)
      await enter(req, res, place, { user, secondFactor: false, byLink: false }, context)
    },
  },
})

/** @throws SIGN_IN_FIRST, CODE_NOT_VALID, PASSWORD_REFUSED */
async function makeAccount(
  invitation: Invitation,
  name: string,
  password: string,
  context: ApiContext,
): Promise<UserId> {
  const { id, email, to } = invitation
  const hash = await hashNew(password, email, context)
  const userId = makeId('u', context.random(13)) as UserId
  const user = { id: userId, email, name, createdAt: context.now(), operator: to === null, password: hash }
  const outcome = await createUser(context.store, user, to, id)
  if (outcome === 'taken') throw signInFirst(email)
  if (outcome === 'spent') throw codeSpent('invitation')
  context.log.info('invitation accepted', { invitation: id, userId, tenantId: to?.tenantId ?? null })
  return userId
}

/** @throws CODE_NOT_VALID */
export async function join(user: UserId, { id, to }: Invitation, context: ApiContext): Promise<void> {
  const { store, log } = context
  if (to === null) {
    if (!(await removeInvitation(store, id))) throw codeSpent('invitation')
    await changeUser(store, await reload(user, context), { operator: true })
  } else {
    const outcome = await joinByInvitation(store, user, to, id)
    if (outcome === 'spent' || outcome === 'gone') throw codeSpent('invitation')
  }
  log.info('invitation accepted', { invitation: id, userId: user, tenantId: to?.tenantId ?? null })
}

async function make(
  req: Request,
  email: string,
  to: Invitation['to'],
  context: ApiContext,
): Promise<InvitationCreated> {
  const open = (await loadInvitations(context.store)).filter((one) => one.to?.tenantId === to?.tenantId)
  if (open.length >= MOST_OPEN) throw tooMany('open invitations', MOST_OPEN)
  const { actor } = callerOf(req)
  const { invitation, code } = await makeInvitation(context, { email, to, invitedBy: actor })
  context.log.info('invited', { invitation: invitation.id, tenantId: to?.tenantId ?? null, role: to?.role, actor })
  return { ...invitationView(invitation), code, url: `${consoleAddress(context.config)}/login?invitation=${code}` }
}

/** @param tenant null: all */
async function openOf(tenant: TenantId | null, { store }: ApiContext): Promise<Invitation[]> {
  const all = await loadInvitations(store)
  return all.filter(({ to }) => tenant === null || to?.tenantId === tenant).sort((a, b) => a.createdAt - b.createdAt)
}

/** @throws NOT_FOUND */
async function takeBack(req: Request, tenant: TenantId | null, { store, log }: ApiContext): Promise<void> {
  const id = param(req, 'invitation')
  const invitation = isId(id) ? await loadInvitation(store, id) : null
  if (!invitation || (tenant !== null && invitation.to?.tenantId !== tenant)) throw notFound('invitation', id)
  await removeInvitation(store, id)
  log.info('invitation taken back', { invitation: id, actor: callerOf(req).actor })
}

const invitationView = ({ id, email, to, invitedBy, createdAt, expiresAt }: Invitation): InvitationView => ({
  id,
  email,
  tenant: to?.tenantId ?? null,
  role: to?.role ?? null,
  operator: to === null,
  invitedBy,
  createdAt: iso(createdAt),
  expiresAt: iso(expiresAt),
})
