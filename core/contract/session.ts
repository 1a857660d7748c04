/**
 * What goes over the WebSockets of a run that somebody is attached to: client ⇄ controller ⇄ agent. Binary messages carry
 * bytes: to the run what was typed, from it one byte that names the stream (1 output, 2 error), then the bytes. Text
 * messages are the JSON objects below.
 */
import { z } from 'zod'

export const window = z.strictObject({ rows: z.int().min(1).max(9999), columns: z.int().min(1).max(9999) })

/** From the client: its terminal has another size; there is no more input. */
export const toRun = z.union([z.strictObject({ window }), z.strictObject({ inputEnded: z.literal(true) })])
export type ToRun = z.infer<typeof toRun>

/** To the client: its process has been started; how the run ended, which is the last message. */
export const fromRun = z.union([
  z.strictObject({ started: z.literal(true) }),
  z.strictObject({
    end: z.strictObject({ reason: z.string(), exitCode: z.int().nullable(), detail: z.string() }),
  }),
])
export type FromRun = z.infer<typeof fromRun>
export type SessionEnd = Extract<FromRun, { end: object }>['end']

export const STDOUT = 1
export const STDERR = 2

/** Each side stops reading while so much waits to be sent on. */
export const MAX_WAITING_BYTES = 1024 * 1024
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

export const clientPath = (app: string, run: string): string => `/v1/apps/${app}/runs/${run}/session`
export const agentPath = (run: string): string => `/internal/runs/${run}/session`
