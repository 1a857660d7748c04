/** One attempt over HTTP/2: a stream of a session, as the story sees the app. */
import { guarded } from '../guarded.ts'
import { constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { breakOff } from '../break-off.ts'
import type { AppSide, Call, Failure } from '../call.ts'
import { CHUNKED } from '../wire/framing.ts'
import { pairsFrom, responseHeadFrom, responseTrailers, trailersFrom } from '../wire/http2-fields.ts'
import type { H2cContext, H2cSession } from './h2c.ts'
import { toldOf } from './request-text.ts'

export class H2cStream implements AppSide {
  session: H2cSession | null = null
  readonly #context: H2cContext
  #call: Call | null
  /** Set when it was sent. */
  #http: ClientHttp2Stream | null = null
  /** Of the body, came before it was sent: from a client that had begun with an attempt before. */
  readonly #early: Buffer[] = []
  #earlyEnd: string | null = null
  #trailers = ''
  #responseTrailers = ''
  #responded = false
  #requestDone = false
  /** The app's END_STREAM came. */
  #ended = false
  #corked = false
  #paused = false
  #deadline = Infinity
  #congestedSince = 0
  #cause: unknown = null

  constructor(call: Call, context: H2cContext) {
    this.#call = call
    this.#context = context
  }

  /** The session is there. */
  send(session: ClientHttp2Session): void {
    const call = this.#call
    if (call === null) return
    const { events } = this.#context
    this.#requestDone = call.received
    const http = this.#request(session, call)
    if (http === null) return
    this.#http = http
    this.#listen(http, call)
    if (call.received) this.#awaitResponse()
    events.sent(call)
    for (const piece of this.#early.splice(0)) this.write(piece, 0, piece.length)
    if (this.#earlyEnd !== null) this.endBody(this.#earlyEnd)
    this.flush()
  }

  write(bytes: Buffer, from: number, to: number): void {
    const piece = Buffer.from(bytes.subarray(from, to))
    if (this.#http === null) return void this.#early.push(piece)
    if (this.#isGone) return
    if (!this.#corked) this.#http.cork()
    this.#corked = true
    this.#http.write(piece)
  }

  flush(): boolean {
    if (this.#corked) this.#http?.uncork()
    this.#corked = false
    if (this.#http?.writableNeedDrain && this.#congestedSince === 0) this.#congestedSince = this.#context.clock.now
    return this.#congestedSince === 0 && this.#early.length === 0
  }

  endBody(trailers: string): void {
    if (this.#requestDone) return
    if (this.#http === null) return void (this.#earlyEnd = trailers)
    this.#trailers = trailers
    this.#requestDone = true
    this.flush()
    if (!this.#isGone) this.#http.end()
    if (this.#responded) this.#expectMore()
    else this.#awaitResponse()
  }

  pause(): void {
    this.#paused = true
    this.#deadline = Infinity
    this.#http?.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#expectMore()
    this.#http?.resume()
  }

  abort(): void {
    this.#leave()
    if (this.#http) breakOff(this.#http, constants.NGHTTP2_CANCEL)
  }

  /** Gives up what takes too long. */
  sweep(now: number): void {
    const firstByteMs = this.#call?.route?.settings.firstByteMs ?? Infinity
    const stalled = this.#congestedSince > 0 && now - this.#congestedSince > firstByteMs
    if (now <= this.#deadline && !stalled) return
    const { session } = this
    this.#fail('timeout', constants.NGHTTP2_CANCEL)
    session?.retire()
  }

  /** The stream is closed, or its session is before it was sent. @param code why, of RFC 9113 §7 */
  onGone(code: number): void {
    const cause = (this.#cause ?? this.session?.cause) as { code?: string } | null
    // Our own side of the protocol could not make sense of the app's.
    const senseless = cause?.code === 'ERR_HTTP2_ERROR' || code === constants.NGHTTP2_PROTOCOL_ERROR
    this.#fail(this.#http === null ? 'connect-failed' : senseless ? 'bad-response' : 'app-closed', code)
  }

  /** Node throws where a session that was there a moment ago takes no more. */
  #request(session: ClientHttp2Session, call: Call): ClientHttp2Stream | null {
    try {
      return session.request(requestPairs(call, this.#context.clock.wall(call.began)), {
        endStream: call.received,
        waitForTrailers: !call.received && call.head.body === CHUNKED,
      })
    } catch (error) {
      this.#cause = error
      this.session?.retire()
      this.#fail('connect-failed', constants.NGHTTP2_INTERNAL_ERROR)
      return null
    }
  }

  #listen(http: ClientHttp2Stream, call: Call): void {
    // Node ends a stream that was reset without an error as one that ended, and half an answer must not be taken for a whole one.
    const push = http.push.bind(http)
    http.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null && !http.closed) this.#ended = true
      return push(chunk, encoding)
    }
    http
      .on(
        'headers',
        this.#guard((_, __, pairs: string[] = []) => this.#onInformational(call, pairs)),
      )
      .on(
        'response',
        this.#guard((_, flags, pairs: string[] = []) => this.#onResponse(call, pairs, flags)),
      )
      .on('trailers', (_, __, pairs: string[] = []) => (this.#responseTrailers = responseTrailers(pairs)))
      .on('wantTrailers', () => this.#isGone || http.sendTrailers(trailersFrom(this.#trailers)))
      .on(
        'drain',
        this.#guard(() => this.#onDrain()),
      )
      .on('error', (error) => (this.#cause = error))
      .on(
        'close',
        this.#guard(() => this.onGone(http.rstCode ?? 0)),
      )
  }

  #guard<Told extends unknown[]>(listener: (...told: Told) => void): (...told: Told) => void {
    return guarded(listener, (error) => {
      this.#context.onMistake(error)
      this.#http?.destroy()
    })
  }

  #onInformational(call: Call, pairs: readonly string[]): void {
    if (this.#call !== call) return
    const head = responseHeadFrom(pairs, false, false)
    if (head === null || head.status >= 200 || !this.#context.events.informed(call, head)) this.#refuse('informational')
  }

  #onResponse(call: Call, pairs: readonly string[], flags: number): void {
    if (this.#call !== call) return
    const ended = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    const head = responseHeadFrom(pairs, ended, call.head.method === 'HEAD')
    if (head === null || head.status < 200) return this.#refuse('head')
    this.#responded = true
    this.#expectMore()
    if (!this.#context.events.responded(call, head)) return this.#refuse('status')
    this.#http
      ?.on(
        'data',
        this.#guard((bytes: Buffer) => this.#onData(call, bytes)),
      )
      .on(
        'end',
        this.#guard(() => this.#onEnd(call)),
      )
  }

  #onData(call: Call, bytes: Buffer): void {
    if (this.#call !== call) return
    const { events } = this.#context
    this.#expectMore()
    events.data(call, bytes, 0, bytes.length)
    if (this.#call === call) events.dataPause(call)
  }

  #onEnd(call: Call): void {
    if (this.#call !== call || !this.#ended) return
    this.#leave()
    // Nobody takes the rest of a request that was answered without it.
    if (!this.#requestDone && this.#http) breakOff(this.#http, constants.NGHTTP2_CANCEL)
    this.#context.events.ended(call, this.#responseTrailers)
  }

  #onDrain(): void {
    this.#congestedSince = 0
    if (this.#call) this.#context.events.appDrained(this.#call)
  }

  #refuse(what: string): void {
    this.#cause = new Error(what)
    this.#fail('bad-response', constants.NGHTTP2_PROTOCOL_ERROR)
  }

  #fail(code: Failure['code'], reason: number): void {
    const call = this.#call
    if (call === null) return
    const { session } = this
    const sent = this.#http !== null
    const refused = sent && !this.#responded && (session?.refused(this.#http?.id ?? 0, reason) ?? false)
    const stale = sent && !this.#responded && session !== null && session.served > 1 && session.isGone
    const cause = this.#cause ?? session?.cause ?? new Error(`stream closed with code ${reason}`)
    this.#leave()
    if (this.#http && !this.#isGone) breakOff(this.#http, reason)
    this.#context.events.failed(call, { code: sent ? code : 'connect-failed', sent, stale, refused, cause })
  }

  #leave(): void {
    this.#call = null
    this.#deadline = Infinity
    this.session?.release(this)
  }

  get #isGone(): boolean {
    return this.#http === null || this.#http.destroyed || this.#http.closed
  }

  #awaitResponse(): void {
    this.#deadline = this.#context.clock.now + (this.#call?.route?.settings.firstByteMs ?? Infinity)
  }

  /** While the request goes on, the app may be waiting for more of it: silence is judged on the client's side. */
  #expectMore(): void {
    const idleMs = this.#requestDone && !this.#paused ? (this.#call?.route?.settings.idleMs ?? Infinity) : Infinity
    this.#deadline = this.#context.clock.now + idleMs
  }
}

/** The request as the app gets it: always made from what was parsed (P4). */
function requestPairs(call: Call, wall: number): string[] {
  const { method, target, host, fields, body } = call.head
  return [
    ...[':method', method],
    // The connection's own: some servers refuse what claims to have come encrypted.
    ...[':scheme', 'http', ':authority', host, ':path', target],
    ...pairsFrom(fields),
    ...(body >= 0 ? ['content-length', String(body)] : []),
    // gRPC servers insist on it; a client that takes none gets none (A18).
    ...['te', 'trailers'],
    ...pairsFrom(toldOf(call, wall)),
  ]
}
