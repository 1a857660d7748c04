/** One client connection over HTTP/1: the requests that come in on it, one after the other, and the answers to them. */
import type { Socket } from 'node:net'
import { Call, type Client, type ClientEvents, type Origin, type Refused } from '../call.ts'
import type { Clock } from '../clock.ts'
import type { Limits } from '../limits.ts'
import { Outlet } from '../outlet.ts'
import type { Guests } from '../quota/guests.ts'
import type { Trusted } from '../trust.ts'
import type { Framing } from '../wire/framing.ts'
import type { RequestHead } from '../wire/request-head.ts'
import { AnswerWriter } from './answer.ts'
import { Deadline } from './deadline.ts'
import { Frames, GOING_AWAY } from './frames.ts'
import { RequestStream, type StreamOwner } from './stream.ts'

export type DoorContext = {
  events: ClientEvents
  clock: Clock
  limits: Limits
  draining: () => boolean
  guests: Guests
  /** Load balancers, whose word on where a request came from counts. */
  trusted: Trusted
  /** For what should not happen. */
  onMistake: (error: unknown) => void
  /** Every connection that is open. */
  live: Set<OpenConnection>
}

/** A client's connection, to those who look after all of them. */
export interface OpenConnection {
  /** The calls that are being served on it. */
  eachCall(visit: (call: Call) => void): void
  /** It carries a WebSocket. */
  readonly isTunnel: boolean
  /** Ends what takes too long. */
  sweep(now: number): void
  /**
   * The router stops: who waits for nothing goes at once, and who is served has it said with the answer.
   * @param spareFresh not those that were just accepted: their first request may be on its way
   */
  drain(spareFresh: boolean): void
  /** Ends whatever goes on here. */
  cut(): void
}

export class ClientConnection implements Client, StreamOwner, OpenConnection {
  readonly origin: Origin
  readonly #socket: Socket
  readonly #context: DoorContext
  readonly #deadline: Deadline
  readonly #stream: RequestStream
  readonly #outlet: Outlet
  readonly #answer: AnswerWriter
  #call: Call | null = null
  #continued = false
  /** It had a request before. */
  #served = false
  #closed = false
  /** Of a WebSocket, from the app to the client. */
  #frames: Frames | null = null

  constructor(socket: Socket, origin: Origin, context: DoorContext) {
    this.origin = origin
    this.#socket = socket
    this.#context = context
    this.#deadline = new Deadline(context.clock)
    this.#stream = new RequestStream(socket, this, context.limits, this.#deadline)
    this.#outlet = new Outlet(socket, context.clock)
    this.#answer = new AnswerWriter(this.#outlet)
    this.#deadline.in(context.limits.keepAliveMs)
    socket
      .on('end', () => this.#onEnd())
      .on('error', () => socket.destroy())
      .on('close', () => this.#close())
      .on('drain', () => this.#onDrain())
    context.live.add(this)
  }

  eachCall(visit: (call: Call) => void): void {
    if (this.#call) visit(this.#call)
  }

  get isTunnel(): boolean {
    return this.#stream.isTunnel
  }

  /** Bytes came; they are this connection's until it returns. */
  onBytes(bytes: Buffer, to: number): void {
    try {
      this.#stream.push(bytes, to)
    } catch (error) {
      // Ours, not the client's: it costs this connection, and never the process.
      this.#context.onMistake(error)
      this.cut()
    }
  }

  onRequest(head: RequestHead, size: number, received: boolean): void {
    const call = new Call(this, head, received)
    call.bytesIn = size
    this.#call = call
    this.#served = true
    this.#continued = false
    this.#context.events.begin(call)
  }

  /** The story knows how to say it; there is no request to go with it. */
  onRefusal(refused: Refused, head: RequestHead, size: number): void {
    const call = new Call(this, head, true)
    call.bytesIn = size
    call.refused = refused
    this.#call = call
    this.#context.events.begin(call)
    this.#outlet.flush()
  }

  onBody(bytes: Buffer, from: number, to: number, size: number): void {
    const call = this.#call
    if (call === null) return
    call.bytesIn += size
    if (to > from) this.#context.events.body(call, bytes, from, to)
  }

  onBodyEnd(trailers: string): void {
    if (this.#call === null) return
    this.#call.received = true
    this.#context.events.bodyEnd(this.#call, trailers)
  }

  onBodyFailed(refused: Refused): void {
    if (this.#call) this.#context.events.bodyFailed(this.#call, refused)
  }

  onRest(): boolean {
    this.#outlet.flush()
    return this.#call === null || this.#context.events.bodyPause(this.#call)
  }

  mayBegin(): boolean {
    return this.#outlet.congestedSince === 0
  }

  readBody(call: Call): void {
    if (call.head.expectsContinue && !this.#continued && call.bodyBytes === 0) {
      this.#continued = true
      this.#answer.inform(call, 100, '')
    }
    this.#stream.hand()
  }

  pauseBody(): void {
    this.#stream.hold()
  }

  resumeBody(): void {
    this.#stream.hand()
  }

  inform(call: Call, status: number, fields: string): void {
    this.#answer.inform(call, status, fields)
  }

  respond(call: Call, status: number, fields: string, body: Framing): void {
    // An answer that comes before the request is whole leaves bytes that must never be taken for a request (H70).
    this.#answer.begin(call, status, fields, body, call.last || this.#stream.isWithinBody || this.#context.draining())
  }

  data(call: Call, bytes: Buffer, from: number, to: number): void {
    if (this.#frames) this.#passFrames(call, this.#frames, bytes, from, to)
    else this.#answer.data(call, bytes, from, to)
  }

  flush(): boolean {
    // A WebSocket's silence is that of both directions.
    if (this.#frames) this.#stream.startWindow()
    return this.#outlet.flush()
  }

  end(call: Call): void {
    this.#answer.end(call)
  }

  next(): void {
    this.#call = null
    if (this.#closed || this.#stream.isOver) return
    if (this.#answer.last || !this.#stream.next()) return this.#linger()
    this.#deadline.in(this.#context.limits.keepAliveMs)
    this.#stream.goOn()
  }

  upgrade(call: Call, fields: string): void {
    this.#answer.upgrade(call, fields)
    this.#frames = new Frames()
    this.#stream.tunnel()
    this.#stream.hand()
  }

  reset(call: Call): void {
    this.#call = null
    this.#takeBack(call)
    this.#close()
    // TLS says itself when an end was not meant: by the alert that is missing (RFC 8446 §6.1).
    if (this.origin.encrypted) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  sweep(now: number): void {
    const { limits } = this.#context
    const { congestedSince } = this.#outlet
    if (congestedSince > 0 && now - congestedSince > limits.writeStallMs) return this.cut()
    if (!this.#deadline.isPast(now)) return
    if (this.#stream.isWithinHead) return this.#stream.giveUpHead()
    if (this.#stream.isWithinBody) return this.#judgeBody()
    // A client that still takes the last answer in is not late, unless it stalls.
    if (this.#stream.isOver && this.#socket.writableLength > 0) return this.#outlet.beCongested()
    this.cut()
  }

  drain(spareFresh: boolean): void {
    if (this.#stream.isIdle && (this.#served || !spareFresh)) this.cut()
    else if (this.#call && this.#frames?.isBetween) this.#goAway(this.#call)
  }

  cut(): void {
    this.#close()
    this.#socket.destroy()
  }

  #judgeBody(): void {
    if (this.#stream.isBodyOnTime()) return this.#stream.startWindow()
    this.#stream.hold()
    this.onBodyFailed(slowBody)
  }

  #passFrames(call: Call, frames: Frames, bytes: Buffer, from: number, to: number): void {
    const draining = this.#context.draining()
    const end = frames.follow(bytes, from, to, draining)
    this.#answer.data(call, bytes, from, end)
    if (draining && frames.isBetween) this.#goAway(call)
  }

  /** Says on a WebSocket that this router goes away, so that the client knows to come back to another. */
  #goAway(call: Call): void {
    this.#outlet.say(GOING_AWAY)
    call.bytesOut += GOING_AWAY.length
    call.code = 'draining'
    this.#call = null
    this.#linger()
    this.#context.events.left(call)
  }

  /**
   * Ends our side and waits a little for the client to end its own: a connection that is closed with unread bytes in it is reset,
   * and the client might lose an answer that it had not read (RFC 9112 §9.6).
   */
  #linger(): void {
    this.#outlet.flush()
    this.#stream.end()
    this.#deadline.in(this.#context.limits.lingerMs)
    this.#socket.end()
  }

  #onEnd(): void {
    if (!this.#stream.isTunnel || this.#call === null) return this.cut()
    this.#stream.hold()
    // The app may never end its own side; then this is a silence as any other.
    this.#stream.startWindow()
    this.#context.events.bodyEnd(this.#call, '')
  }

  #onDrain(): void {
    this.#outlet.drained()
    if (this.#call) this.#context.events.drained(this.#call)
    else this.#stream.goOn()
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    const call = this.#call
    this.#call = null
    this.#stream.end()
    this.#context.live.delete(this)
    if (call !== null && !call.over) this.#leave(call)
    this.#context.guests.close(this.origin.guest)
  }

  #leave(call: Call): void {
    this.#takeBack(call)
    this.#context.events.left(call)
  }

  /** Q06: what will never leave this process was not sent. */
  #takeBack(call: Call): void {
    call.bytesOut = Math.max(0, call.bytesOut - this.#outlet.unsent)
  }
}

const slowBody: Refused = { status: 408, why: 'The body of the request did not arrive in time.' }
