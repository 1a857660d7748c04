/**
 * The HTTP API under /v1: what is sent and what is answered, as schemas that validate, type and document it. Which operation
 * takes and answers what stands in ./operations. Errors are RFC 9457 problem details.
 */
export * from './bodies/index.ts'
export * from './views/index.ts'
export type { TokenCreated, TokenView, WhoamiView } from './identity.ts'
export type { LogLine } from './logs.ts'
