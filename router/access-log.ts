/** One event per request. */
import { messageOf } from '#core/domain/errors.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Call } from './call.ts'

const MAX_PATH = 200
const MAX_HOST = 100

/** @param leftOut refusals like this one that got no line since the last that did; see sampler.ts */
export function logAccess(log: Log, call: Call, ms: number, leftOut = 0): void {
  const { head, route, instanceId, code, cause } = call
  log.info('request', {
    app: route?.name ?? null,
    host: call.host.slice(0, MAX_HOST),
    method: head.method,
    path: head.target.slice(0, MAX_PATH),
    status: call.status,
    code,
    ms: Math.round(ms * 10) / 10,
    bytes: call.bytesOut,
    requestId: call.id,
    instance: instanceId,
    ...(leftOut > 0 ? { leftOut } : {}),
    ...(cause === null ? {} : { cause: messageOf(cause) }),
  })
}

/** For refusals whose flood has ended before another one could tell of them. */
export function logLeftOut(log: Log, leftOut: { app: string; code: string; leftOut: number }[]): void {
  for (const { app, code, leftOut: requests } of leftOut) log.info('requests refused', { app, code, requests })
}
