/**
 * How often one caller may ask: each person or token by itself, and strangers by their address, over all controllers together.
 * It keeps a client that went wild from the others; what a stranger may try of passwords is limited elsewhere. While Redis is slow
 * or away it lets everybody in: the limit protects the platform and must never be what stops it.
 */
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import type { Caller } from '#core/domain/access.ts'
import { tooManyRequests } from '#core/domain/errors.ts'
import { takeApiCall, type ApiCall } from '#core/store/api-rate.ts'
import { addressGroup } from '../ssh/guard.ts'
import type { ApiContext } from './context.ts'

const WINDOW_MS = 60_000
const PATIENCE_MS = 100

type Policy = { name: 'caller' | 'stranger'; calls: number }
type Context = Pick<ApiContext, 'store' | 'config' | 'log'>

/** After authentication. @throws TOO_MANY_REQUESTS */
export function limitCallers({ store, config, log }: Context): RequestHandler {
  const policy: Policy = { name: 'caller', calls: config.apiRate }
  return async (req, res, next) => {
    const { userId, tokenId } = req.user as Caller
    await admit(userId ?? tokenId ?? strangerOf(req), policy, res, { store, log })
    next()
  }
}

/** For whom authentication has turned away: its error goes on, as long as that does not happen too often. */
export function limitStrangers({ store, config, log }: Context): ErrorRequestHandler {
  const policy: Policy = { name: 'stranger', calls: config.apiRateStrangers }
  return async (error: unknown, req, res, next) => {
    if (error instanceof Error && error.name === 'AuthenticationError')
      await admit(strangerOf(req), policy, res, { store, log })
    next(error)
  }
}

const strangerOf = (req: Request): string => `address:${addressGroup(req.ip ?? '')}`

/** @throws TOO_MANY_REQUESTS */
async function admit(
  caller: string,
  { name, calls }: Policy,
  res: Response,
  { store, log }: Pick<Context, 'store' | 'log'>,
): Promise<void> {
  if (calls === 0) return
  const call = await soon(takeApiCall(store, caller, { calls, windowMs: WINDOW_MS }))
  if (call === null) return log.debug('rate limit let a call pass: the store is slow', { caller })
  const { admitted, remaining, fullAfterMs, retryAfterMs } = call
  // draft-ietf-httpapi-ratelimit-headers-10: structured fields (RFC 9651), `t` and `w` in seconds.
  res.setHeader('RateLimit-Policy', `"${name}";q=${calls};w=${WINDOW_MS / 1000}`)
  res.setHeader('RateLimit', `"${name}";r=${remaining};t=${Math.ceil(fullAfterMs / 1000)}`)
  if (admitted) return
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000))
  res.setHeader('Retry-After', String(seconds))
  throw tooManyRequests(seconds)
}

/** @returns null when the store does not answer in time, or not at all */
async function soon(asked: Promise<ApiCall>): Promise<ApiCall | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(() => resolve(null), PATIENCE_MS)
  try {
    return await Promise.race([asked, late])
  } catch {
    return null
  } finally {
    clearTimeout(timer)
    asked.catch(() => {})
  }
}
