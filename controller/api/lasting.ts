/** An answer that goes on ends with the right to it: when its caller's token is revoked, or may less. */
import type { RequestHandler } from 'express'
import type { Caller } from '#core/domain/access.ts'
import type { Store } from '#core/store/connection.ts'
import { callerFrom, callerOf } from './auth.ts'

const ASK_EVERY_MS = 500

export function endWithRights(store: Store): RequestHandler {
  return (req, res, next) => {
    if (req.headers.authorization === undefined) return next()
    const rights = rightsOf(callerOf(req))
    const timer = setInterval(() => {
      // Before that, nothing was answered, and whoever answers has judged the caller.
      if (!res.headersSent || res.writableEnded) return
      callerFrom(store, req).then(
        (caller) => {
          if (caller === null || rightsOf(caller) !== rights) res.destroy()
        },
        // While the store is away nothing is known of anybody's rights, nor anything sent that is not there yet.
        () => {},
      )
    }, ASK_EVERY_MS)
    res.on('close', () => clearInterval(timer))
    next()
  }
}

const rightsOf = ({ kind, memberships, app, readOnly, tokenId, userId }: Caller): string =>
  JSON.stringify([kind, memberships, app, readOnly, tokenId, userId])
