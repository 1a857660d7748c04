/**
 * One's own account. What changes how somebody signs in needs a session, since a token that was stolen must not be able to
 * take the account over.
 */
import type { Request } from 'express'
import {
  changePassword,
  endTotp as endTotpShape,
  giveTotp,
  patchAccount,
  type OwnSessionsView,
  type RecoveryCodesView,
  type TotpBegun,
} from '#core/contract/identity.ts'
import { sessionNeeded, totpIsOn, totpNotBegun, wrongLogin, wrongTotp } from '#core/domain/access-errors.ts'
import { notFound } from '#core/domain/errors.ts'
import type { User } from '#core/domain/user.ts'
import { loadSessionsOf, removeSession, removeSessionsOf, type SessionRecord } from '#core/store/sessions.ts'
import { changeUser, loadPassword, loadTotp, loadUser } from '#core/store/users.ts'
import { beginTotp, checkTotp, confirmTotp, endTotp } from '../identity/totp.ts'
import { callerOf, sessionOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { addressOf } from './client.ts'
import type { ApiContext } from './context.ts'
import { iso, sessionId, userView } from './identity-views.ts'
import { param, type Routes } from './routes.ts'
import { cookieOfNew, ownSession, renew } from './session.ts'
import { hashNew, reload } from './users.ts'

export const accountRoutes = (context: ApiContext): Routes => ({
  '/account': {
    async GET(req, res) {
      const { userId } = callerOf(req)
      const user = userId === null ? null : await loadUser(context.store, userId)
      if (!user) throw notFound('account of your own', callerOf(req).actor)
      res.json(userView(user))
    },
    async PATCH(req, res) {
      const { user } = await ownSession(req, context)
      const { name } = bodyOf(req, patchAccount)
      await changeUser(context.store, user, { name })
      res.json(userView(await reload(user.id, context)))
    },
  },
  '/account/password': {
    async POST(req, res) {
      const { session, user } = await ownSession(req, context)
      const { current, password } = bodyOf(req, changePassword)
      if (user.hasPassword && !session.byLink) await requirePassword(req, user, current ?? '', context)
      await changeUser(context.store, user, { password: await hashNew(password, user.email, context) })
      // Whoever knew the old one may be signed in with it.
      await removeSessionsOf(context.store, user.id)
      context.log.info('password changed', { userId: user.id })
      await renew(req, res, session, await reload(user.id, context), { byLink: false }, context)
    },
  },
  '/account/totp': {
    async POST(req, res) {
      const { user } = await ownSession(req, context)
      if (user.hasTotp) throw totpIsOn()
      res.setHeader('Cache-Control', 'no-store')
      res.json((await beginTotp(context, user)) satisfies TotpBegun)
    },
  },
  '/account/totp/confirm': {
    async POST(req, res) {
      const { session, user } = await ownSession(req, context)
      const { code } = bodyOf(req, giveTotp)
      if (user.hasTotp) throw totpIsOn()
      if ((await loadTotp(context.store, user.id)) === null) throw totpNotBegun()
      const counted = await context.identity.throttle.attempt(user.email, addressOf(req))
      const recoveryCodes = await confirmTotp(context, user, code)
      if (recoveryCodes === null) throw wrongTotp()
      await counted.forgive()
      context.log.info('second factor set up', { userId: user.id })
      res.setHeader('Set-Cookie', await cookieOfNew(req, session, { secondFactor: true }, context))
      res.setHeader('Cache-Control', 'no-store')
      res.json({ recoveryCodes } satisfies RecoveryCodesView)
    },
  },
  '/account/totp/disable': {
    async POST(req, res) {
      const { session, user } = await ownSession(req, context)
      const { code } = bodyOf(req, endTotpShape)
      if (!user.hasTotp) throw totpNotBegun()
      const counted = await context.identity.throttle.attempt(user.email, addressOf(req))
      if (!(await checkTotp(context, user, code))) throw wrongTotp()
      await counted.forgive()
      await endTotp(context, user)
      await removeSessionsOf(context.store, user.id)
      context.log.info('second factor turned off', { userId: user.id })
      await renew(req, res, session, await reload(user.id, context), { secondFactor: false }, context)
    },
  },
  '/account/sessions': {
    async GET(req, res) {
      const { session, sessions } = await ownSessions(req, context)
      res.json({ sessions: sessions.map((one) => shown(one, session)) } satisfies OwnSessionsView)
    },
    async DELETE(req, res) {
      const { session } = await ownSessions(req, context)
      await removeSessionsOf(context.store, session.userId, session.hash)
      res.status(204).end()
    },
  },
  '/account/sessions/:session': {
    async DELETE(req, res) {
      const { sessions } = await ownSessions(req, context)
      const wanted = param(req, 'session')
      const found = sessions.find((one) => sessionId(one) === wanted)
      if (!found) throw notFound('session', wanted.slice(0, 100))
      await removeSession(context.store, found)
      res.status(204).end()
    },
  },
})

/** @throws SESSION_NEEDED; the built-in operator has sessions, too */
async function ownSessions(
  req: Request,
  context: ApiContext,
): Promise<{ session: SessionRecord; sessions: SessionRecord[] }> {
  const session = sessionOf(req)
  if (!session) throw sessionNeeded()
  const sessions = await loadSessionsOf(context.store, session.userId)
  return { session, sessions: sessions.sort((a, b) => b.seenAt - a.seenAt) }
}

/** @throws WRONG_LOGIN, TOO_MANY_ATTEMPTS */
async function requirePassword(
  req: Request,
  user: User,
  password: string,
  { identity, store }: ApiContext,
): Promise<void> {
  const counted = await identity.throttle.attempt(user.email, addressOf(req))
  const { right } = await identity.passwords.verify(password, await loadPassword(store, user.id))
  if (!right) throw wrongLogin()
  await counted.forgive()
}

const shown = (one: SessionRecord, current: SessionRecord) => ({
  id: sessionId(one),
  current: one.hash === current.hash,
  createdAt: iso(one.createdAt),
  seenAt: iso(one.seenAt),
  address: one.address,
  client: one.client,
})
