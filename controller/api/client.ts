/** Where a request comes from. */
import type { Request } from 'express'
import { networkOf } from '../identity/throttle.ts'

/**
 * The client's network: the peer of the connection, or what a trusted load balancer (BERTH_TRUSTED_PROXIES) says in
 * X-Forwarded-For. Of anybody else that header is not believed, or each guess would come from a new address.
 */
export const addressOf = (req: Request): string => networkOf(req.ip ?? req.socket.remoteAddress ?? '')

export const visitorOf = (req: Request) => ({
  address: req.ip ?? req.socket.remoteAddress ?? '',
  client: req.headers['user-agent'] ?? '',
})
