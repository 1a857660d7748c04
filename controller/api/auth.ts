/** Who is calling: Passport with one strategy, for `Authorization: Bearer TOKEN` (API) and HTTP Basic (git). */
import type { Request, RequestHandler } from 'express'
import passport from 'passport'
import { Strategy } from 'passport-strategy'
import type { Caller } from '#core/domain/access.ts'
import { forbidden, notFound } from '#core/domain/errors.ts'
import type { Store } from '#core/store/connection.ts'
import type { TokenRecord } from '#core/store/tokens.ts'
import { verifyToken } from '../credentials.ts'

type Scheme = 'bearer' | 'basic'

/** Lets a request pass only with a valid token. Every other case is one and the same 401, raised as AuthenticationError. */
export function authenticate(store: Store, scheme: Scheme): RequestHandler {
  const users = new passport.Passport()
  // By name: only then does Passport give each request a strategy object of its own. One that is passed directly is
  // shared, and of two requests at once the second would be answered for both.
  users.use('token', new TokenStrategy(store, scheme))
  // A browser sends Basic credentials on its own, so each scheme opens only the paths that it is meant for.
  return users.authenticate('token', { session: false, failWithError: true }) as RequestHandler
}

/** Who asks for a WebSocket, which does not pass through Express. @returns null without a valid bearer token */
export async function callerFrom(store: Store, { headers }: Pick<Request, 'headers'>): Promise<Caller | null> {
  const token = await verifyToken(store, read.bearer(headers.authorization ?? ''))
  return token && toCaller(token)
}

export const callerOf = (req: Request): Caller => req.user as Caller

export const refuseAgents: RequestHandler = (req, _res, next) => {
  if (callerOf(req).kind === 'agent') throw forbidden("a host's agent may only use /internal")
  next()
}

/** To everybody else there is nothing under /internal. */
export const onlyAgents: RequestHandler = (req, _res, next) => {
  if (callerOf(req).kind !== 'agent') throw notFound('page', req.originalUrl.split('?')[0] ?? '')
  next()
}

// Passport works on an object that only inherits from this one, which private (#) fields do not survive.
class TokenStrategy extends Strategy {
  readonly name = 'token'
  readonly store: Store
  readonly scheme: Scheme

  constructor(store: Store, scheme: Scheme) {
    super()
    this.store = store
    this.scheme = scheme
  }

  override authenticate(req: Request): void {
    const text = read[this.scheme](req.headers.authorization ?? '')
    verifyToken(this.store, text).then(
      (token) => (token ? this.success(toCaller(token)) : this.fail(challenges[this.scheme], 401)),
      (error: unknown) => this.error(error as Error),
    )
  }
}

const challenges = { bearer: 'Bearer realm="Berth"', basic: 'Basic realm="Berth", charset="UTF-8"' }

/** RFC 6750 §2.1 and RFC 7617 §2. In Basic the user name is free and the token is the password. */
const read: Record<Scheme, (header: string) => string> = {
  bearer: (header) => /^Bearer +(\S+) *$/i.exec(header)?.[1] ?? '',
  basic(header) {
    const encoded = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(header)?.[1] ?? ''
    const pair = Buffer.from(encoded, 'base64').toString('utf8')
    return pair.slice(pair.indexOf(':') + 1)
  },
}

const toCaller = ({ id, kind, tenantId, role, appId, readOnly, description }: TokenRecord): Caller => ({
  tokenId: id,
  userId: null,
  kind,
  memberships: tenantId === null ? [] : [{ tenantId, role }],
  app: appId,
  readOnly,
  actor: description,
})
