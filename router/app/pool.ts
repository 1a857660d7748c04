/**
 * The connections to one endpoint (an instance at one epoch), and what is in flight on it. A pool is closed when its endpoint
 * leaves the table and its last request is over: an address that the platform gives to another instance is never reached
 * through an old connection.
 */
import type { Endpoint } from '#core/domain/route.ts'
import type { AppConnection } from './connection.ts'
import type { H2cSessions } from './h2c.ts'

/** Shorter than the five seconds after which Node apps close: who closes first decides whether a request is lost. */
const IDLE_MS = 4_000

export class Pool {
  readonly endpoint: Endpoint
  /** When the endpoint came into the table, ms of the router's clock. */
  readonly since: number
  inFlight = 0
  /** Requests that the instance answered since it was last asked: see core/domain/answered.ts. */
  answered = 0
  /** It refused a connection a moment ago; ms of the router's clock. */
  ejectedUntil = 0
  closed = false
  /** Set when the app was spoken to over HTTP/2. */
  h2c: H2cSessions | null = null
  /** The last one used is the next one taken, so that the others grow old and go. */
  readonly #idle: AppConnection[] = []

  constructor(endpoint: Endpoint, since: number) {
    this.endpoint = endpoint
    this.since = since
  }

  /** @returns a connection kept from earlier, or null when there is none that can be trusted to be open */
  take(now: number): AppConnection | null {
    const connection = this.#idle.pop()
    if (connection === undefined) return null
    if (now - connection.idleSince < IDLE_MS) return connection
    // The others are older still.
    connection.close()
    this.#closeIdle()
    return null
  }

  keep(connection: AppConnection, now: number): void {
    if (this.closed) return connection.close()
    connection.idleSince = now
    this.#idle.push(connection)
  }

  /** An idle connection went away by itself. */
  forget(connection: AppConnection): void {
    const at = this.#idle.lastIndexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  sweep(now: number): void {
    this.h2c?.sweep(now)
    let old = 0
    while (old < this.#idle.length && now - (this.#idle[old] as AppConnection).idleSince >= IDLE_MS) old += 1
    if (old > 0) for (const connection of this.#idle.splice(0, old)) connection.close()
  }

  close(): void {
    this.closed = true
    this.h2c?.close()
    this.#closeIdle()
  }

  #closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.close()
  }
}
