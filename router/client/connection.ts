/**
 * One client connection over HTTP/1: reads a head, serves it, reads the next. Requests that are sent ahead wait in its buffer, so
 * that each is parsed, routed and answered when the one before it is over, whatever they are.
 */
import type { Socket } from 'node:net'
import { BodyReader } from '../body-reader.ts'
import { Call, type Client, type ClientEvents, type Origin, type Refused } from '../call.ts'
import type { Clock } from '../clock.ts'
import { judgeHead } from '../gate.ts'
import type { Limits } from '../limits.ts'
import { Outlet } from '../outlet.ts'
import type { Guests } from '../quota/guests.ts'
import { CHUNKED, type Framing } from '../wire/framing.ts'
import { emptyRequestHead, INCOMPLETE, scanRequestHead } from '../wire/request-head.ts'
import { AnswerWriter } from './answer.ts'
import { Frames, GOING_AWAY } from './frames.ts'
import { SecondReader } from './second-reader.ts'

export type DoorContext = {
  events: ClientEvents
  clock: Clock
  limits: Limits
  draining: () => boolean
  guests: Guests
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
  /** The router stops: who waits for nothing goes at once, and who is served has it said with the answer. */
  drain(): void
  /** Ends whatever goes on here. */
  cut(): void
}

/** Between requests, or within a head. */
const HEAD = 0
/** The request's body is being read. */
const BODY = 1
/** The request is here; its answer is not. */
const ANSWER = 2
const TUNNEL = 3
/** The head was let in by the gate, and waits for what the second reader finds. */
const SECOND = 4
/** The last answer was given; what still comes is thrown away (RFC 9112 §9.6). */
const LINGER = 5
const CLOSED = 6

/** Nothing can be read on; the rest is kept. */
const STOP = -1

/** Of requests sent ahead, before no more is read from the connection. */
const MAX_AHEAD = 64 * 1024

export class ClientConnection implements Client, OpenConnection {
  readonly origin: Origin
  readonly #socket: Socket
  readonly #context: DoorContext
  readonly #head = emptyRequestHead()
  readonly #body = new BodyReader()
  readonly #outlet: Outlet
  readonly #answer: AnswerWriter
  #state = HEAD
  #call: Call | null = null
  /** Came, and could not be read on yet. */
  #kept: Buffer | null = null
  /** Someone takes the request's body. */
  #handing = false
  /** In the middle of reading: whoever wants more read only has to say so. */
  #reading = false
  #paused = false
  #continued = false
  /** When to stop waiting for what is awaited, ms of the router's clock. */
  #deadline: number
  /** Of a body, since its time was last looked at. */
  #bodyBytes = 0
  #second: SecondReader | null = null
  /** Of a WebSocket, from the app to the client. */
  #frames: Frames | null = null

  constructor(socket: Socket, origin: Origin, context: DoorContext) {
    this.#socket = socket
    this.origin = origin
    this.#context = context
    this.#outlet = new Outlet(socket, context.clock)
    this.#answer = new AnswerWriter(this.#outlet)
    this.#deadline = context.clock.now + context.limits.keepAliveMs
    socket
      .on('end', () => this.#onEnd())
      .on('error', () => socket.destroy())
      .on('close', () => this.#onGone())
      .on('drain', () => this.#onDrain())
    context.live.add(this)
  }

  eachCall(visit: (call: Call) => void): void {
    if (this.#call) visit(this.#call)
  }

  /** Bytes came; they are this connection's until it returns. */
  onBytes(bytes: Buffer, to: number): void {
    if (this.#kept === null) return this.#consume(bytes, 0, to)
    const all = Buffer.concat([this.#kept, bytes.subarray(0, to)])
    this.#kept = null
    this.#consume(all, 0, all.length)
  }

  readBody(call: Call): void {
    if (this.#state !== BODY && this.#state !== TUNNEL) return
    this.#handing = true
    this.#startWindow()
    if (call.head.expectsContinue && !this.#continued && call.bodyBytes === 0) {
      this.#continued = true
      this.#answer.inform(call, 100, '')
    }
    this.#goOn()
  }

  pauseBody(): void {
    this.#handing = false
    this.#deadline = Infinity
  }

  resumeBody(call: Call): void {
    this.readBody(call)
  }

  inform(call: Call, status: number, fields: string): void {
    this.#answer.inform(call, status, fields)
  }

  respond(call: Call, status: number, fields: string, body: Framing): void {
    // An answer that comes before the request is whole leaves bytes that must never be taken for a request (H70).
    this.#answer.begin(call, status, fields, body, call.last || this.#state === BODY || this.#context.draining())
  }

  data(call: Call, bytes: Buffer, from: number, to: number): void {
    if (this.#frames) this.#passFrames(call, this.#frames, bytes, from, to)
    else this.#answer.data(call, bytes, from, to)
  }

  flush(): boolean {
    if (this.#state === TUNNEL) this.#startWindow()
    return this.#outlet.flush()
  }

  end(call: Call): void {
    this.#answer.end(call)
  }

  /** The call is in the books: on to the next request, or to the end. */
  next(): void {
    this.#call = null
    if (this.#state >= LINGER) return
    if (this.#answer.last || this.#state !== ANSWER) return this.#linger()
    this.#state = HEAD
    this.#deadline = this.#context.clock.now + this.#context.limits.keepAliveMs
    this.#goOn()
  }

  upgrade(call: Call, fields: string): void {
    this.#answer.upgrade(call, fields)
    this.#state = TUNNEL
    this.#frames = new Frames()
    this.readBody(call)
  }

  reset(): void {
    this.#call = null
    this.#close()
    this.#socket.resetAndDestroy()
  }

  sweep(now: number): void {
    const { limits, events } = this.#context
    const { congestedSince } = this.#outlet
    if (congestedSince > 0 && now - congestedSince > limits.writeStallMs) return this.cut()
    if (now <= this.#deadline) return
    const call = this.#call
    if (this.#state === HEAD && this.#kept !== null) return this.#refuse(slowHead, 0)
    if (this.#state === BODY && call) {
      if (this.#bodyBytes >= (limits.minBodyRate * limits.bodyMs) / 1000) return this.#startWindow()
      this.#handing = false
      this.#deadline = Infinity
      return events.bodyFailed(call, slowBody)
    }
    // A client that still takes the last answer in is not late.
    if (this.#state === LINGER && this.#socket.writableLength > 0) return
    this.cut()
  }

  drain(): void {
    if (this.#state === HEAD && this.#kept === null) this.cut()
    else if (this.#state === TUNNEL && this.#call && this.#frames?.isBetween) this.#goAway(this.#call)
  }

  cut(): void {
    this.#close()
    this.#socket.destroy()
  }

  get isTunnel(): boolean {
    return this.#state === TUNNEL
  }

  #consume(bytes: Buffer, from: number, to: number): void {
    this.#reading = true
    while (from < to) {
      const next = this.#step(bytes, from, to)
      if (next === STOP) break
      from = next
    }
    this.#reading = false
    if (from < to) this.#keep(bytes, from, to)
    const call = this.#call
    if (call && this.#handing && !this.#context.events.bodyPause(call)) this.pauseBody()
    this.#outlet.flush()
    this.#setReading()
  }

  /** @returns where the next byte lies, or STOP */
  #step(bytes: Buffer, from: number, to: number): number {
    switch (this.#state) {
      case HEAD:
        return this.#outlet.congestedSince > 0 ? STOP : this.#readHead(bytes, from, to)
      case BODY:
        return this.#handing ? this.#readBodyPart(this.#call as Call, bytes, from, to) : STOP
      case TUNNEL:
        return this.#handing ? this.#readTunnel(this.#call as Call, bytes, from, to) : STOP
      case ANSWER:
      case SECOND:
        return STOP
      default:
        return to
    }
  }

  #readHead(bytes: Buffer, from: number, to: number): number {
    const end = scanRequestHead(bytes, from, to, this.#head)
    if (end > 0) {
      this.#begin(end - from)
      return end
    }
    if (end !== INCOMPLETE) return this.#askGate(bytes, from, to)
    if (this.#deadline === Infinity || this.#kept === null) this.#awaitHead()
    return STOP
  }

  #begin(size: number): void {
    const { body } = this.#head
    this.#body.begin(body)
    const call = new Call(this, this.#head, this.#body.done)
    call.bytesIn = size
    this.#call = call
    this.#state = call.received ? ANSWER : BODY
    this.#handing = this.#continued = false
    this.#deadline = Infinity
    this.#context.events.begin(call)
  }

  #readBodyPart(call: Call, bytes: Buffer, from: number, to: number): number {
    const { events } = this.#context
    const next = this.#body.read(bytes, from, to)
    if (next < 0) {
      this.#handing = false
      events.bodyFailed(call, badBody)
      return to
    }
    call.bytesIn += next - from
    this.#bodyBytes += next - from
    this.#second?.feed(bytes.subarray(from, next))
    const { dataFrom, dataTo, done } = this.#body
    if (dataTo > dataFrom) events.body(call, bytes, dataFrom, dataTo)
    // The call may be over by now: answered because of this piece.
    if (!done || this.#call !== call || this.#state !== BODY) return next
    // With a second reader, the app is told of the end when both have found it.
    if (!this.#second) this.#endBody(call)
    return next
  }

  #readTunnel(call: Call, bytes: Buffer, from: number, to: number): number {
    call.bytesIn += to - from
    this.#deadline = this.#context.clock.now + this.#context.limits.tunnelIdleMs
    this.#context.events.body(call, bytes, from, to)
    return to
  }

  /** What the fast lane does not know: refused, or read by a second reader as well before it is believed. */
  #askGate(bytes: Buffer, from: number, to: number): number {
    const verdict = judgeHead(bytes, from, to, this.#head)
    if (typeof verdict !== 'number') {
      this.#refuse(verdict, to - from)
      return to
    }
    if (verdict === INCOMPLETE) {
      if (this.#deadline === Infinity || this.#kept === null) this.#awaitHead()
      return STOP
    }
    const size = verdict - from
    this.#state = SECOND
    this.#deadline = this.#context.clock.now + this.#context.limits.headMs
    this.#second = new SecondReader(this.#head, {
      onHead: () => (this.#head.body > 0 || this.#head.body === CHUNKED) && this.#beginAgreed(size),
      onEnd: () => this.#onAgreedEnd(size),
      onDisagreement: () => this.#onDisagreement(size),
    })
    this.#second.feed(bytes.subarray(from, verdict))
    return verdict
  }

  #beginAgreed(size: number): void {
    if (this.#state !== SECOND) return
    this.#begin(size)
    this.#goOn()
  }

  #onAgreedEnd(size: number): void {
    this.#second?.close()
    this.#second = null
    if (this.#state === SECOND) return this.#beginAgreed(size)
    if (this.#state !== BODY || !this.#body.done || !this.#call) return
    this.#endBody(this.#call)
    this.#goOn()
  }

  #onDisagreement(size: number): void {
    this.#second = null
    if (this.#state === SECOND) this.#refuse(disagreement, size)
    else if (this.#state === BODY && this.#call) this.#context.events.bodyFailed(this.#call, badBody)
  }

  #endBody(call: Call): void {
    this.#state = ANSWER
    this.#handing = false
    this.#deadline = Infinity
    call.received = true
    this.#context.events.bodyEnd(call, this.#body.trailers)
  }

  /** The story knows how to say it; there is no request to go with it. */
  #refuse(refused: Refused, size: number): void {
    Object.assign(this.#head, emptyRequestHead())
    const call = new Call(this, this.#head, true)
    call.bytesIn = size
    call.refused = refused
    this.#call = call
    this.#kept = null
    this.#state = ANSWER
    this.#deadline = Infinity
    this.#context.events.begin(call)
    this.#outlet.flush()
  }

  #awaitHead(): void {
    this.#deadline = this.#context.clock.now + this.#context.limits.headMs
  }

  #startWindow(): void {
    this.#bodyBytes = 0
    const { clock, limits } = this.#context
    this.#deadline = clock.now + (this.#state === TUNNEL ? limits.tunnelIdleMs : limits.bodyMs)
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    if (this.#state < LINGER) this.#kept = Buffer.from(bytes.subarray(from, to))
  }

  /** Reads on in what is kept, unless that is being done. */
  #goOn(): void {
    if (this.#reading) return
    const kept = this.#kept
    if (kept === null) {
      this.#outlet.flush()
      return this.#setReading()
    }
    this.#kept = null
    this.#consume(kept, 0, kept.length)
  }

  /** Reads from the socket, but no more than can be used soon. */
  #setReading(): void {
    const wanted =
      this.#kept === null ||
      (this.#state === HEAD && this.#outlet.congestedSince === 0) ||
      this.#kept.length < MAX_AHEAD
    const waits = (this.#state === BODY || this.#state === TUNNEL) && !this.#handing
    const pause = !wanted || (waits && this.#kept !== null)
    if (pause === this.#paused || this.#state === CLOSED) return
    this.#paused = pause
    if (pause) this.#socket.pause()
    else this.#socket.resume()
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
    this.#call = null
    this.#linger()
    call.code = 'draining'
    this.#context.events.left(call)
  }

  #onDrain(): void {
    this.#outlet.drained()
    if (this.#call) this.#context.events.drained(this.#call)
    else if (this.#state === HEAD) this.#goOn()
  }

  /**
   * Ends our side and waits a little for the client to end its own: a connection that is closed with unread bytes in it is reset,
   * and the client might lose an answer that it had not read (RFC 9112 §9.6).
   */
  #linger(): void {
    this.#outlet.flush()
    this.#state = LINGER
    this.#kept = null
    this.#deadline = this.#context.clock.now + this.#context.limits.lingerMs
    this.#socket.end()
    this.#setReading()
  }

  #onEnd(): void {
    const call = this.#call
    if (this.#state !== TUNNEL || call === null) return this.cut()
    this.#handing = false
    this.#context.events.bodyEnd(call, '')
  }

  #onGone(): void {
    this.#close()
  }

  #close(): void {
    if (this.#state === CLOSED) return
    const call = this.#call
    this.#state = CLOSED
    this.#kept = null
    this.#call = null
    this.#second?.close()
    this.#context.live.delete(this)
    if (call !== null && !call.over) this.#leave(call)
    this.#context.guests.close(this.origin.guest)
  }

  #leave(call: Call): void {
    call.bytesOut = Math.max(0, call.bytesOut - this.#outlet.unsent)
    this.#context.events.left(call)
  }
}

const slowHead: Refused = { status: 408, why: 'The request did not arrive in time.' }
const slowBody: Refused = { status: 408, why: 'The body of the request did not arrive in time.' }
const badBody: Refused = { status: 400, why: 'The body of the request is not what its head says.' }
const disagreement: Refused = { status: 400, why: 'The request can be read in more than one way.' }
