/**
 * Who is calling: Passport with one strategy, for `Authorization: Bearer TOKEN` and the console's cookie (API), and HTTP Basic
 * (git). A request that shows a token is judged by that alone.
 */
import type { IncomingMessage } from 'node:http'
import type { Request, RequestHandler } from 'express'
import passport from 'passport'
import { Strategy } from 'passport-strategy'
import { tooManyAttempts } from '#core/domain/access-errors.ts'
import type { Caller } from '#core/domain/access.ts'
import type { Store } from '#core/store/connection.ts'
import type { SessionRecord } from '#core/store/sessions.ts'
import { bySession, byToken, type Callers, type Proof, type Scheme } from '../identity/callers.ts'
import type { Identity } from '../identity/index.ts'
import { addressOf } from './client.ts'

/** Lets a request pass only with a valid token or session. Every other case is one and the same 401, raised as AuthenticationError. */
export function authenticate({ identity }: { identity: Identity }, scheme: Scheme): RequestHandler {
  const users = new passport.Passport()
  // By name: only then does Passport give each request a strategy object of its own. One that is passed directly is
  // shared, and of two requests at once the second would be answered for both.
  users.use('caller', new CallerStrategy(identity, scheme))
  // A browser sends Basic credentials on its own, so each scheme opens only the paths that it is meant for.
  return users.authenticate('caller', { session: false, failWithError: true }) as RequestHandler
}

/** Who asks for a WebSocket, which does not pass through Express. @returns null without a valid token or session */
export const proofFrom = (
  { callers }: Pick<Identity, 'callers'>,
  request: Pick<IncomingMessage, 'headers' | 'method'>,
): Promise<Proof | null> => prove(callers, 'bearer', request)

/** The same by a token alone. */
export async function callerFrom(store: Store, { headers }: Pick<IncomingMessage, 'headers'>): Promise<Caller | null> {
  const callers = { store, config: { consoleUrl: null }, now: () => Date.now() }
  return (await byToken(callers, 'bearer', headers.authorization ?? ''))?.caller ?? null
}

export const callerOf = (req: Request): Caller => req.user as Caller

/** The session that a request came by; null: it came by a token. */
export function sessionOf(req: Request): SessionRecord | null {
  const proof = req.authInfo as Proof | undefined
  return proof && 'session' in proof ? proof.session : null
}

/** When the token ends that a request came by; null: it does not. */
export function endOf(req: Request): number | null {
  const proof = req.authInfo as Proof | undefined
  return proof && 'token' in proof ? proof.token.expiresAt : null
}

const watching = new WeakMap<Request, () => void>()

/** For a call that itself may end what it came by: its answer must still arrive. */
export const stopWatching = (req: Request): void => watching.get(req)?.()

function prove(callers: Callers, scheme: Scheme, request: Pick<IncomingMessage, 'headers' | 'method'>) {
  const { authorization } = request.headers
  if (authorization !== undefined || scheme === 'basic') return byToken(callers, scheme, authorization ?? '')
  return bySession(callers, request)
}

// Passport works on an object that only inherits from this one, which private (#) fields do not survive.
class CallerStrategy extends Strategy {
  readonly name = 'caller'
  readonly identity: Identity
  readonly scheme: Scheme

  constructor(identity: Identity, scheme: Scheme) {
    super()
    this.identity = identity
    this.scheme = scheme
  }

  override authenticate(req: Request): void {
    const { identity, scheme } = this
    prove(identity.callers, scheme, req)
      .then(async (proof) => {
        if (!proof) {
          if (req.headers.authorization !== undefined) await countWrong(identity, req)
          return this.fail(challenges[scheme], 401)
        }
        const { res } = req
        if (res && !res.closed) {
          const stop = identity.watch.keep(proof, () => req.socket.destroy())
          watching.set(req, stop)
          res.once('close', stop)
        }
        this.success(proof.caller, proof)
      })
      .catch((error: unknown) => this.error(error as Error))
  }
}

/** G08. Only wrong tokens wear the limit out and meet it, so that good ones from the same address go on. @throws TOO_MANY_ATTEMPTS */
async function countWrong({ wrongTokens }: Identity, req: Request): Promise<void> {
  const { consumedPoints, msBeforeNext } = await wrongTokens.penalty(addressOf(req), 1)
  if (consumedPoints > wrongTokens.points) throw tooManyAttempts(Math.max(1, Math.ceil(msBeforeNext / 1000)))
}

const challenges = { bearer: 'Bearer realm="Berth"', basic: 'Basic realm="Berth", charset="UTF-8"' }
