/**
 * Single sign-on, in the browser: away to the provider, back, and on to the console. These are pages that a person visits, so
 * whatever goes wrong ends on the sign-in page, as `/login?problem=CODE`.
 */
import { Router, type NextFunction, type Request, type RequestHandler, type Response } from 'express'
import passport from 'passport'
import type { Strategy } from 'passport'
import { signOnRefused } from '#core/domain/access-errors.ts'
import { BerthError, messageOf } from '#core/domain/errors.ts'
import { changeUser } from '#core/store/users.ts'
import { cookieFor, cookieIn, placeOf, type Place } from '../identity/cookies.ts'
import { ATTEMPT_SECONDS, CALLBACK, createProvider, strategyFor, type Vouched } from '../identity/oidc.ts'
import { beginSession } from '../identity/sessions.ts'
import { userVouchedFor } from '../identity/vouched.ts'
import { addressOf, visitorOf } from './client.ts'
import { consoleAddress, type ApiContext } from './context.ts'

export function signOnRouter(context: ApiContext): Router {
  const router = Router({ caseSensitive: true })
  const { oidc } = context.config
  if (!oidc) return router
  const provider = createProvider(oidc)
  const pass: RequestHandler = (req, res, next) => {
    provider()
      .then((config) => {
        const users = new passport.Passport()
        users.use('oidc', strategyFor(config, consoleAddress(context.config) + CALLBACK) as unknown as Strategy)
        Object.assign(req, { session: attemptOf(req, res, context) })
        ;(users.authenticate('oidc', { session: false, failWithError: true }) as RequestHandler)(req, res, next)
      })
      .catch(next)
  }
  const finish = async (req: Request, res: Response) => {
    const user = await userVouchedFor(req.user as unknown as Vouched, { ...context, oidc })
    await changeUser(context.store, user, { lastLoginAt: context.now() })
    const who = { userId: user.id, secondFactor: oidc.isStrong, byLink: false }
    const { id } = await beginSession(context, who, visitorOf(req))
    const place = placeHere(req, context)
    context.log.info('signed in', { userId: user.id, address: addressOf(req), by: oidc.issuer })
    res.setHeader('Set-Cookie', [cookieFor(place, id), attemptCookie(place, null)])
    res.redirect(303, '/')
  }
  const explain = (thrown: unknown, req: Request, res: Response, _next: NextFunction) => {
    const problem = thrown instanceof BerthError ? thrown : failed(thrown)
    context.log.warn('single sign-on refused', {
      ...{ code: problem.code, address: addressOf(req) },
      cause: messageOf(problem.cause ?? problem),
    })
    res.redirect(303, `/login?problem=${encodeURIComponent(problem.code)}`)
  }
  router.get('/login/oidc', pass, explain)
  router.get(CALLBACK, pass, finish, explain)
  return router
}

const failed = (cause: unknown) => signOnRefused('SIGN_ON_FAILED', 'Single sign-on did not work. Try again.', cause)

/** Where openid-client keeps what belongs to one attempt. It calls this a session; it is one property in a sealed cookie. */
function attemptOf(req: Request, res: Response, context: ApiContext): { oidc?: unknown } {
  const place = placeHere(req, context)
  return Object.defineProperty({}, 'oidc', {
    configurable: true,
    enumerable: true,
    get: () => readAttempt(req, place, context),
    set(attempt: unknown) {
      const until = context.now() + ATTEMPT_SECONDS * 1000
      const sealed = context.sealer.seal('sign-on:', 'attempt', JSON.stringify({ attempt, until }))
      res.setHeader('Set-Cookie', attemptCookie(place, Buffer.from(sealed, 'base64').toString('base64url')))
    },
  })
}

function readAttempt(req: Request, place: Exclude<Place, null>, { sealer, now }: ApiContext): unknown {
  const value = cookieIn(req, attemptName(place), 4000)
  if (value === null) return undefined
  try {
    const sealed = Buffer.from(value, 'base64url').toString('base64')
    const { attempt, until } = JSON.parse(sealer.open('sign-on:', 'attempt', sealed)) as {
      attempt: unknown
      until: number
    }
    return until > now() ? attempt : undefined
  } catch {
    // Not ours: openid-client refuses an answer without its attempt.
    return undefined
  }
}

/** @throws SIGN_ON_FAILED */
function placeHere(req: Request, { config }: ApiContext): Exclude<Place, null> {
  const place = placeOf(req, config)
  if (place === null)
    throw signOnRefused('SIGN_ON_FAILED', 'There are no sessions at this address; see BERTH_CONSOLE_URL.')
  return place
}

const attemptName = ({ name }: Exclude<Place, null>): string => `${name}-sign-on`

/** Lax: it must come along when the provider sends the browser back. */
const attemptCookie = (place: Exclude<Place, null>, value: string | null): string =>
  `${attemptName(place)}=${value ?? ''}; Max-Age=${value === null ? 0 : ATTEMPT_SECONDS}; Path=/; HttpOnly; SameSite=Lax${place.secure ? '; Secure' : ''}`
