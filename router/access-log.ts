/** One event per request. */
import { messageOf } from '#core/domain/errors.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Call } from './call.ts'

const MAX_PATH = 200
const MAX_HOST = 100

export function logAccess(log: Log, call: Call, ms: number): void {
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
    ...(cause === null ? {} : { cause: messageOf(cause) }),
  })
}
