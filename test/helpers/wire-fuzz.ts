/** What must hold of the router's grammars whatever comes, checked with messages that are made up. */
import assert from 'node:assert/strict'
import { judgeHead } from '../../router/gate.ts'
import { MAX_HEAD_BYTES } from '../../router/limits.ts'
import { ChunkedReader } from '../../router/wire/chunked.ts'
import { pairsOf } from '../../router/wire/fields.ts'
import { CHUNKED, NO_BODY } from '../../router/wire/framing.ts'
import {
  emptyRequestHead,
  INCOMPLETE,
  OUTSIDE,
  scanRequestHead,
  type RequestHead,
} from '../../router/wire/request-head.ts'
import { emptyResponseHead, MALFORMED, scanResponseHead } from '../../router/wire/response-head.ts'
import { aRequest, aResponse, mutated, type Chance } from './http-fuzz.ts'
import { readByNode, type Seen } from './node-parser.ts'
import { readFast, RequestReader, type Whole } from './wire-reader.ts'

export type Compared = { made: number; accepted: number }

type Message = Whole<RequestHead> & { bytes: Buffer }

/** On one connection, so that where a message ends is compared as well. */
const PER_CONNECTION = 64

/** P1: whatever the fast lane accepts, Node's parser reads the same. @param count how many requests to make up */
export async function compareWithNode(chance: Chance, count: number): Promise<Compared> {
  const compared: Compared = { made: count, accepted: 0 }
  let batch: Message[] = []
  for (let n = 0; n < count; n += 1) {
    const text = chance() < 0.5 ? mutated(chance, aRequest(chance)) : aRequest(chance)
    const bytes = withWholeBody(Buffer.from(text, 'latin1'))
    const message = readFast(bytes)
    if (message) batch.push({ ...message, bytes: bytes.subarray(0, message.end) })
    if (batch.length === PER_CONNECTION || (message && !message.head.persistent) || n === count - 1) {
      compared.accepted += batch.length
      await checkAgainstNode(batch)
      batch = []
    }
  }
  return compared
}

/** A length that says more than was made up is given its bytes, so that it is compared as well. */
function withWholeBody(bytes: Buffer): Buffer {
  const head = emptyRequestHead()
  const end = scanRequestHead(bytes, 0, bytes.length, head)
  const missing = end > 0 ? end + head.body - bytes.length : 0
  return missing > 0 && missing < 10_000 ? Buffer.concat([bytes, Buffer.alloc(missing, 'x')]) : bytes
}

/** @param messages of one connection; only the last may end it */
export async function checkAgainstNode(messages: readonly Message[]): Promise<void> {
  const { requests, error } = await readByNode(Buffer.concat(messages.map(({ bytes }) => bytes)))
  messages.forEach((message, i) => {
    const seen = requests[i]
    const what = shown(message.bytes)
    assert.ok(seen, `Node did not see request ${i} (${error}): ${what}`)
    compare(message, seen, what)
  })
  assert.equal(requests.length, messages.length, `Node saw more: ${shown(Buffer.concat(messages.map((m) => m.bytes)))}`)
  assert.equal(error, null)
}

function compare({ head, body }: Message, seen: Seen, what: string): void {
  assert.equal(head.method, seen.method, what)
  assert.equal(head.target, seen.target, what)
  assert.equal('1.1', seen.version, what)
  assert.equal(body, seen.body, what)
  assert.deepEqual(
    pairsOf(head.fields),
    fieldsOf(seen, (name) => !isSaidByFraming(name) && !isRelayed(name)),
    what,
  )
  assert.deepEqual(pairsOf(head.relayed), fieldsOf(seen, isRelayed), what)
  assert.equal(head.via, valuesOf(seen, 'via').filter(Boolean).join(', '), what)
  assert.deepEqual([head.host], valuesOf(seen, 'host'), what)
  assert.deepEqual(head.body === CHUNKED ? ['chunked'] : [], valuesOf(seen, 'transfer-encoding'), what)
  assert.deepEqual(head.body >= 0 ? [String(head.body)] : [], valuesOf(seen, 'content-length'), what)
}

// Written down once more instead of taken from the router, which is under test.
const isSaidByFraming = (name: string): boolean =>
  ['host', 'content-length', 'transfer-encoding', 'connection', 'berth-error', 'via'].includes(name)
const isRelayed = (name: string): boolean =>
  name.startsWith('x-forwarded-') || ['forwarded', 'x-real-ip', 'x-request-id', 'x-request-start'].includes(name)

const fieldsOf = ({ headers }: Seen, isWanted: (name: string) => boolean): string[] =>
  headers.filter((_, i) => isWanted((headers[i - (i % 2)] as string).toLowerCase()))
const valuesOf = (seen: Seen, name: string): string[] =>
  fieldsOf(seen, (other) => other === name).filter((_, i) => i % 2 === 1)

const shown = (bytes: Buffer): string => JSON.stringify(bytes.toString('latin1'))

/** Checks, for one made-up input, everything that holds of the grammars whatever the bytes are. */
export function checkBytes(chance: Chance): void {
  const bytes = Buffer.from(somebytes(chance), 'latin1')
  checkRequestHead(bytes)
  checkResponseHead(bytes)
  checkChunks(bytes)
  checkCuts(bytes, chance)
}

function somebytes(chance: Chance): string {
  const roll = chance()
  if (roll < 0.1)
    return String.fromCharCode(...Array.from({ length: Math.floor(chance() * 200) }, () => Math.floor(chance() * 256)))
  const message = roll < 0.6 ? aRequest(chance) : aResponse(chance)
  const text = roll < 0.2 ? message : mutated(chance, message)
  if (roll < 0.25) return text.slice(text.indexOf('\r\n\r\n') + 4)
  return roll < 0.3 ? text.slice(0, Math.floor(chance() * text.length)) : text
}

/** Runs with the bytes amid others, to see that nothing around them is looked at. */
function amid<Result>(bytes: Buffer, run: (bytes: Buffer, from: number, to: number) => Result): Result {
  const results = [
    ['', ''],
    ['\r\n', '\r\nHost: a\r\n\r\n'],
    ['GET / HTTP/1.1\r\n', 'aaaaaaaaaaaaaaaaa'],
    ['a: ', '\0\0\0\0'],
  ].map(([before = '', after = '']) =>
    run(Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]), before.length, before.length + bytes.length),
  )
  for (const result of results) assert.deepEqual(result, results[0], shown(bytes))
  return results[0] as Result
}

function checkRequestHead(bytes: Buffer): void {
  const fast = amid(bytes, (all, from, to) => {
    const head = emptyRequestHead()
    const end = scanRequestHead(all, from, to, head)
    return end > 0 ? { end: end - from, head } : { end, head: null }
  })
  const judged = amid(bytes, (all, from, to) => {
    const head = emptyRequestHead()
    const end = judgeHead(all, from, to, head)
    return typeof end === 'number' && end > 0 ? { end: end - from, head } : { end, head: null }
  })
  checkEnd(fast.end, bytes, [INCOMPLETE, OUTSIDE])
  if (typeof judged.end === 'number') checkEnd(judged.end, bytes, [INCOMPLETE])
  // What the fast lane knows, or waits for, the gate does not see differently.
  if (fast.end !== OUTSIDE) assert.deepEqual(judged, fast, shown(bytes))
  if (judged.head) checkWrittenAgain(judged.head)
}

function checkEnd(end: number, bytes: Buffer, signs: number[]): void {
  if (signs.includes(end)) return
  assert.ok(end > 0 && end <= Math.min(bytes.length, MAX_HEAD_BYTES), `${end} of ${shown(bytes)}`)
  assert.equal(bytes.toString('latin1', end - 4, end), '\r\n\r\n')
}

/** P4: what is sent on is one message, and says the same. */
function checkWrittenAgain({ method, target, host, fields }: RequestHead): void {
  const text = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`
  const again = emptyRequestHead()
  assert.equal(judgeHead(Buffer.from(text, 'latin1'), 0, text.length, again), text.length, JSON.stringify(text))
  assert.deepEqual(again, { ...emptyRequestHead(), method, target, host, fields })
}

function checkResponseHead(bytes: Buffer): void {
  for (const toHead of [false, true]) {
    const { end, head } = amid(bytes, (all, from, to) => {
      const response = emptyResponseHead()
      const index = scanResponseHead(all, from, to, toHead, response)
      return index > 0 ? { end: index - from, head: response } : { end: index, head: null }
    })
    checkEnd(end, bytes, [INCOMPLETE, MALFORMED])
    if (!head) continue
    const text = `HTTP/1.1 ${head.status}\r\n${head.fields}\r\n`
    const again = emptyResponseHead()
    assert.equal(scanResponseHead(Buffer.from(text, 'latin1'), 0, text.length, toHead, again), text.length)
    assert.deepEqual([again.status, again.fields], [head.status, head.fields], JSON.stringify(text))
    if (toHead) assert.equal(head.body, NO_BODY)
  }
}

function checkChunks(bytes: Buffer): void {
  amid(bytes, (all, from, to) => {
    const reader = new ChunkedReader()
    let data = ''
    let at = from
    while (at < to && !reader.done) {
      const next = reader.read(all, at, to)
      if (next === MALFORMED) return { data, end: MALFORMED, trailers: '' }
      assert.ok(next > at && next <= to, `no progress at ${at}: ${shown(bytes)}`)
      assert.ok(reader.dataFrom >= at && reader.dataTo >= reader.dataFrom && reader.dataTo <= next, shown(bytes))
      data += all.toString('latin1', reader.dataFrom, reader.dataTo)
      at = next
    }
    return { data, end: at - from, trailers: reader.trailers }
  })
}

/** P2: the same outcome however a connection's bytes are cut. */
function checkCuts(bytes: Buffer, chance: Chance): void {
  const whole = new RequestReader()
  whole.push(bytes)
  const cut = new RequestReader()
  for (let at = 0; at < bytes.length;) {
    const to = Math.min(bytes.length, at + 1 + Math.floor(chance() ** 3 * bytes.length))
    cut.push(bytes.subarray(at, to))
    at = to
  }
  assert.deepEqual(
    [cut.state, cut.isWaiting, cut.requests],
    [whole.state, whole.isWaiting, whole.requests],
    shown(bytes),
  )
}
