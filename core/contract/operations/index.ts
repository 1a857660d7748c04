/** Every operation under /v1. */
import { appOperations } from './apps.ts'
import { codeOperations } from './code.ts'
import { drainOperations } from './drains.ts'
import { hostOperations } from './hosts.ts'
import { liveOperations } from './live.ts'
import { identityOperations } from './identity.ts'
import type { Operation, Operations } from './operation.ts'
import { platformOperations } from './platform.ts'
import { runningOperations } from './running.ts'
import { tenancyOperations } from './tenancy.ts'
import { toolOperations } from './tools.ts'
import { trafficOperations } from './traffic.ts'
import { alertOperations, webhookOperations } from './webhooks.ts'

export type { Method, Operation, Operations } from './operation.ts'

const table = {
  ...appOperations,
  ...codeOperations,
  ...trafficOperations,
  ...runningOperations,
  ...drainOperations,
  ...tenancyOperations,
  ...identityOperations,
  ...hostOperations,
  ...liveOperations,
  ...webhookOperations,
  ...alertOperations,
  ...toolOperations,
  ...platformOperations,
} satisfies Operations

/** Each operation with its own shapes, for call.ts. */
export type OperationTable = typeof table
export const operations: Operations = table

/**
 * Whether an operation takes an Idempotency-Key: all that begin or make something, but those whose body is a stream, and those
 * that anybody may call, since keys are kept by caller.
 */
export function isOnce(route: string): boolean {
  const operation: Operation | undefined = operations[route as keyof typeof operations]
  if (operation === undefined || operation.need === 'public') return false
  return route.startsWith('POST ') && operation.takes === undefined
}
