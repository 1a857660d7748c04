/**
 * The fast lane's grammar of request heads: small and strict enough that no two readers can differ about what it accepts.
 * What is not in it goes to the gate.
 */
import { NO_BODY, type Framing } from './framing.ts'

/** A request as every lane describes it. All text is Latin-1: one character, one byte. */
export type RequestHead = {
  method: string
  /** In origin form, as it was sent (RFC 9112 §3.2.1). */
  target: string
  /** The Host field's value: checked, not yet normalised. */
  host: string
  /**
   * The fields for the app as lines, each `Name: value\r\n`, in their order: without Host, framing, what is for one hop only,
   * and what the router itself says of a request (`forwarding` writes those).
   */
  fields: string
  body: Framing
  /** 1.1, without `Connection: close`: more may follow on the connection. */
  persistent: boolean
  /** HTTP/1.0: the answer may not be chunked (RFC 9112 §6.1). */
  old: boolean
  /** The client waits for `100 Continue` before it sends its body. */
  expectsContinue: boolean
  /** `other` is an upgrade that we do not offer: the request is served as if it had not asked. */
  upgrade: 'websocket' | 'other' | null
}

export const emptyRequestHead = (): RequestHead => ({
  method: '',
  target: '',
  host: '',
  fields: '',
  body: NO_BODY,
  persistent: true,
  old: false,
  expectsContinue: false,
  upgrade: null,
})

/** The head is not complete: ask again with more bytes. */
export const INCOMPLETE = 0
/** Not in the grammar, or larger than allowed: the gate decides. */
export const OUTSIDE = -1

/**
 * Reads the head that begins at `from`. Nothing beyond it is looked at.
 * @param head filled when the head is whole; its content is undefined otherwise
 * @returns where the head ends (the index of the first byte after it), INCOMPLETE or OUTSIDE
 */
export declare function scanRequestHead(bytes: Buffer, from: number, to: number, head: RequestHead): number
