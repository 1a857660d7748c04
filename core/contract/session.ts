/**
 * What goes over the WebSockets of a run that somebody is attached to: client ⇄ controller ⇄ agent. Binary messages carry
 * bytes: to the run what was typed, from it one byte that names the stream (1 output, 2 error), then the bytes. Text
 * messages are the JSON objects below.
 *
 * The client sends nothing before `started`, and no more than MAX_AHEAD_BYTES beyond what was `taken`: so nobody on the
 * way has to stop listening to it, and its leaving is seen at once. In the other direction each side stops reading
 * while MAX_WAITING_BYTES wait to be sent on.
 */
import { z } from 'zod'

export const window = z.strictObject({ rows: z.int().min(1).max(9999), columns: z.int().min(1).max(9999) })

/** From the client: its terminal has another size; there is no more input. */
export const toRun = z.union([z.strictObject({ window }), z.strictObject({ inputEnded: z.literal(true) })])
export type ToRun = z.infer<typeof toRun>

export type SessionEnd = { reason: string; exitCode: number | null; detail: string }
/** To the client: its process has been started; how much input it took, in all; how the run ended, the last message. */
export type FromRun = { started: true } | { taken: number } | { end: SessionEnd }

export const STDOUT = 1
export const STDERR = 2

const MAX_COMMAND = 32_768
export const MAX_WAITING_BYTES = 1024 * 1024
export const MAX_AHEAD_BYTES = 512 * 1024
/** No message is larger; what is longer comes in several. */
export const MAX_MESSAGE_BYTES = 256 * 1024

/** @returns null for what is no message of the session's */
export function parseMessage<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}

/**
 * What a client wants of an instance that runs, as its first message: a command inside it, or a connection to one of its
 * ports. The agent is told the same, as its first message. What follows an `exec` is as for runs; what follows a `forward`
 * is bytes alone, both ways.
 */
export const insideWish = z.union([
  z.strictObject({
    exec: z.strictObject({
      command: z.string().min(1).max(MAX_COMMAND),
      streams: z.enum(['pipes', 'terminal']),
      window: window.optional(),
      /** The client's kind of terminal. */
      term: z
        .string()
        .regex(/^[\w.+-]{1,40}$/)
        .optional(),
    }),
  }),
  z.strictObject({ forward: z.strictObject({ port: z.int().min(1).max(65_535) }) }),
])
export type InsideWish = z.infer<typeof insideWish>

export const insideClientPath = (app: string, instance: string): string =>
  `/v1/apps/${app}/instances/${instance}/session`
export const insideAgentPath = (session: string): string => `/internal/sessions/${session}`

export const clientPath = (app: string, run: string): string => `/v1/apps/${app}/runs/${run}/session`
export const agentPath = (run: string): string => `/internal/runs/${run}/session`
