import type { RequestHandler } from 'express'
import { sleep } from '#core/runtime/clock.ts'
import type { Store } from '#core/store/connection.ts'

const PATIENCE_MS = 2_000

/** `GET /healthz`: 200 while the store answers, else 503. */
export function health(store: Store): RequestHandler {
  return async (_req, res) => {
    const answer = await Promise.race([store.ping().catch(() => null), sleep(PATIENCE_MS)])
    const redis = answer === 'PONG'
    res.status(redis ? 200 : 503).json({ ok: redis, redis })
  }
}
