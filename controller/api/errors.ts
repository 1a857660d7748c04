/** Every answer that is not a success: a problem document (RFC 9457) made from the error that was thrown. */
import { STATUS_CODES } from 'node:http'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import type { Problem } from '#core/contract/api.ts'
import {
  BerthError,
  badRequest,
  bodyTooLarge,
  internal,
  messageOf,
  notFound,
  unauthenticated,
  unavailable,
  wrongMediaType,
} from '#core/domain/errors.ts'
import type { Log } from '#core/runtime/log.ts'
import { noteFailure } from '../audit/record.ts'
import { MAX_BODY_BYTES } from './body.ts'

export const noSuchPage: RequestHandler = (req) => {
  throw notFound('page', req.path.slice(0, 200))
}

export function answerError(log: Log): ErrorRequestHandler {
  return (thrown: unknown, req, res, _next) => {
    const error = toBerthError(thrown)
    noteFailure(req, error.code)
    // The client left: there is nobody to answer, and nothing failed here.
    if (res.socket?.destroyed !== false) return
    const requestId = String(res.getHeader('X-Request-Id'))
    if (error.status >= 500)
      log.error('request failed', { requestId, code: error.code, error: error.cause ?? error, path: req.path })
    // A stream that broke off half-way must not look complete.
    if (res.headersSent) return void res.destroy()
    const { retryAfterSeconds } = error.facts
    if (typeof retryAfterSeconds === 'number') res.setHeader('Retry-After', retryAfterSeconds)
    const problem: Problem = {
      ...error.facts,
      type: `urn:berth:error:${error.code}`,
      title: STATUS_CODES[error.status] ?? 'Error',
      status: error.status,
      detail: error.message,
      code: error.code,
      requestId,
    }
    res.status(error.status).type('application/problem+json').send(JSON.stringify(problem))
  }
}

export function toBerthError(thrown: unknown): BerthError {
  if (thrown instanceof BerthError) return thrown
  if (isRedisAway(thrown)) return unavailable('The store (Redis)', thrown)
  if (!(thrown instanceof Error)) return internal(thrown)
  if (thrown.name === 'AuthenticationError') return unauthenticated()
  return fromExpress(thrown) ?? internal(thrown)
}

/** Redis is not there, does not answer, or takes no writes: whatever the caller asked for was not done. */
function isRedisAway(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false
  if (thrown.name === 'MaxRetriesPerRequestError' || thrown.name === 'AbortError') return true
  const message = messageOf(thrown)
  if (message === 'Connection is closed.' || message === 'Command timed out') return true
  return /^(OOM|READONLY|LOADING|MISCONF|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|EXECABORT|NOAUTH|WRONGPASS)\b/.test(message)
}

/** What Express and its body parser throw, by the `type` and `status` that they set. */
function fromExpress(error: Error & { type?: unknown; status?: unknown }): BerthError | null {
  switch (error.type) {
    case 'entity.too.large':
      return bodyTooLarge(MAX_BODY_BYTES)
    case 'encoding.unsupported':
      return wrongMediaType('a Content-Encoding')
    case 'charset.unsupported':
      return wrongMediaType('another charset')
    case 'request.aborted':
    case 'request.size.invalid':
      return badRequest('The request body broke off before its end. Send it again.')
  }
  // A path that does not decode, e.g. %ff.
  return error.status === 400 ? badRequest('The request is malformed.') : null
}
