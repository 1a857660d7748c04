/** Signing in and out. What lets somebody in needs no caller: those routes are mounted by themselves, in open.ts. */
import type { Request, Response } from 'express'
import { giveTotp, signIn as signInShape, signInOnce } from '#core/contract/identity.ts'
import type { SignInMethodsView } from '#core/contract/identity.ts'
import { codeSpent, insecureSignIn, sessionNeeded, wrongTotp } from '#core/domain/access-errors.ts'
import { callerBySession, type User } from '#core/domain/user.ts'
import { removeSession, type SessionRecord } from '#core/store/sessions.ts'
import { loadUser } from '#core/store/users.ts'
import { cookieFor, isSameOrigin, placeOf, type Place } from '../identity/cookies.ts'
import { beginSession, redeemLoginCode, renewSession } from '../identity/sessions.ts'
import { signIn } from '../identity/sign-in.ts'
import { checkTotp } from '../identity/totp.ts'
import { callerOf, sessionOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { addressOf, visitorOf } from './client.ts'
import type { ApiContext } from './context.ts'
import { sessionView } from './identity-views.ts'
import type { Routes } from './routes.ts'

/** For whoever is nobody yet. */
export const signInRoutes = (context: ApiContext): Routes => ({
  '/session': {
    async POST(req, res) {
      const place = placeFor(req, context)
      const { user, secondFactor } = await signIn(bodyOf(req, signInShape), addressOf(req), context)
      await enter(req, res, place, { user, secondFactor, byLink: false }, context)
    },
  },
  '/session/once': {
    async POST(req, res) {
      const place = placeFor(req, context)
      const { code } = bodyOf(req, signInOnce)
      const found = await redeemLoginCode(context, code)
      const user = found?.userId ? await loadUser(context.store, found.userId) : null
      // Nobody guesses 256 bits, so nothing is counted: strangers must not be able to keep the links from working.
      if (!found || (found.userId !== null && !user)) throw codeSpent('login link')
      context.log.info('signed in by a login link', { userId: found.userId, madeBy: found.by, address: addressOf(req) })
      // The built-in operator has no second factor: whoever may mint that link has a token that operates the platform.
      await enter(req, res, place, { user, secondFactor: user === null, byLink: true }, context)
    },
  },
  '/session/methods': {
    GET(_req, res) {
      const { oidc } = context.config
      res.json({
        password: true,
        oidc: oidc && { name: oidc.name, url: '/login/oidc' },
      } satisfies SignInMethodsView)
    },
  },
})

export const sessionRoutes = (context: ApiContext): Routes => ({
  '/session': {
    async GET(req, res) {
      const caller = callerOf(req)
      const user = caller.userId === null ? null : await loadUser(context.store, caller.userId)
      res.setHeader('Cache-Control', 'no-store')
      res.json(sessionView(caller, user, sessionOf(req)))
    },
    async DELETE(req, res) {
      const session = sessionOf(req)
      // A token is not signed out: it is revoked, by DELETE /v1/tokens/ID.
      if (session) await removeSession(context.store, session)
      const place = placeOf(req, context.config)
      if (session && place) res.setHeader('Set-Cookie', cookieFor(place, null))
      res.status(204).end()
    },
  },
  '/session/totp': {
    async POST(req, res) {
      const { session, user } = await ownSession(req, context)
      const { code } = bodyOf(req, giveTotp)
      const counted = await context.identity.throttle.attempt(user.email, addressOf(req))
      if (!(await checkTotp(context, user, code))) throw wrongTotp()
      await counted.forgive()
      await renew(req, res, session, user, { secondFactor: true }, context)
    },
  },
})

/** @throws SESSION_NEEDED for tokens, and for the built-in operator, which is nobody's account */
export async function ownSession(req: Request, { store }: ApiContext): Promise<{ session: SessionRecord; user: User }> {
  const session = sessionOf(req)
  const user = session?.userId ? await loadUser(store, session.userId) : null
  if (!session || !user) throw sessionNeeded()
  return { session, user }
}

/** A request by a page of another site must not sign anybody in: as whom, the other site would choose. @throws INSECURE_SIGN_IN */
export function placeFor(req: Request, { config }: ApiContext): Exclude<Place, null> {
  const place = placeOf(req, config)
  const isBrowser = req.headers['sec-fetch-site'] !== undefined || req.headers.origin !== undefined
  if (place === null || (isBrowser && !isSameOrigin(req))) throw insecureSignIn(req.headers.host ?? '')
  return place
}

type Entering = { user: User | null; secondFactor: boolean; byLink: boolean }

/** Begins a session, always a new one: whatever cookie the request brought gains nothing (C05). */
export async function enter(
  req: Request,
  res: Response,
  place: Exclude<Place, null>,
  { user, secondFactor, byLink }: Entering,
  context: ApiContext,
): Promise<void> {
  const { session, id } = await beginSession(
    context,
    { userId: user?.id ?? null, secondFactor, byLink },
    visitorOf(req),
  )
  answer(req, res, place, id, session, user)
}

/** The same session, as another one with other rights. */
export async function renew(
  req: Request,
  res: Response,
  before: SessionRecord,
  user: User,
  change: Partial<Pick<SessionRecord, 'secondFactor' | 'byLink'>>,
  context: ApiContext,
): Promise<void> {
  const { session, id } = await renewSession(context, before, change)
  answer(req, res, placeFor(req, context), id, session, user)
}

/** The same for an answer that says something else. @returns the cookie to set */
export async function cookieOfNew(
  req: Request,
  before: SessionRecord,
  change: Partial<Pick<SessionRecord, 'secondFactor' | 'byLink'>>,
  context: ApiContext,
): Promise<string> {
  return cookieFor(placeFor(req, context), (await renewSession(context, before, change)).id)
}

function answer(
  req: Request,
  res: Response,
  place: Exclude<Place, null>,
  id: string,
  session: SessionRecord,
  user: User | null,
): void {
  const caller = callerBySession(user, session.secondFactor)
  // Whoever keeps the books of who did what finds here who it was.
  req.user = caller
  res.setHeader('Set-Cookie', cookieFor(place, id))
  res.setHeader('Cache-Control', 'no-store')
  res.json(sessionView(caller, user, session))
}
