/** Every operation under /v1. */
import { appOperations } from './apps.ts'
import { codeOperations } from './code.ts'
import { hostOperations } from './hosts.ts'
import type { Operation, Operations } from './operation.ts'
import { runningOperations } from './running.ts'
import { tenancyOperations } from './tenancy.ts'
import { trafficOperations } from './traffic.ts'

export type { Method, Operation, Operations } from './operation.ts'

export const operations: Operations = {
  ...appOperations,
  ...codeOperations,
  ...trafficOperations,
  ...runningOperations,
  ...tenancyOperations,
  ...hostOperations,
}

/** Whether an operation takes an Idempotency-Key: all that begin or make something, but those whose body is a stream. */
export function isOnce(route: string): boolean {
  const operation: Operation | undefined = operations[route as keyof typeof operations]
  return route.startsWith('POST ') && operation !== undefined && operation.takes === undefined
}
