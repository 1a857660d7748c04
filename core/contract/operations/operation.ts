import type { z } from 'zod'
import type { Need } from '../../domain/access.ts'

/**
 * One operation of the API: what it is for, what it asks of its caller, and the shape of what is sent and answered. The API
 * enforces it, the documentation shows it, the tests visit each. An operation that is not declared cannot be called.
 */
export type Operation = {
  /** An imperative, without its full stop: `Show an app`. */
  summary: string
  need: Need
  /** About the caller in person: also possible while the tenant is suspended. */
  personal?: true
  query?: z.ZodType
  body?: z.ZodType
  /** A body that is not JSON. */
  takes?: 'application/x-tar'
  /** The JSON document of a success, or one line of an answer that goes on. */
  answer?: z.ZodType
  /** Whether what it shows or changes has an ETag. */
  tagged?: true
  /** 200 if it is left out. */
  status?: 200 | 201 | 202 | 204
  /** Another success than the usual one. */
  otherwise?: { status: 200; when: string; answer: z.ZodType }
  /** An answer that is not one JSON document. */
  media?: 'application/x-ndjson' | 'text/event-stream' | 'application/x-tar' | 'application/octet-stream'
  /** Also as server-sent events, for whoever asks for those; the last of them is named `end`, and is no line. */
  orEvents?: true
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
/** By `GET /apps/:app`: method and path below /v1, as Express writes it. */
export type Operations = Record<`${Method} /${string}`, Operation>
