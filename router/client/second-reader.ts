/**
 * Node's own strict parser as the second reader of what is legal but outside the fast lane's grammar. It is fed exactly one
 * message, as our framing delimits it, and has to find the same message in it: where two readers disagree, an attacker has room.
 * It decides nothing else; the facts of the request are the gate's.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Duplex } from 'node:stream'
import { MAX_HEAD_BYTES } from '../limits.ts'
import type { RequestHead } from '../wire/request-head.ts'

export type Verdicts = {
  /** The head was read, and says the same. */
  onHead(): void
  /** The message is over, just here. */
  onEnd(): void
  onDisagreement(): void
}

/** One per connection that needs it: who sends one such request sends more, and to begin anew costs more than to read one. */
export class SecondReader {
  #feed: Feed | null = null

  /** Whether it is within a message. */
  get isReading(): boolean {
    return this.#feed?.isReading ?? false
  }

  /** Begins a message; the one before it is over. */
  begin(head: RequestHead, verdicts: Verdicts): void {
    if (this.#feed === null || this.#feed.destroyed) {
      this.#feed = new Feed()
      server.emit('connection', this.#feed)
    }
    this.#feed.begin(head, verdicts)
  }

  /** @param bytes may be used again by the caller */
  feed(bytes: Buffer): void {
    if (this.#feed?.isReading) this.#feed.push(Buffer.from(bytes))
  }

  close(): void {
    this.#feed?.close()
    this.#feed = null
  }
}

/** What Node takes for the connection. Its answers go nowhere. */
class Feed extends Duplex {
  #head: RequestHead | null = null
  #verdicts: Verdicts | null = null

  constructor() {
    super({ read() {}, write: (_chunk, _encoding, done) => done() })
    this.on('error', () => {})
  }

  get isReading(): boolean {
    return this.#verdicts !== null && !this.destroyed
  }

  begin(head: RequestHead, verdicts: Verdicts): void {
    this.#head = head
    this.#verdicts = verdicts
  }

  onRequest(request: IncomingMessage, response: ServerResponse): void {
    // A second message within what is one to us.
    if (this.#head === null || !describesTheSame(request, this.#head)) return this.disagree()
    this.#head = null
    // Later, because the parser is still at it, and must not be fed the body from within.
    process.nextTick(() => this.#verdicts?.onHead())
    request.on('error', () => {})
    request.on('end', () => this.#onEnd(response))
    request.resume()
  }

  disagree(): void {
    const verdicts = this.#verdicts
    this.close()
    verdicts?.onDisagreement()
  }

  close(): void {
    this.#head = this.#verdicts = null
    this.destroy()
  }

  /** Answered, so that the parser takes what comes next for a message of its own. */
  #onEnd(response: ServerResponse): void {
    const verdicts = this.#verdicts
    this.#verdicts = null
    response.end()
    verdicts?.onEnd()
  }
}

const describesTheSame = (request: IncomingMessage, head: RequestHead): boolean =>
  request.method === head.method &&
  request.url === head.target &&
  request.httpVersion === head.version &&
  request.headers.host === head.host &&
  head.body >= 0 === (request.headers['content-length'] !== undefined) &&
  (head.body < 0 || Number(request.headers['content-length']) === head.body)

/** It never listens: connections are handed to it. */
const server = createServer({
  insecureHTTPParser: false,
  requireHostHeader: false,
  maxHeaderSize: MAX_HEAD_BYTES + 1024,
  keepAliveTimeout: 0,
  headersTimeout: 0,
  requestTimeout: 0,
  shouldUpgradeCallback: () => false,
})
server.maxHeadersCount = 0
const take = (request: IncomingMessage, response: ServerResponse) =>
  (request.socket as unknown as Feed).onRequest(request, response)
for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, take)
for (const event of ['clientError', 'connect'])
  server.on(event, (_: unknown, socket: Duplex) => (socket as Feed).disagree())
