/**
 * HTTP/2 with prior knowledge (RFC 9113 §3.3) to the apps that ask for it: a few sessions to an instance, and as many requests
 * at once on each as the app allows.
 */
import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2'
import { connect } from 'node:net'
import type { AppEvents, Call } from '../call.ts'
import type { Clock } from '../clock.ts'
import { MAX_HEAD_BYTES, MAX_RESPONSE_FIELDS, type Limits } from '../limits.ts'
import { H2cStream } from './h2c-stream.ts'
import type { Pool } from './pool.ts'

export type H2cContext = { events: AppEvents; clock: Clock; limits: Limits; onMistake: (error: unknown) => void }

/** An app whose sessions are full has many requests already; further ones wait in the last session for their turn. */
const MAX_SESSIONS = 8

/** Until the app says how many requests it takes at once (RFC 9113 §6.5.2). */
const STREAMS_AT_FIRST = 100

/** A session's streams are numbered, and the numbers end (RFC 9113 §5.1.1). */
const MAX_SERVED = 1_000_000

/** An app that closes says so in order, and what it had not begun is sent again: so they are kept long. */
const IDLE_MS = 60_000

const options = {
  settings: { enablePush: false, maxHeaderListSize: 2 * MAX_HEAD_BYTES },
  maxHeaderListPairs: 2 * MAX_RESPONSE_FIELDS,
  // Of heads and of what waits to be sent, in MB.
  maxSessionMemory: 64,
  peerMaxConcurrentStreams: STREAMS_AT_FIRST,
  // What a client says twice is passed on twice.
  strictSingleValueFields: false,
}

/** Sends a call to the instance of a pool. */
export function sendH2c(pool: Pool, call: Call, context: H2cContext): void {
  pool.h2c ??= new H2cSessions(pool, context)
  const stream = new H2cStream(call, context)
  // Before anything is told of it: who hears that it was sent, says more to it.
  call.app = stream
  pool.h2c.take().carry(stream)
}

/** The sessions with one endpoint, from its first request to the end of its pool. */
export class H2cSessions {
  readonly #pool: Pool
  readonly #context: H2cContext
  readonly #sessions = new Set<H2cSession>()

  constructor(pool: Pool, context: H2cContext) {
    this.#pool = pool
    this.#context = context
  }

  /** @returns the session that has room, a new one, or the one with the fewest requests */
  take(): H2cSession {
    let least: H2cSession | null = null
    for (const session of this.#sessions) {
      if (session.leaving) continue
      if (session.hasRoom) return session
      if (least === null || session.inFlight < least.inFlight) least = session
    }
    if (least !== null && this.#sessions.size >= MAX_SESSIONS) return least
    const session = new H2cSession(this.#pool, this.#context, () => this.#sessions.delete(session))
    this.#sessions.add(session)
    return session
  }

  sweep(now: number): void {
    for (const session of this.#sessions) session.sweep(now)
  }

  /** With the last request over, or to be cut. */
  close(): void {
    for (const session of [...this.#sessions]) session.cut()
  }
}

export class H2cSession {
  #leaving = false
  /** How many it was given. */
  served = 0
  readonly #context: H2cContext
  readonly #http: ClientHttp2Session
  readonly #streams = new Set<H2cStream>()
  /** When to stop waiting for the app to accept, ms of the router's clock. */
  #deadline: number
  #connected = false
  #idleSince: number
  /** Streams above it were not looked at (RFC 9113 §6.8). */
  #lastSeen = Infinity
  #cause: unknown = null

  /** Dials. */
  constructor({ endpoint: { host, port } }: Pool, context: H2cContext, onClosed: () => void) {
    this.#context = context
    this.#deadline = context.clock.now + context.limits.connectMs
    this.#idleSince = context.clock.now
    const createConnection = () => connect({ host, port, noDelay: true })
    this.#http = connectHttp2('http://app', { ...options, createConnection })
    this.#http
      .on('connect', () => this.#onConnect())
      .on('goaway', (_, lastSeen: number) => {
        this.#leaving = true
        this.#lastSeen = lastSeen
      })
      .on('error', (error) => (this.#cause = error))
      .on('close', () => {
        this.#leaving = true
        onClosed()
        // Those that were never sent on it.
        for (const stream of [...this.#streams]) stream.onGone(0)
      })
  }

  /** It takes no more requests. */
  get leaving(): boolean {
    return this.#leaving || this.served >= MAX_SERVED || this.#http.closed || this.#http.destroyed
  }

  get hasRoom(): boolean {
    const granted = this.#connected ? this.#http.remoteSettings.maxConcurrentStreams : undefined
    return this.#streams.size < Math.min(granted ?? STREAMS_AT_FIRST, STREAMS_AT_FIRST)
  }

  get inFlight(): number {
    return this.#streams.size
  }

  get isGone(): boolean {
    return this.#http.destroyed
  }

  get cause(): unknown {
    return this.#cause
  }

  carry(stream: H2cStream): void {
    this.#streams.add(stream)
    this.served += 1
    stream.session = this
    if (this.#connected) stream.send(this.#http)
  }

  /** The stream is over. */
  release(stream: H2cStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size === 0) this.#idleSince = this.#context.clock.now
  }

  /** Whether a stream that the app closed, or that went with the session, was never looked at (RFC 9113 §8.7). */
  refused(id: number, code: number): boolean {
    return code === constants.NGHTTP2_REFUSED_STREAM || id > this.#lastSeen
  }

  /** What did not answer may never answer again: others get another session. */
  retire(): void {
    this.#leaving = true
    if (!this.#http.closed && !this.#http.destroyed) this.#http.close()
  }

  sweep(now: number): void {
    for (const stream of this.#streams) stream.sweep(now)
    if (this.served >= MAX_SERVED) this.retire()
    if (this.#connected ? this.#streams.size === 0 && now - this.#idleSince > IDLE_MS : now > this.#deadline) this.cut()
  }

  cut(): void {
    this.#leaving = true
    this.#http.destroy()
  }

  #onConnect(): void {
    this.#connected = true
    for (const stream of [...this.#streams]) stream.send(this.#http)
  }
}
