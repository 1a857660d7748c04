/** How answers are written to an HTTP/1 client. One per connection. */
import type { Call } from '../call.ts'
import type { Outlet } from '../outlet.ts'
import { chunkHead, lastChunk } from '../wire/chunked.ts'
import { CHUNKED, NO_BODY, UNTIL_CLOSE, type Framing } from '../wire/framing.ts'
import { answerText, statusLine } from './answer-text.ts'

export class AnswerWriter {
  /** The answer is the connection's last. */
  last = false
  readonly #outlet: Outlet
  #chunked = false
  /** The answer has a head only. */
  #bare = false

  constructor(outlet: Outlet) {
    this.#outlet = outlet
  }

  /** @param last because of what is known of the connection */
  begin(call: Call, status: number, fields: string, body: Framing, last: boolean): void {
    const { head } = call
    const endless = body === CHUNKED || body === UNTIL_CLOSE
    this.#bare = head.method === 'HEAD' || status === 204 || status === 304
    this.#chunked = endless && head.version !== '1.0' && !this.#bare
    // RFC 9112 §9.3: no persistent connection with an HTTP/1.0 client. After a refusal nobody knows where the next request
    // starts, and a client whose upgrade was declined may go on as if it had not been (H63).
    this.last = last || !head.persistent || head.version === '1.0' || head.upgrade !== null || call.refused !== null
    this.#say(call, answerText(status, fields, endless && !this.#chunked ? NO_BODY : body, this.last))
  }

  inform(call: Call, status: number, fields: string): void {
    // RFC 9110 §15.2: an HTTP/1.0 client knows of none.
    if (call.head.version !== '1.0') this.#say(call, `${statusLine(status)}${fields}\r\n`)
  }

  upgrade(call: Call, fields: string): void {
    this.last = true
    this.#bare = this.#chunked = false
    this.#say(call, `${statusLine(101)}Connection: Upgrade\r\nUpgrade: websocket\r\n${fields}\r\n`)
  }

  data(call: Call, bytes: Buffer, from: number, to: number): void {
    if (this.#bare) return
    const size = to - from
    if (this.#chunked) this.#say(call, chunkHead(size))
    call.bytesOut += size
    this.#outlet.pass(bytes, from, to)
    if (this.#chunked) this.#say(call, '\r\n')
  }

  /** Trailers are dropped: only a client that asked for them may get any (A18), and over HTTP/1 nobody is asked. */
  end(call: Call): void {
    if (this.#chunked) this.#say(call, lastChunk())
  }

  #say(call: Call, text: string): void {
    call.bytesOut += text.length
    this.#outlet.say(text)
  }
}
