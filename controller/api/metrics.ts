/**
 * `GET /metrics` for Prometheus, with an operator's token: behind a proxy on the same machine every caller comes from
 * loopback, so an address proves nothing.
 */
import type { RequestHandler } from 'express'
import { expose } from '#core/runtime/metrics.ts'
import type { Store } from '#core/store/connection.ts'
import { controllerMetrics, type Calls } from '../metrics.ts'
import { requireOperator } from './access.ts'

export function metrics(store: Store, calls: Calls): RequestHandler {
  return async (req, res) => {
    requireOperator(req, 'reading metrics')
    const { contentType, text } = await expose(await controllerMetrics(store, calls))
    res.setHeader('Content-Type', contentType)
    res.send(text)
  }
}
