/** How a message's end is found (RFC 9112 §6.3), as one number: a body of exactly so many bytes, or one of these. */

/** No body, and no field that speaks of one. A request's `Content-Length: 0` is 0 instead, so that it is sent on as it came. */
export const NO_BODY = -1
/** In chunks, the last of which is empty. */
export const CHUNKED = -2
/** Only responses: everything until the connection's end. */
export const UNTIL_CLOSE = -3

/** ≥ 0, NO_BODY, CHUNKED or UNTIL_CLOSE. */
export type Framing = number
