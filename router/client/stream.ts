/**
 * What a client sends over an HTTP/1 connection, taken apart into requests. One is read at a time: those that are sent ahead wait
 * as bytes, so that each is parsed when the one before it is over, whatever they are.
 */
import type { Socket } from 'node:net'
import { BodyReader } from '../body-reader.ts'
import type { Refused } from '../call.ts'
import { judgeHead } from '../gate.ts'
import type { Limits } from '../limits.ts'
import { CHUNKED } from '../wire/framing.ts'
import { emptyRequestHead, INCOMPLETE, scanRequestHead, type RequestHead } from '../wire/request-head.ts'
import type { Deadline } from './deadline.ts'
import { SecondReader } from './second-reader.ts'

/** Who is told. All sizes are of bytes on the wire. */
export interface StreamOwner {
  /** @param received there is no body to come */
  onRequest(head: RequestHead, size: number, received: boolean): void
  /** It was no request that can be served, and nothing more is read. */
  onRefusal(refused: Refused, head: RequestHead, size: number): void
  /** A piece of the request's body, which may be empty, or of what follows an upgrade. */
  onBody(bytes: Buffer, from: number, to: number, size: number): void
  onBodyEnd(trailers: string): void
  onBodyFailed(refused: Refused): void
  /** What was here is read as far as it can be. @returns false to be handed no more of the body */
  onRest(): boolean
  /** @returns false while the client does not take in the answers that it got */
  mayBegin(): boolean
}

/** Between requests, or within a head. */
const HEAD = 0
const BODY = 1
/** The request is here; its answer is not. */
const ANSWER = 2
const TUNNEL = 3
/** The head was let in by the gate, and waits for what the second reader finds. */
const SECOND = 4
/** What still comes is thrown away. */
const OVER = 5

/** Nothing can be read on; the rest is kept. */
const STOP = -1

/** Of requests sent ahead, before no more is read from the connection. */
const MAX_AHEAD = 64 * 1024

export class RequestStream {
  readonly #socket: Socket
  readonly #owner: StreamOwner
  readonly #limits: Limits
  readonly #deadline: Deadline
  readonly #head = emptyRequestHead()
  readonly #body = new BodyReader()
  #state = HEAD
  /** Came, and could not be read on yet. */
  #kept: Buffer | null = null
  #headBegan = false
  /** Someone takes the request's body. */
  #handing = false
  /** In the middle of reading: whoever wants more read only has to say so. */
  #reading = false
  #paused = false
  /** Of a body, since its time was last looked at. */
  #windowBytes = 0
  #second: SecondReader | null = null

  constructor(socket: Socket, owner: StreamOwner, limits: Limits, deadline: Deadline) {
    this.#socket = socket
    this.#owner = owner
    this.#limits = limits
    this.#deadline = deadline
  }

  get isIdle(): boolean {
    return this.#state === HEAD && !this.#headBegan && this.#kept === null
  }

  get isWithinHead(): boolean {
    return this.#state === HEAD && this.#headBegan
  }

  get isWithinBody(): boolean {
    return this.#state === BODY
  }

  get isTunnel(): boolean {
    return this.#state === TUNNEL
  }

  get isOver(): boolean {
    return this.#state === OVER
  }

  /** Reads bytes that are the caller's again when it returns. */
  push(bytes: Buffer, to: number): void {
    if (this.#kept === null) return this.#read(bytes, to, false)
    const all = Buffer.concat([this.#kept, bytes.subarray(0, to)])
    this.#kept = null
    this.#read(all, all.length, true)
  }

  /** Hands the body over from now on. */
  hand(): void {
    if (this.#state !== BODY && this.#state !== TUNNEL) return
    this.#handing = true
    this.startWindow()
    this.goOn()
  }

  hold(): void {
    this.#handing = false
    this.#deadline.never()
  }

  /** Reads the next request. @returns false when there can be none: this one was not read to its end */
  next(): boolean {
    if (this.#state !== ANSWER) return false
    this.#state = HEAD
    return true
  }

  /** Takes whatever comes for the client's side of a tunnel. */
  tunnel(): void {
    this.#state = TUNNEL
  }

  /** Throws away what still comes. */
  end(): void {
    this.#state = OVER
    this.#kept = null
    this.#second?.close()
    this.#second = null
    this.#setReading()
  }

  /** Refuses a head that does not come. */
  giveUpHead(): void {
    this.#refuse(slowHead, 0)
  }

  /** @returns false when less of the body came than may be expected of whoever wants an answer */
  isBodyOnTime(): boolean {
    return this.#windowBytes >= (this.#limits.minBodyRate * this.#limits.bodyMs) / 1000
  }

  startWindow(): void {
    this.#windowBytes = 0
    this.#deadline.in(this.#state === TUNNEL ? this.#limits.tunnelIdleMs : this.#limits.bodyMs)
  }

  /** Reads on in what is kept, unless that is being done. */
  goOn(): void {
    if (this.#reading) return
    const kept = this.#kept
    this.#kept = null
    this.#read(kept ?? nothing, kept?.length ?? 0, true)
  }

  /** @param own the bytes stay as they are when this returns */
  #read(bytes: Buffer, to: number, own: boolean): void {
    let from = 0
    this.#reading = true
    while (from < to) {
      const next = this.#step(bytes, from, to)
      if (next === STOP) break
      from = next
    }
    this.#reading = false
    if (from < to && this.#state !== OVER) {
      const rest = bytes.subarray(from, to)
      this.#kept = own ? rest : Buffer.from(rest)
    }
    if (!this.#owner.onRest() && this.#handing) this.hold()
    this.#setReading()
  }

  /** @returns where the next byte lies, or STOP */
  #step(bytes: Buffer, from: number, to: number): number {
    switch (this.#state) {
      case HEAD:
        return this.#owner.mayBegin() ? this.#readHead(bytes, from, to) : STOP
      case BODY:
        // Between the body's end and the second reader's word for it, what follows waits.
        return this.#handing && !this.#body.done ? this.#readBody(bytes, from, to) : STOP
      case TUNNEL:
        return this.#handing ? this.#readTunnel(bytes, from, to) : STOP
      case OVER:
        return to
      default:
        return STOP
    }
  }

  #readHead(bytes: Buffer, from: number, to: number): number {
    const end = scanRequestHead(bytes, from, to, this.#head)
    if (end > 0) {
      this.#begin(end - from)
      return end
    }
    return end === INCOMPLETE ? this.#awaitHead() : this.#askGate(bytes, from, to)
  }

  /** The time for a head runs from its first byte, however many come after it (H68). */
  #awaitHead(): typeof STOP {
    if (!this.#headBegan) this.#deadline.in(this.#limits.headMs)
    this.#headBegan = true
    return STOP
  }

  #begin(size: number): void {
    this.#body.begin(this.#head.body)
    const received = this.#body.done
    this.#state = received ? ANSWER : BODY
    this.#headBegan = this.#handing = false
    this.#deadline.never()
    this.#owner.onRequest(this.#head, size, received)
  }

  #readBody(bytes: Buffer, from: number, to: number): number {
    const next = this.#body.read(bytes, from, to)
    if (next < 0) {
      this.#failBody(badBody)
      return to
    }
    this.#windowBytes += next - from
    this.#second?.feed(bytes.subarray(from, next))
    const { dataFrom, dataTo } = this.#body
    this.#owner.onBody(bytes, dataFrom, dataTo, next - from)
    // The request may be over by now: answered because of this piece. With a second reader, the app is told of the end when both
    // have found it.
    if (this.#body.done && this.#state === BODY && !this.#second?.isReading) this.#endBody()
    return next
  }

  #endBody(): void {
    this.#state = ANSWER
    this.#handing = false
    this.#deadline.never()
    this.#owner.onBodyEnd(this.#body.trailers)
  }

  #failBody(refused: Refused): void {
    this.#handing = false
    this.#owner.onBodyFailed(refused)
  }

  #readTunnel(bytes: Buffer, from: number, to: number): number {
    this.startWindow()
    this.#owner.onBody(bytes, from, to, to - from)
    return to
  }

  /** What the fast lane does not know: refused, or read by a second reader as well before it is believed. */
  #askGate(bytes: Buffer, from: number, to: number): number {
    const verdict = judgeHead(bytes, from, to, this.#head)
    if (verdict === INCOMPLETE) return this.#awaitHead()
    if (typeof verdict !== 'number') {
      this.#refuse(verdict, to - from)
      return to
    }
    const size = verdict - from
    this.#state = SECOND
    this.#deadline.in(this.#limits.headMs)
    this.#second ??= new SecondReader()
    this.#second.begin(this.#head, {
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
    this.goOn()
  }

  #onAgreedEnd(size: number): void {
    if (this.#state === SECOND) return this.#beginAgreed(size)
    if (this.#state !== BODY) return
    // It found the end before we did: the rest is a body to us, and would be a request to it.
    if (!this.#body.done) {
      this.#second?.close()
      return this.#failBody(badBody)
    }
    this.#endBody()
    this.goOn()
  }

  #onDisagreement(size: number): void {
    if (this.#state === SECOND) this.#refuse(disagreement, size)
    else if (this.#state === BODY) this.#failBody(badBody)
  }

  #refuse(refused: Refused, size: number): void {
    this.#state = ANSWER
    this.#kept = null
    this.#deadline.never()
    this.#owner.onRefusal(refused, Object.assign(this.#head, emptyRequestHead()), size)
  }

  /** Reads from the socket, but no more than can be used soon. */
  #setReading(): void {
    const pause = this.#kept !== null && !this.#wantsMore(this.#kept.length)
    if (pause === this.#paused) return
    this.#paused = pause
    if (pause) this.#socket.pause()
    else this.#socket.resume()
  }

  #wantsMore(kept: number): boolean {
    if (this.#state === BODY || this.#state === TUNNEL) return this.#handing
    return kept < MAX_AHEAD || (this.#state === HEAD && this.#owner.mayBegin())
  }
}

const nothing = Buffer.alloc(0)

const slowHead: Refused = { status: 408, why: 'The request did not arrive in time.' }
const badBody: Refused = { status: 400, why: 'The body of the request is not what its head says.' }
const disagreement: Refused = { status: 400, why: 'The request can be read in more than one way.' }
