/** A client's HTTP/2 connection (RFC 9113): its streams are calls, and what it may do for nothing is limited. */
import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { Call, Origin } from '../call.ts'
import { MAX_HEAD_BYTES, MAX_REQUEST_FIELDS } from '../limits.ts'
import type { DoorContext, OpenConnection } from './connection.ts'
import { StreamClient, type StreamContext } from './http2-stream.ts'
import { Patience } from './patience.ts'
import { Tally, type Wire } from './tally.ts'

/** Requests that a client may have under way on one connection; RFC 9113 §6.5.2 advises no less. */
const MAX_STREAMS = 100

/** A stream with an id that is never reached: nothing is refused yet (RFC 9113 §6.8). */
const LAST_OF_ALL = 2 ** 31 - 1

/**
 * What the protocol's own layer holds a client to. A head that is too large for an app is still read, so that it can be
 * answered; a much larger one ends its stream.
 */
const options = {
  settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: 2 * MAX_HEAD_BYTES, enablePush: false },
  maxHeaderListPairs: 3 * MAX_REQUEST_FIELDS,
  // Of heads and of what waits to be sent, in MB.
  maxSessionMemory: 10,
  maxSettings: 32,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: MAX_STREAMS,
  maxOutstandingPings: 10,
  // CVE-2023-44487: streams that are opened and reset at once.
  streamResetBurst: 2 * MAX_STREAMS,
  streamResetRate: 33,
  // What an app says twice is passed on twice.
  strictSingleValueFields: false,
}

export class Http2Connection implements OpenConnection {
  readonly origin: Origin
  readonly isTunnel = false
  readonly #session: ServerHttp2Session
  readonly #context: DoorContext
  readonly #streams = new Set<StreamClient>()
  readonly #streamContext: StreamContext
  /** Since when there is no stream. */
  #idleSince: number
  /** Said that it goes, and meant it. */
  #noticed = false
  #leaving = false
  /** Streams that end before their answer, whoever ends them: a client can make us do it (CVE-2025-8671). */
  readonly #vain = new Patience(2 * MAX_STREAMS, 33)
  /** gRPC measures its bandwidth with many. */
  readonly #pings = new Patience(1_000, 200)
  readonly #settings = new Patience(20, 1)

  /** @param socket of plain bytes, none of which was read */
  constructor(socket: Duplex & Wire, origin: Origin, context: DoorContext) {
    this.origin = origin
    this.#context = context
    this.#idleSince = context.clock.now
    this.#session = performServerHandshake(socket, options)
    this.#streamContext = {
      ...context,
      origin,
      tally: new Tally(socket),
      onAnswer: () => context.draining() && this.#notice(),
      onDone: (last) => last && this.#leave(),
      onClosed: (stream, inVain) => this.#onClosed(stream, inVain),
    }
    this.#session
      .on('stream', (stream, _, flags, pairs) => this.#onStream(stream, flags, pairs))
      .on('ping', () => this.#spend(this.#pings))
      .on('remoteSettings', () => this.#spend(this.#settings))
      .on('error', () => {})
      .on('close', () => this.#onClose())
    context.live.add(this)
  }

  eachCall(visit: (call: Call) => void): void {
    for (const { call } of this.#streams) if (!call.over) visit(call)
  }

  sweep(now: number): void {
    for (const stream of this.#streams) stream.sweep(now)
    if (this.#streams.size > 0) return
    const { keepAliveMs, lingerMs } = this.#context.limits
    if (now - this.#idleSince > keepAliveMs + lingerMs) this.cut()
    else if (now - this.#idleSince > keepAliveMs) this.#leave()
  }

  /** The router stops: first it says so, then it takes no more requests; those that it took are answered. */
  drain(spareFresh = false): void {
    if (!this.#noticed) this.#notice()
    else if (!spareFresh) this.#leave()
  }

  cut(): void {
    this.#session.destroy()
  }

  #onStream(stream: ServerHttp2Stream, flags: number, pairs: string[]): void {
    const client = new StreamClient(
      stream,
      pairs,
      (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0,
      this.#streamContext,
    )
    this.#streams.add(client)
    client.begin()
  }

  #onClosed(stream: StreamClient, inVain: boolean): void {
    this.#streams.delete(stream)
    if (this.#streams.size === 0) this.#idleSince = this.#context.clock.now
    if (inVain) this.#spend(this.#vain)
  }

  #spend(patience: Patience): void {
    if (patience.spend(this.#context.clock.now) || this.#session.destroyed) return
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    this.#session.destroy()
  }

  #notice(): void {
    if (this.#noticed || this.#session.destroyed) return
    this.#noticed = true
    this.#session.goaway(constants.NGHTTP2_NO_ERROR, LAST_OF_ALL)
  }

  #leave(): void {
    if (this.#leaving) return
    this.#leaving = this.#noticed = true
    this.#session.close()
  }

  #onClose(): void {
    this.#context.live.delete(this)
    this.#context.guests.close(this.origin.guest)
  }
}
