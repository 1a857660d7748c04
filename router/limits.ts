/** The router's own numbers in one place; tests shorten the times. All times are in milliseconds. */
export type Limits = {
  /** From the first byte of a request to the end of its head. */
  headMs: number
  /** How long an idle client connection is kept. */
  keepAliveMs: number
  /** A request's body has to bring at least so many bytes per second, judged once in `bodyMs`, while someone takes them. */
  bodyMs: number
  minBodyRate: number
  /** How long a client may take nothing of an answer that is there. */
  writeStallMs: number
  /** How often all of these are looked at. */
  checkMs: number
  connectMs: number
  /** Silence in both directions of a WebSocket. */
  tunnelIdleMs: number
  /** How long an endpoint that refused a connection is left out when there are others. */
  ejectMs: number
  /** How long an instance that just came into the table gets less than its part. */
  slowStartMs: number
  /** How long a request waits for an instance when its app is starting, or all of its instances are busy. */
  heldMs: number
  /** How long a client may take to end its side of a connection after the last answer. */
  lingerMs: number
  /** What stopping grants to requests, and to WebSockets. */
  drainMs: number
  /** How long stopping still waits for a request of a client that is silent. */
  drainIdleMs: number
  drainTunnelMs: number
}

export const defaultLimits: Limits = {
  headMs: 10_000,
  keepAliveMs: 65_000,
  bodyMs: 20_000,
  minBodyRate: 100,
  writeStallMs: 60_000,
  checkMs: 500,
  connectMs: 3_000,
  tunnelIdleMs: 300_000,
  ejectMs: 2_000,
  slowStartMs: 10_000,
  heldMs: 10_000,
  lingerMs: 2_000,
  drainMs: 10_000,
  drainIdleMs: 2_000,
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
/** Requests that may wait for an instance of one app. */
export const MAX_HELD = 1_000

/** How often a request may come here: apps may be behind apps, but not for ever (H66). */
export const MAX_PASSES = 5
