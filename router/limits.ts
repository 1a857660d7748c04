/** The router's own numbers in one place; tests shorten the times. All times are in milliseconds. */
export type Limits = {
  /** From the first byte of a request to the end of its head. */
  headMs: number
  /** For a whole request with its body. */
  requestMs: number
  /** How often the two above are checked. */
  checkMs: number
  /** How long an idle client connection is kept. */
  keepAliveMs: number
  /** After this much silence on a client connection with a request on it, it is closed. Longer than idleMs. */
  silenceMs: number
  connectMs: number
  /** From the request written to the app's first byte. */
  firstByteMs: number
  /** Between two pieces of an app's response. */
  idleMs: number
  /** Silence in both directions of a WebSocket. */
  tunnelIdleMs: number
  /** How long an endpoint that refused a connection is left out when there are others. */
  ejectMs: number
  /** How long the last byte of an answer is held back while the client still sends its body. */
  lingerMs: number
  /** What stopping grants to requests, and to WebSockets. */
  drainMs: number
  drainTunnelMs: number
}

export const defaultLimits: Limits = {
  headMs: 10_000,
  requestMs: 3_600_000,
  checkMs: 1_000,
  keepAliveMs: 65_000,
  silenceMs: 75_000,
  connectMs: 3_000,
  firstByteMs: 30_000,
  idleMs: 60_000,
  tunnelIdleMs: 300_000,
  ejectMs: 2_000,
  lingerMs: 1_000,
  drainMs: 10_000,
  drainTunnelMs: 1_000,
}

/** Requests and responses: bytes of a head, and fields in it. */
export const MAX_HEAD_BYTES = 16 * 1024
/** A request's target; what proxies and servers commonly grant. */
export const MAX_TARGET_BYTES = 8192
export const MAX_REQUEST_FIELDS = 100
export const MAX_RESPONSE_FIELDS = 200
/** How many endpoints one request may be tried on. */
export const MAX_TRIES = 3
/** Informational (1xx) responses that an app may send before the real one. */
export const MAX_INFORMATIONAL = 20
