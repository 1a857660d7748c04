/** Resets a stream of HTTP/2 in the middle of what is said on it. */
import type { Http2Stream } from 'node:http2'

/**
 * Node's `close` ends our side of the stream before it resets it, by which half a body would look like a whole one; what it does
 * for a stream that is destroyed does not.
 * @param code of RFC 9113 §7, where our side has ended; else it is INTERNAL_ERROR
 */
export function breakOff(stream: Http2Stream, code: number): void {
  if (stream.destroyed) return
  if (stream.writableEnded) stream.close(code)
  else stream.destroy(new Error('broken off'))
}
