import assert from 'node:assert/strict'
import {
  requestCases,
  responseCases,
  type Forwarded,
  type RequestCase,
  type ResponseCase,
} from '#test/fixtures/http-cases.ts'
import { RequestReader, ResponseReader, type Whole } from '#test/helpers/wire-reader.ts'
import { judgeHead } from '../../../router/gate.ts'
import { MAX_INFORMATIONAL } from '../../../router/limits.ts'
import { eachField } from '../../../router/wire/fields.ts'
import { emptyRequestHead, scanRequestHead, type RequestHead } from '../../../router/wire/request-head.ts'

describe('the bytes of a client', () => {
  for (const example of requestCases)
    it(`${example.id}: ${example.title} – ${outcomeOf(example)}, however they are cut`, function () {
      this.timeout(60_000)
      for (const pieces of cuts(example.bytes)) checkRequests(example, pieces)
    })

  it('are read the same by the gate as by the fast lane, where that one knows them', () => {
    let known = 0
    for (const { bytes } of requestCases) {
      const fast = emptyRequestHead()
      const end = scanRequestHead(Buffer.from(bytes, 'latin1'), 0, bytes.length, fast)
      if (end <= 0) continue
      const judged = emptyRequestHead()
      assert.equal(judgeHead(Buffer.from(bytes, 'latin1'), 0, bytes.length, judged), end)
      assert.deepEqual(judged, fast)
      known += 1
    }
    assert.ok(known > 50, `${known} were known`)
  })
})

describe('the bytes of an app', () => {
  for (const example of responseCases)
    it(`${example.id}: ${example.title} – ${answerOf(example)}, however they are cut`, function () {
      this.timeout(60_000)
      for (const pieces of cuts(example.bytes)) checkResponse(example, pieces)
    })
})

/** In two pieces at every place, byte by byte, and whole; long ones in fewer places, since each looks at all of it. */
function* cuts(bytes: string): Generator<Buffer[]> {
  const all = Buffer.from(bytes, 'latin1')
  yield [all]
  const step = Math.max(1, Math.floor(all.length / 400))
  for (let at = 1; at < all.length; at += all.length - at < 40 ? 1 : step) yield [all.subarray(0, at), all.subarray(at)]
  if (all.length < 3000) yield Array.from(all, (byte) => Buffer.from([byte]))
}

function outcomeOf({ forwarded, then }: RequestCase): string {
  const served = forwarded.length === 0 ? 'nothing reaches the app' : `${forwarded.length} served`
  return then === 'open' ? served : `${served}, then ${typeof then === 'number' ? `a ${then}` : then}`
}

function checkRequests({ forwarded, then }: RequestCase, pieces: Buffer[]): void {
  const reader = new RequestReader()
  for (const piece of pieces) reader.push(piece)
  const cut = `cut after ${pieces[0]?.length}`
  assert.equal(reader.isWaiting ? 'waiting' : reader.state, then, cut)
  assert.equal(reader.requests.length, forwarded.length, cut)
  forwarded.forEach((expected, i) => checkRequest(reader.requests[i] as Whole<RequestHead>, expected))
}

function checkRequest({ head, body, trailers }: Whole<RequestHead>, expected: Forwarded): void {
  assert.equal(head.method, expected.method)
  assert.equal(head.target, expected.target)
  assert.equal(head.host, expected.host ?? 'app.test')
  assert.equal(head.upgrade === 'websocket' ? 'websocket' : undefined, expected.upgrade)
  assert.equal(head.expectsContinue, expected.continues ?? false)
  assert.equal(body, expected.body ?? '')
  checkFields(head.fields, expected.fields)
  checkFields(trailers, expected.trailers)
}

function checkFields(lines: string, expected: Readonly<Record<string, string | null>> = {}): void {
  const fields: [name: string, value: string][] = []
  eachField(lines, (name, value) => fields.push([name, value]))
  assert.equal(fields.map(([name, value]) => `${name}: ${value}\r\n`).join(''), lines)
  for (const [name, value] of Object.entries(expected))
    if (value === null) assert.ok(!fields.some(([other]) => other.toLowerCase() === name.toLowerCase()), name)
    else
      assert.ok(
        fields.some(([other, its]) => other === name && its === value),
        `${name}: ${value}`,
      )
}

function answerOf({ required }: ResponseCase): string {
  return typeof required === 'string' ? required : `passed on, and the app's connection is ${required.app}`
}

function checkResponse({ method, upgrade, ends, required }: ResponseCase, pieces: Buffer[]): void {
  const reader = new ResponseReader(method === 'HEAD')
  for (const piece of pieces) reader.push(piece)
  const cut = `cut after ${pieces[0]?.length}`
  const { head } = reader
  if (required === 'bad-response') {
    const isRefused = reader.state === 502 || reader.informational > MAX_INFORMATIONAL
    const isNoUpgrade = head?.status === 101 && (upgrade === undefined || head.upgrade !== upgrade)
    return assert.ok(isRefused || isNoUpgrade || (ends && head === null), cut)
  }
  assert.ok(head, cut)
  if (required === 'cut' || required === 'waiting')
    return assert.ok(!reader.isDone && (reader.state === 'broken' || ends || required === 'waiting'), cut)

  assert.equal(head.status, required.passed.status)
  assert.equal(reader.body, required.passed.body ?? '', cut)
  assert.ok(reader.isDone || ends, cut)
  assert.equal(head.persistent && reader.surplus === 0 && !ends ? 'kept' : 'closed', required.app, cut)
  checkFields(head.fields, required.passed.fields)
}
