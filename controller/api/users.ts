/** Accounts, for operators. */
import type { Request } from 'express'
import { createUser as createUserShape, patchUser, type LoginLinkView } from '#core/contract/identity.ts'
import { emailTaken, lastOwner, passwordRefused } from '#core/domain/access-errors.ts'
import { notFound } from '#core/domain/errors.ts'
import { isId, makeId, type UserId } from '#core/domain/ids.ts'
import { passwordFault, type User } from '#core/domain/user.ts'
import { removeSessionsOf } from '#core/store/sessions.ts'
import { changeUser, createUser, findUser, loadUser, loadUsers, removeUser } from '#core/store/users.ts'
import { endAccount } from '../identity/leave.ts'
import { mintLoginCode } from '../identity/sessions.ts'
import { endTotp } from '../identity/totp.ts'
import { callerOf, stopWatching } from './auth.ts'
import { bodyOf } from './body.ts'
import { consoleAddress, type ApiContext } from './context.ts'
import { iso, userView } from './identity-views.ts'
import { param, type Routes } from './routes.ts'

export const userRoutes = (context: ApiContext): Routes => ({
  '/users': {
    async GET(_req, res) {
      const users = (await loadUsers(context.store)).sort((a, b) => a.email.localeCompare(b.email))
      res.json({ users: users.map(userView) })
    },
    async POST(req, res) {
      const { email, name = email, password, operator = false } = bodyOf(req, createUserShape)
      const hash = password === undefined ? null : await hashNew(password, email, context)
      const id = makeId('u', context.random(13)) as UserId
      const user = { id, email, name, createdAt: context.now(), operator, password: hash }
      if ((await createUser(context.store, user, null, null)) === 'taken') throw emailTaken(email)
      context.log.info('account made', { userId: id, operator, actor: callerOf(req).actor })
      res.status(201).json(userView(await reload(id, context)))
    },
  },
  '/users/:person': {
    async GET(req, res) {
      res.json(userView(await personOf(req, context)))
    },
    async PATCH(req, res) {
      const user = await personToChange(req, context)
      const { name, operator } = bodyOf(req, patchUser)
      await changeUser(context.store, user, {
        ...(name === undefined ? {} : { name }),
        ...(operator === undefined ? {} : { operator }),
      })
      context.log.info('account changed', { userId: user.id, operator, actor: callerOf(req).actor })
      res.json(userView(await reload(user.id, context)))
    },
    async DELETE(req, res) {
      const user = await personToChange(req, context)
      const ownerless = await removeUser(context.store, user, req.query['force'] === 'yes')
      if (ownerless !== null) throw lastOwner(ownerless)
      await endAccount(context.store, user.id)
      context.log.info('account removed', { userId: user.id, actor: callerOf(req).actor })
      res.status(204).end()
    },
  },
  '/users/:person/login-links': {
    async POST(req, res) {
      const user = await personOf(req, context)
      res.setHeader('Cache-Control', 'no-store')
      res.status(201).json(await makeLink(user.id, callerOf(req).actor, context))
    },
  },
  '/users/:person/totp': {
    async DELETE(req, res) {
      const user = await personToChange(req, context)
      await endTotp(context, user)
      await removeSessionsOf(context.store, user.id)
      context.log.info('second factor taken away', { userId: user.id, actor: callerOf(req).actor })
      res.status(204).end()
    },
  },
  '/users/:person/sessions': {
    async DELETE(req, res) {
      const user = await personToChange(req, context)
      await removeSessionsOf(context.store, user.id)
      context.log.info('sessions ended', { userId: user.id, actor: callerOf(req).actor })
      res.status(204).end()
    },
  },
  '/login-links': {
    async POST(req, res) {
      const { userId, actor } = callerOf(req)
      res.setHeader('Cache-Control', 'no-store')
      res.status(201).json(await makeLink(userId, actor, context))
    },
  },
})

/** @param user null: the built-in operator */
async function makeLink(user: UserId | null, by: string, context: ApiContext): Promise<LoginLinkView> {
  const { code, expiresAt } = await mintLoginCode(context, user, by)
  context.log.info('login link made', { userId: user, actor: by })
  return { url: `${consoleAddress(context.config)}/login?once=${code}`, code, expiresAt: iso(expiresAt) }
}

/** @throws PASSWORD_REFUSED */
export async function hashNew(password: string, email: string, { identity }: ApiContext): Promise<string> {
  const fault = passwordFault(password, email, Buffer.byteLength(password))
  if (fault !== null) throw passwordRefused(fault)
  return identity.passwords.hash(password)
}

/** By id or by e-mail address. @throws NOT_FOUND */
export async function personOf(req: Request, { store }: ApiContext): Promise<User> {
  const wanted = param(req, 'person').slice(0, 300).toLowerCase()
  const user = wanted.includes('@')
    ? await findUser(store, wanted)
    : isId(wanted)
      ? await loadUser(store, wanted as UserId)
      : null
  if (!user) throw notFound('account', wanted)
  return user
}

/** Who changes the own account may end what the call came by. @throws NOT_FOUND */
async function personToChange(req: Request, context: ApiContext): Promise<User> {
  const user = await personOf(req, context)
  if (user.id === callerOf(req).userId) stopWatching(req)
  return user
}

export async function reload(id: UserId, { store }: ApiContext): Promise<User> {
  const user = await loadUser(store, id)
  if (!user) throw notFound('account', id)
  return user
}
