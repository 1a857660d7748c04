/**
 * Jobs on a host's queue. They carry ids only: state and secrets are looked up by whoever runs them. Each comes as an order that
 * its controller has signed, because whoever can write to Redis can write to a queue.
 */
import { z } from 'zod'
import { deployId, hostId, instanceId, stackName } from './schema.ts'

export const job = z.discriminatedUnion('kind', [
  /** Make this instance as desired. */
  z.strictObject({ kind: z.literal('instance'), instanceId }),
  /** Run this deploy's build. */
  z.strictObject({ kind: z.literal('build'), deployId, epoch: z.int() }),
  /** Somebody wants into this instance: ask the controller what for. */
  z.strictObject({ kind: z.literal('session'), session: z.string().max(63), instanceId }),
  /** Make this stack image. */
  z.strictObject({ kind: z.literal('stack'), stack: stackName }),
])
export type Job = z.infer<typeof job>

/** What is signed, as JSON. Times in ms since 1970. `nonce` is also the job's id on the queue, so that it is there once. */
export const order = z.strictObject({
  host: hostId,
  job,
  issuedAt: z.int(),
  expiresAt: z.int(),
  nonce: z.string().max(63),
})
export type Order = z.infer<typeof order>

/** What is on the queue: the order as the text that was signed, and the signature in base64url. */
export const signedOrder = z.strictObject({ order: z.string().max(4096), signature: z.string().max(128) })
export type SignedOrder = z.infer<typeof signedOrder>

/** What the signature is for (core/runtime/signing.ts). */
export const ORDER = 'berth job 1'
