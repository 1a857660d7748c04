/** Reads an HTTP/1 connection with the router's grammars alone, without sockets: what it would take for requests and responses. */
import { judgeHead } from '../../router/gate.ts'
import { ChunkedReader } from '../../router/wire/chunked.ts'
import { CHUNKED, UNTIL_CLOSE, type Framing } from '../../router/wire/framing.ts'
import {
  emptyRequestHead,
  INCOMPLETE,
  OUTSIDE,
  scanRequestHead,
  type RequestHead,
} from '../../router/wire/request-head.ts'
import { emptyResponseHead, MALFORMED, scanResponseHead, type ResponseHead } from '../../router/wire/response-head.ts'

export type Whole<Head> = { head: Head; body: string; trailers: string }

/** What became of the connection; a number is the status of a refusal. */
export type State = 'open' | 'closed' | 'broken' | number

/** A body as its pieces come. */
class BodyReader {
  text = ''
  trailers = ''
  done: boolean
  #left: number
  readonly #chunks: ChunkedReader | null

  constructor(body: Framing) {
    this.#chunks = body === CHUNKED ? new ChunkedReader() : null
    this.#left = body === UNTIL_CLOSE ? Infinity : Math.max(0, body)
    this.done = body !== CHUNKED && this.#left === 0
  }

  /** @returns the index of the first byte that is not the body's, or MALFORMED */
  read(bytes: Buffer, from: number): number {
    let at = from
    while (at < bytes.length && !this.done) {
      const next = this.#chunks ? this.#readChunks(this.#chunks, bytes, at) : this.#readLength(bytes, at)
      if (next === MALFORMED) return MALFORMED
      if (next === at) throw new Error('a body was read, and nothing of it taken')
      at = next
    }
    return at
  }

  #readChunks(chunks: ChunkedReader, bytes: Buffer, from: number): number {
    const next = chunks.read(bytes, from, bytes.length)
    if (next === MALFORMED) return MALFORMED
    if (chunks.dataFrom < from || chunks.dataTo < chunks.dataFrom || next < chunks.dataTo || next > bytes.length)
      throw new Error('chunk data lies outside of what was read')
    this.text += bytes.toString('latin1', chunks.dataFrom, chunks.dataTo)
    this.trailers = chunks.trailers
    this.done = chunks.done
    return next
  }

  #readLength(bytes: Buffer, from: number): number {
    const size = Math.min(this.#left, bytes.length - from)
    this.text += bytes.toString('latin1', from, from + size)
    this.#left -= size
    this.done = this.#left === 0
    return from + size
  }
}

/** The first message, if the fast lane knows its head and it is whole, and where it ends. */
export function readFast(bytes: Buffer): (Whole<RequestHead> & { end: number }) | null {
  const head = emptyRequestHead()
  const bodyFrom = scanRequestHead(bytes, 0, bytes.length, head)
  if (bodyFrom <= 0) return null
  const body = new BodyReader(head.body)
  const end = body.read(bytes, bodyFrom)
  return end === MALFORMED || !body.done ? null : { head, body: body.text, trailers: body.trailers, end }
}

/** One client connection. */
export class RequestReader {
  state: State = 'open'
  readonly requests: Whole<RequestHead>[] = []
  /** How many heads the fast lane knew. */
  fast = 0
  #unread = Buffer.alloc(0)
  #head: RequestHead | null = null
  #body = new BodyReader(0)

  push(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes])
    while (this.state === 'open' && this.#unread.length > 0 && this.#readOn());
  }

  /** A message began and is not complete. */
  get isWaiting(): boolean {
    return this.state === 'open' && (this.#unread.length > 0 || this.#head !== null)
  }

  /** @returns whether there is a reason to go on */
  #readOn(): boolean {
    if (this.#head === null && !this.#readHead()) return false
    const end = this.#body.read(this.#unread, 0)
    if (end === MALFORMED) return this.#end('broken')
    this.#unread = this.#unread.subarray(end)
    if (!this.#body.done) return false
    const head = this.#head as RequestHead
    this.requests.push({ head, body: this.#body.text, trailers: this.#body.trailers })
    this.#head = null
    return head.persistent || this.#end('closed')
  }

  #readHead(): boolean {
    const head = emptyRequestHead()
    let end = scanRequestHead(this.#unread, 0, this.#unread.length, head)
    if (end > 0) this.fast += 1
    if (end === OUTSIDE) {
      const judged = judgeHead(this.#unread, 0, this.#unread.length, head)
      if (typeof judged !== 'number') return this.#end(judged.status)
      end = judged
    }
    if (end === INCOMPLETE) return false
    this.#unread = this.#unread.subarray(end)
    this.#head = head
    this.#body = new BodyReader(head.body)
    return true
  }

  #end(state: State): false {
    this.state = state
    return false
  }
}

/** The answer to one request on one app connection. */
export class ResponseReader {
  state: State = 'open'
  /** 1xx that came before it. */
  informational = 0
  head: ResponseHead | null = null
  readonly #toHead: boolean
  #unread = Buffer.alloc(0)
  #body = new BodyReader(0)

  constructor(toHead: boolean) {
    this.#toHead = toHead
  }

  get body(): string {
    return this.#body.text
  }

  get isDone(): boolean {
    return this.head !== null && this.#body.done
  }

  /** What came after the answer. */
  get surplus(): number {
    return this.isDone ? this.#unread.length : 0
  }

  push(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes])
    while (this.state === 'open' && this.head === null && this.#unread.length > 0 && this.#readHead());
    if (this.head === null || this.state !== 'open' || this.#body.done) return
    const end = this.#body.read(this.#unread, 0)
    if (end === MALFORMED) this.state = 'broken'
    else this.#unread = this.#unread.subarray(end)
  }

  /** @returns whether to look for one more */
  #readHead(): boolean {
    const head = emptyResponseHead()
    const end = scanResponseHead(this.#unread, 0, this.#unread.length, this.#toHead, head)
    if (end === MALFORMED) this.state = 502
    if (end <= 0) return false
    this.#unread = this.#unread.subarray(end)
    if (head.status < 200 && head.status !== 101) return (this.informational += 1) > 0
    this.head = head
    this.#body = new BodyReader(head.body)
    return false
  }
}
