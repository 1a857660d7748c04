/**
 * Sign-on by OpenID Connect (authorization code with PKCE, state and nonce), by openid-client's strategy for Passport.
 *
 * What belongs to one attempt (code verifier, state, nonce) is sealed into a cookie for ten minutes, so that only the browser
 * that began can finish, and the server keeps nothing of attempts that nobody finishes.
 */
import { createHash } from 'node:crypto'
import * as client from 'openid-client'
import { Strategy, type StrategyOptions, type VerifyFunction } from 'openid-client/passport'
import type { OidcConfig } from '#core/runtime/sign-on-config.ts'

/** What a provider says about somebody, as far as Berth believes it. */
export type Vouched = { subject: string; email: string | null; name: string | null }

export const CALLBACK = '/login/oidc/callback'
export const ATTEMPT_SECONDS = 600
const SCOPE = 'openid email profile'
const ANSWER_WITHIN_S = 10

/**
 * Asks the provider for its addresses when it is first needed, and again after it could not be reached: a provider that is
 * away must not keep Berth from starting.
 */
export function createProvider({ issuer, clientId, clientSecret }: OidcConfig): () => Promise<client.Configuration> {
  let known: Promise<client.Configuration> | null = null
  return () => {
    known ??= discover(issuer, clientId, clientSecret).catch((error: unknown) => {
      known = null
      throw error
    })
    return known
  }
}

async function discover(issuer: string, clientId: string, clientSecret: string): Promise<client.Configuration> {
  const url = new URL(issuer)
  // config.ts lets plain http pass for a provider on this machine alone.
  const execute = url.protocol === 'http:' ? [client.allowInsecureRequests] : []
  const found = await client.discovery(url, clientId, clientSecret, undefined, { execute, timeout: ANSWER_WITHIN_S })
  found.timeout = ANSWER_WITHIN_S
  return found
}

/** @param callbackUrl where the provider sends people back to */
export function strategyFor(config: client.Configuration, callbackUrl: string): Strategy {
  const options: StrategyOptions = { config, name: 'oidc', sessionKey: 'oidc', callbackURL: callbackUrl, scope: SCOPE }
  return new NoncedStrategy(options, toVouched)
}

/** PKCE binds the answer to the browser that asked. State and nonce do, too, for a provider that only says that it does PKCE. */
class NoncedStrategy extends Strategy {
  override authorizationRequestParams(...asked: Parameters<Strategy['authorizationRequestParams']>): URLSearchParams {
    const params = new URLSearchParams(super.authorizationRequestParams(...asked))
    params.set('state', client.randomState())
    params.set('nonce', client.randomNonce())
    return params
  }
}

/** An address that the provider has not verified is anybody's: who types yours there must not get your account here. */
const toVouched: VerifyFunction = (tokens, done) => {
  const claims = tokens.claims()
  if (!claims) {
    done(null, false)
    return
  }
  const { sub, email, email_verified: verified, name } = claims
  done(null, {
    subject: sub,
    email: verified === true && typeof email === 'string' ? email : null,
    name: typeof name === 'string' ? name.replace(/\p{C}/gu, '').trim().slice(0, 100) || null : null,
  } satisfies Vouched)
}

/** Who it is at the provider, as a short key: an account is bound to that, not to an address that may change hands there. */
export const subjectKey = (issuer: string, subject: string): string =>
  createHash('sha256').update(`${issuer}\0${subject}`).digest('hex')
