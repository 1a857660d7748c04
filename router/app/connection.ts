/** One HTTP/1.1 connection to an instance: one request at a time, its response read by the strict grammar. */
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { BodyReader } from '../body-reader.ts'
import type { AppEvents, AppSide, Call, Failure } from '../call.ts'
import type { Clock } from '../clock.ts'
import { MAX_HEAD_BYTES, type Limits } from '../limits.ts'
import { readBuffer, WRITE_AHEAD_BYTES } from '../buffers.ts'
import { Outlet } from '../outlet.ts'
import { chunkHead, lastChunk } from '../wire/chunked.ts'
import { CHUNKED, UNTIL_CLOSE } from '../wire/framing.ts'
import { INCOMPLETE } from '../wire/request-head.ts'
import { emptyResponseHead, MALFORMED, scanResponseHead } from '../wire/response-head.ts'
import type { Pool } from './pool.ts'
import { requestText } from './request-text.ts'

export type AppContext = {
  events: AppEvents
  clock: Clock
  limits: Limits
  live: Set<AppConnection>
  onMistake: (error: unknown) => void
}

const CONNECTING = 0
const IDLE = 1
const HEAD = 2
const BODY = 3
const CLOSED = 4

/** One for all: a head is read and handed on before anything else is. */
const head = emptyResponseHead()

export class AppConnection implements AppSide {
  /** ms of the router's clock. */
  idleSince = 0
  #state = CONNECTING
  #call: Call | null = null
  readonly #pool: Pool
  readonly #context: AppContext
  readonly #socket: Socket
  readonly #outlet: Outlet
  /** The beginning of a head that is not whole. */
  #kept: Buffer | null = null
  readonly #body = new BodyReader()
  #served = 0
  /** The app said something since the request was sent. */
  #responded = false
  /** The head of its final response was passed on. */
  #passed = false
  #requestDone = false
  #persistent = false
  /** Its body ends with the connection. */
  #untilClose = false
  #tunnel = false
  /** When to give up, ms of the router's clock. */
  #deadline = Infinity
  #paused = false
  #cause: unknown = null

  /** Dials. The call is sent when someone answers. */
  constructor(pool: Pool, call: Call, context: AppContext) {
    this.#pool = pool
    this.#call = call
    this.#context = context
    this.#deadline = context.clock.now + context.limits.connectMs
    const { host, port } = pool.endpoint
    // Node's types leave out that every option of a stream is one of a socket.
    const options: NetConnectOpts & { writableHighWaterMark: number } = {
      host,
      port,
      noDelay: true,
      allowHalfOpen: true,
      writableHighWaterMark: WRITE_AHEAD_BYTES,
      onread: { buffer: readBuffer, callback: (bytes) => this.#onRead(bytes) },
    }
    this.#socket = connect(options)
    this.#outlet = new Outlet(this.#socket, context.clock)
    this.#socket
      .on('connect', () => this.#onConnect())
      .on('end', () => this.#onEnd())
      .on('error', (error) => (this.#cause = error))
      .on('close', () => this.#onGone())
      .on('drain', () => this.#onDrain())
    context.live.add(this)
  }

  /** Sends a call on a connection that is idle. */
  send(call: Call): void {
    const { clock, events } = this.#context
    this.#call = call
    this.#state = HEAD
    this.#served += 1
    this.#responded = this.#passed = this.#requestDone = this.#persistent = false
    // Before the request is out, what can be too slow is the client, or the app at taking it in.
    this.#deadline = Infinity
    this.#outlet.say(requestText(call, clock.wall(call.began)))
    events.sent(call)
    // A body's first piece, which is nearly always there by now, goes out with the head: one system call, not two.
    if (call.received) this.flush()
  }

  write(bytes: Buffer, from: number, to: number): void {
    const chunked = !this.#tunnel && this.#call?.head.body === CHUNKED
    if (chunked) this.#outlet.say(chunkHead(to - from))
    this.#outlet.pass(bytes, from, to)
    if (chunked) this.#outlet.say('\r\n')
  }

  flush(): boolean {
    return this.#outlet.flush()
  }

  endBody(_trailers: string): void {
    if (this.#tunnel) return void this.#socket.end()
    this.#requestDone = true
    // An HTTP/1.1 app gets no trailers: it could take them for fields that were checked (RFC 9110 §6.5.1).
    if (this.#call?.head.body === CHUNKED) this.#outlet.say(lastChunk())
    const { clock } = this.#context
    // Also of an app that spoke already, but has not answered: an informational response, or the beginning of a head.
    if (this.#state === HEAD) this.#deadline = clock.now + this.#firstByteMs()
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#deadline = Infinity
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#expectMore()
    this.#socket.resume()
  }

  abort(): void {
    this.#call = null
    this.close()
  }

  close(): void {
    this.#state = CLOSED
    this.#context.live.delete(this)
    this.#socket.destroy()
  }

  /** Gives up what takes too long. */
  sweep(now: number): void {
    const { congestedSince } = this.#outlet
    const stalled = congestedSince > 0 && now - congestedSince > this.#firstByteMs()
    if (now <= this.#deadline && !stalled) return
    this.#fail('timeout', this.#state === CONNECTING ? 'connect' : 'no answer')
  }

  #firstByteMs = (): number => this.#call?.route?.settings.firstByteMs ?? Infinity

  #expectMore(): void {
    // A tunnel's silence is judged on the client's side, which carries both directions.
    this.#deadline = this.#tunnel
      ? Infinity
      : this.#context.clock.now + (this.#call?.route?.settings.idleMs ?? Infinity)
  }

  #onConnect(): void {
    const call = this.#call
    if (call) this.send(call)
    else this.close()
  }

  /** @returns false to have no more read */
  #onRead(bytes: number): boolean {
    try {
      return this.#onBytes(readBuffer, bytes)
    } catch (error) {
      // Ours, not the app's: it costs this connection, and never the process.
      this.#context.onMistake(error)
      this.#fail('bad-response', 'the router failed')
      return false
    }
  }

  #onBytes(bytes: Buffer, to: number): boolean {
    if (this.#state <= IDLE) {
      // Nobody asked: whatever it is, it must not become the answer to the next request (A03).
      this.#pool.forget(this)
      this.close()
      return false
    }
    if (this.#kept) {
      bytes = Buffer.concat([this.#kept, bytes.subarray(0, to)])
      to = bytes.length
      this.#kept = null
    }
    const call = this.#call
    this.#responded = true
    this.#consume(bytes, 0, to)
    if (call === null || call.over || this.#call !== call) return true
    if (this.#passed) this.#expectMore()
    this.#context.events.dataPause(call)
    return true
  }

  #consume(bytes: Buffer, from: number, to: number): void {
    while (this.#state === HEAD && from < to) {
      const end = this.#readHead(bytes, from, to)
      if (end < 0) return
      from = end
    }
    while (this.#state === BODY && from < to) {
      const next = this.#body.read(bytes, from, to)
      if (next === MALFORMED) return void this.#refuse('chunks')
      const { dataFrom, dataTo, done } = this.#body
      if (dataTo > dataFrom) this.#context.events.data(this.#call as Call, bytes, dataFrom, dataTo)
      if (done) return this.#finish(next === to)
      from = next
    }
  }

  /** @returns where the body begins, or -1 when there is nothing more to read now */
  #readHead(bytes: Buffer, from: number, to: number): number {
    const call = this.#call as Call
    const end = scanResponseHead(bytes, from, to, call.head.method === 'HEAD', head)
    if (end === INCOMPLETE) {
      if (to - from > MAX_HEAD_BYTES) this.#fail('bad-response', 'head')
      else this.#kept = Buffer.from(bytes.subarray(from, to))
      return -1
    }
    if (end === MALFORMED) return this.#refuse('head')
    const { events } = this.#context
    if (head.status === 101) return events.switched(call, head) ? this.#beginTunnel(end) : this.#refuse('101')
    if (head.status < 200) return events.informed(call, head) ? end : this.#refuse('informational')
    this.#persistent = head.persistent
    const framing = head.body
    this.#passed = true
    if (!events.responded(call, head)) return this.#refuse('status')
    this.#body.begin(framing)
    this.#state = BODY
    this.#untilClose = framing === UNTIL_CLOSE
    if (!this.#body.done) return end
    this.#finish(end === to)
    return -1
  }

  #beginTunnel(end: number): number {
    this.#tunnel = this.#passed = this.#untilClose = true
    this.#body.begin(UNTIL_CLOSE)
    this.#state = BODY
    this.#deadline = Infinity
    return end
  }

  /** The response is whole. @param clean nothing followed it */
  #finish(clean: boolean): void {
    const call = this.#call as Call
    const { events, clock } = this.#context
    this.#call = null
    this.#deadline = Infinity
    this.#state = IDLE
    // First the connection goes back, then the client is told: its next request may take it.
    if (clean && this.#persistent && this.#requestDone) this.#pool.keep(this, clock.now)
    else this.close()
    events.ended(call, this.#body.trailers)
  }

  #refuse(what: string): -1 {
    this.#fail('bad-response', what)
    return -1
  }

  #fail(code: Failure['code'], why: string): void {
    const call = this.#call
    const sent = this.#state !== CONNECTING
    const stale = this.#served > 1 && !this.#responded
    this.#call = null
    this.close()
    if (call)
      this.#context.events.failed(call, {
        code: sent ? code : 'connect-failed',
        sent,
        stale,
        cause: this.#cause ?? new Error(why),
      })
  }

  #onEnd(): void {
    if (this.#state === CLOSED) return
    if (this.#state === BODY && this.#untilClose) return this.#finish(false)
    this.#onGone()
  }

  #onGone(): void {
    if (this.#state === CLOSED) return
    if (this.#state === IDLE) this.#pool.forget(this)
    this.#fail('app-closed', 'the app closed the connection')
  }

  #onDrain(): void {
    this.#outlet.drained()
    if (this.#call) this.#context.events.appDrained(this.#call)
  }
}
