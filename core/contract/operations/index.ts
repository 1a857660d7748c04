/** Every operation under /v1. */
import { appOperations } from './apps.ts'
import { codeOperations } from './code.ts'
import { hostOperations } from './hosts.ts'
import type { Operations } from './operation.ts'
import { platformOperations } from './platform.ts'
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
  ...platformOperations,
}
