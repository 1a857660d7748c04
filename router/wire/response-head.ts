/** The grammar of response heads. The app is as hostile as the client: what is not in it is a 502. */
import { NO_BODY, type Framing } from './framing.ts'

/** A response as every lane passes it on. All text is Latin-1. */
export type ResponseHead = {
  /** 100 to 599; the reason phrase is dropped. */
  status: number
  /** The fields for the client as lines, each `Name: value\r\n`, in their order: without framing and what is for one hop only. */
  fields: string
  body: Framing
  /** The app keeps the connection open after it. */
  persistent: boolean
  /** What the app agreed to switch to, lower case; only in a 101. */
  upgrade: string | null
}

export const emptyResponseHead = (): ResponseHead => ({
  status: 0,
  fields: '',
  body: NO_BODY,
  persistent: true,
  upgrade: null,
})

export const MALFORMED = -1

/**
 * Reads the head that begins at `from`.
 * @param toHead the response is to a HEAD request, so has no body whatever it says (RFC 9112 §6.3)
 * @returns where the head ends, INCOMPLETE (0) or MALFORMED
 */
export declare function scanResponseHead(
  bytes: Buffer,
  from: number,
  to: number,
  toHead: boolean,
  head: ResponseHead,
): number
