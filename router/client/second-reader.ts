/**
 * Node's own strict parser as the second reader of what is legal but outside the fast lane's grammar. It is fed exactly one
 * message, as our framing delimits it, and has to find the same message in it: where two readers disagree, an attacker has room.
 * It decides nothing else; the facts of the request are the gate's.
 */
import { createServer, type IncomingMessage } from 'node:http'
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

export class SecondReader {
  readonly #feed: Feed

  constructor(head: RequestHead, verdicts: Verdicts) {
    this.#feed = new Feed(head, verdicts)
    server.emit('connection', this.#feed)
  }

  /** @param bytes may be used again by the caller */
  feed(bytes: Buffer): void {
    if (!this.#feed.destroyed) this.#feed.push(Buffer.from(bytes))
  }

  close(): void {
    this.#feed.close()
  }
}

/** What Node takes for the connection. Its answers go nowhere. */
class Feed extends Duplex {
  readonly #head: RequestHead
  #verdicts: Verdicts | null
  #seen = false

  constructor(head: RequestHead, verdicts: Verdicts) {
    super({ read() {}, write: (_chunk, _encoding, done) => done() })
    this.#head = head
    this.#verdicts = verdicts
    this.on('error', () => {})
  }

  onRequest(request: IncomingMessage): void {
    if (this.#seen || !describesTheSame(request, this.#head)) return this.disagree()
    this.#seen = true
    // Later, because the parser is still at it, and must not be fed the body from within.
    process.nextTick(() => this.#verdicts?.onHead())
    request.on('error', () => {})
    request.on('end', () => this.#verdicts?.onEnd())
    request.resume()
  }

  disagree(): void {
    const verdicts = this.#verdicts
    this.close()
    verdicts?.onDisagreement()
  }

  close(): void {
    this.#verdicts = null
    this.destroy()
  }
}

const describesTheSame = (request: IncomingMessage, head: RequestHead): boolean =>
  request.method === head.method &&
  request.url === head.target &&
  request.httpVersion === (head.old ? '1.0' : '1.1') &&
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
const take = (request: IncomingMessage) => (request.socket as unknown as Feed).onRequest(request)
for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, take)
for (const event of ['clientError', 'connect'])
  server.on(event, (_: unknown, socket: Duplex) => (socket as Feed).disagree())
