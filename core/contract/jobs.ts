/** Jobs on a host's queue. They carry ids only: state and secrets are looked up by whoever runs them. */
import { z } from 'zod'
import { deployId, instanceId, stackName } from './schema.ts'

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

/** BullMQ's queue of one host. No `:` in it, so that no host's key prefix is the start of another's. */
export const queueName = (host: string): string => `agent-${host}`
