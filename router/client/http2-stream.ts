/** One request over HTTP/2: a stream of its connection, as the story sees its client. */
import { guarded } from '../guarded.ts'
import { constants, type ServerHttp2Stream } from 'node:http2'
import { breakOff } from '../break-off.ts'
import { Call, type Client, type Origin } from '../call.ts'
import { CHUNKED, NO_BODY, type Framing } from '../wire/framing.ts'
import { pairsFrom, requestTrailers, trailersFrom } from '../wire/http2-fields.ts'
import { emptyRequestHead } from '../wire/request-head.ts'
import type { DoorContext } from './connection.ts'
import { readHttp2Head, wantsTrailers } from './http2-head.ts'
import type { Tally } from './tally.ts'

export type StreamContext = DoorContext & {
  origin: Origin
  tally: Tally
  /** An answer begins, so that whoever is served while the router drains hears that it goes. */
  onAnswer(): void
  /** The call is in the books. @param last the connection takes no more of them */
  onDone(last: boolean): void
  /** The stream is closed. @param inVain the client, or what it did, ended it before its answer was whole */
  onClosed(stream: StreamClient, inVain: boolean): void
}

export class StreamClient implements Client {
  readonly origin: Origin
  readonly call: Call
  readonly #stream: ServerHttp2Stream
  readonly #context: StreamContext
  readonly #wantsTrailers: boolean
  /** The client's side of the stream has ended, or has nothing in it. */
  #whole: boolean
  #requestTrailers = ''
  #trailers = ''
  /** Nothing follows the head of the answer. */
  #bare = false
  #answered = false
  /** The answer was cut, by the router. */
  #broken = false
  #corked = false
  #listening = false
  #handing = false
  /** When to stop waiting for the request's body, ms of the router's clock. */
  #deadline = Infinity
  #bodyBytes = 0
  /** When something of either body passed last. */
  #activeAt: number
  /** Since when the client has not taken in what is there; 0 when it has. */
  #congestedSince = 0

  constructor(stream: ServerHttp2Stream, pairs: readonly string[], ended: boolean, context: StreamContext) {
    this.#stream = stream
    this.#context = context
    this.origin = context.origin
    this.#wantsTrailers = wantsTrailers(pairs)
    this.#activeAt = context.clock.now
    const head = emptyRequestHead()
    const refused = readHttp2Head(pairs, ended, head)
    this.#whole = ended || (refused === null && head.body === 0)
    this.call = new Call(this, refused ? emptyRequestHead() : head, this.#whole || refused !== null)
    this.call.refused = refused
    stream
      .on(
        'aborted',
        this.#guard(() => this.#onGone()),
      )
      .on(
        'close',
        this.#guard(() => this.#onClose()),
      )
      .on('error', () => {})
      .on(
        'drain',
        this.#guard(() => this.#onDrain()),
      )
      .on('trailers', (_, __, raw: string[] = []) => (this.#requestTrailers = requestTrailers(raw)))
      .on('wantTrailers', () => this.#sendTrailers())
  }

  #guard<Told extends unknown[]>(listener: (...told: Told) => void): (...told: Told) => void {
    return guarded(listener, (error) => {
      this.#context.onMistake(error)
      this.#stream.destroy()
    })
  }

  begin(): void {
    this.#context.events.begin(this.call)
    // The end of a body of no bytes is nobody's to wait for.
    if (this.#whole) this.#stream.resume()
  }

  readBody(call: Call): void {
    if (call.received || call.over) return
    this.#handing = true
    this.#startWindow()
    if (!this.#listening) this.#listen(call)
    this.#stream.resume()
    // What there is of the body comes later, and the app may want to see the head before.
    call.app?.flush()
  }

  pauseBody(): void {
    this.#handing = false
    this.#deadline = Infinity
    if (this.#listening) this.#stream.pause()
  }

  resumeBody(call: Call): void {
    this.readBody(call)
  }

  inform(call: Call, status: number, fields: string): void {
    if (this.#isGone || this.#stream.headersSent) return
    const pairs = pairsFrom(fields)
    call.bytesOut += this.#context.tally.countHead(pairs)
    this.#try(call, () => this.#stream.additionalHeaders({ ':status': status, ...trailersFrom(fields) }))
  }

  respond(call: Call, status: number, fields: string, body: Framing): void {
    this.#context.onAnswer()
    if (this.#isGone) return
    // RFC 9110 §6.4.1 and §15.3.6: answers that have no content, whatever they say.
    const contentless = call.head.method === 'HEAD' || status === 204 || status === 205 || status === 304
    this.#bare = contentless || body === NO_BODY || body === 0
    const pairs = [':status', String(status), ...pairsFrom(fields)]
    if (body >= 0 && status !== 205) pairs.push('content-length', String(body))
    call.bytesOut += this.#context.tally.countHead(pairs)
    // An answer of a known length has no trailers over HTTP/1, and the gRPC ones have no known length.
    const waitForTrailers = this.#wantsTrailers && !this.#bare && body < 0
    // Node's types do not know that it need not say the date: that is for the app to say, as over HTTP/1.
    const options = { endStream: this.#bare, waitForTrailers, sendDate: false }
    this.#try(call, () => this.#stream.respond(pairs, options))
  }

  data(call: Call, bytes: Buffer, from: number, to: number): void {
    if (this.#bare || this.#isGone) return
    if (!this.#corked) this.#stream.cork()
    this.#corked = true
    this.#activeAt = this.#context.clock.now
    call.bytesOut += this.#context.tally.countOut(to - from)
    this.#stream.write(Buffer.from(bytes.subarray(from, to)))
  }

  flush(): boolean {
    this.#uncork()
    if (this.#stream.writableNeedDrain && this.#congestedSince === 0) this.#congestedSince = this.#context.clock.now
    return this.#congestedSince === 0
  }

  end(call: Call, trailers: string): void {
    this.#answered = true
    this.#trailers = trailers
    this.#uncork()
    if (!this.#bare && !this.#isGone) this.#stream.end()
    // Only what the client does not fetch is left to wait for.
    if (this.#congestedSince === 0) this.#congestedSince = this.#context.clock.now
    this.#book(call)
  }

  next(call: Call): void {
    this.#handing = false
    this.#deadline = Infinity
    this.#context.onDone(call.last)
    // RFC 9113 §8.1: the rest of a request that was answered without it need not come. Node says so when the answer is out.
    if (!this.#whole && this.#answered) this.#stream.close(constants.NGHTTP2_NO_ERROR)
  }

  /** Never asked for: no WebSockets over HTTP/2 (RFC 8441) are offered. */
  upgrade(call: Call): void {
    this.reset(call)
  }

  reset(call: Call): void {
    this.#book(call)
    this.#broken = true
    breakOff(this.#stream, constants.NGHTTP2_INTERNAL_ERROR)
  }

  /** Ends what takes too long. */
  sweep(now: number): void {
    const { limits, events } = this.#context
    if (this.#congestedSince > 0 && now - this.#congestedSince > limits.writeStallMs)
      return breakOff(this.#stream, constants.NGHTTP2_CANCEL)
    if (now <= this.#deadline || this.call.over) return
    const enough = this.#isConversation
      ? now - this.#activeAt <= limits.tunnelIdleMs
      : this.#bodyBytes >= (limits.minBodyRate * limits.bodyMs) / 1000
    if (enough) return this.#startWindow()
    this.pauseBody()
    events.bodyFailed(this.call, slowBody)
  }

  /** A request that goes on while it is answered, as gRPC's do: who is silent may be waiting for the other's word. */
  get #isConversation(): boolean {
    const { status, head, route } = this.call
    return status > 0 || (head.body === CHUNKED && route?.settings.protocol === 'h2c')
  }

  get #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed
  }

  #listen(call: Call): void {
    this.#listening = true
    if (call.head.expectsContinue) this.inform(call, 100, '')
    this.#stream
      .on(
        'data',
        this.#guard((bytes: Buffer) => this.#onData(call, bytes)),
      )
      .on(
        'end',
        this.#guard(() => this.#onEnd(call)),
      )
  }

  #onData(call: Call, bytes: Buffer): void {
    if (call.over) return
    call.bytesIn += this.#context.tally.countIn(bytes.length)
    this.#bodyBytes += bytes.length
    this.#activeAt = this.#context.clock.now
    const { events } = this.#context
    events.body(call, bytes, 0, bytes.length)
    if (this.#handing && !events.bodyPause(call)) this.pauseBody()
  }

  /** Also told of a stream that was reset: half a body must never be taken for a whole one. */
  #onEnd(call: Call): void {
    if (call.over || this.#stream.aborted) return
    call.received = this.#whole = true
    this.#handing = false
    this.#deadline = Infinity
    this.#context.events.bodyEnd(call, this.#requestTrailers)
  }

  #onDrain(): void {
    if (this.#answered) return
    this.#congestedSince = 0
    if (!this.call.over) this.#context.events.drained(this.call)
  }

  #onGone(): void {
    const { call } = this
    if (call.over || this.#broken) return
    call.bytesOut = Math.max(call.bookedOut, call.bytesOut - this.#stream.writableLength)
    this.#book(call)
    this.#context.events.left(call)
  }

  #onClose(): void {
    const inVain = !this.#answered && !this.#broken
    this.#onGone()
    this.#context.onClosed(this, inVain)
  }

  #book(call: Call): void {
    call.bytesIn += this.#context.tally.restIn()
    call.bytesOut += this.#context.tally.restOut()
  }

  #sendTrailers(): void {
    if (!this.#isGone) this.#try(this.call, () => this.#stream.sendTrailers(trailersFrom(this.#trailers)))
  }

  /** Node throws at fields that it does not like; one answer must not end the router with all the others. */
  #try(call: Call, act: () => void): void {
    try {
      act()
    } catch (error) {
      call.cause = error
      call.code = 'router-error'
      breakOff(this.#stream, constants.NGHTTP2_INTERNAL_ERROR)
    }
  }

  #uncork(): void {
    if (this.#corked) this.#stream.uncork()
    this.#corked = false
  }

  #startWindow(): void {
    this.#bodyBytes = 0
    this.#deadline = this.#context.clock.now + this.#context.limits.bodyMs
  }
}

const slowBody = { status: 408, why: 'The body of the request did not arrive in time.' }
