import assert from 'node:assert/strict'
import { readHttp2Head, wantsTrailers } from '../../../router/client/http2-head.ts'
import { Patience } from '../../../router/client/patience.ts'
import { Tally } from '../../../router/client/tally.ts'
import { CHUNKED, NO_BODY } from '../../../router/wire/framing.ts'
import { requestTrailers, responseHeadFrom, responseTrailers } from '../../../router/wire/http2-fields.ts'
import { emptyRequestHead } from '../../../router/wire/request-head.ts'

const pseudo = [':method', 'GET', ':scheme', 'https', ':authority', 'a.test', ':path', '/']

function read(pairs: string[], ended = true) {
  const head = emptyRequestHead()
  const refused = readHttp2Head(pairs, ended, head)
  return refused ?? head
}

describe('a request’s head over HTTP/2', () => {
  it('is the same to the rest of the router as one over HTTP/1.1, but for its version', () => {
    assert.deepEqual(read([...pseudo, 'x-a', '1', 'te', 'trailers', 'x-forwarded-for', '6.6.6.6', 'x_b', '2']), {
      ...emptyRequestHead(),
      version: '2.0',
      method: 'GET',
      target: '/',
      host: 'a.test',
      fields: 'x-a: 1\r\n',
      relayed: 'x-forwarded-for: 6.6.6.6\r\n',
    })
  })

  it('says how its body ends: with the head, after a length, or with the stream', () => {
    const bodyOf = (pairs: string[], ended: boolean) => (read(pairs, ended) as { body?: number }).body
    assert.equal(bodyOf(pseudo, true), NO_BODY)
    assert.equal(bodyOf(pseudo, false), CHUNKED)
    assert.equal(bodyOf([...pseudo, 'content-length', '5'], false), 5)
    assert.equal(bodyOf([...pseudo, 'content-length', '0'], true), 0)
    assert.equal((read([...pseudo, 'content-length', '5'], true) as { status?: number }).status, 400)
  })

  it('has the pieces of its cookies joined, where the first one was', () => {
    const { fields } = read([...pseudo, 'cookie', 'a=1', 'x', 'y', 'cookie', 'b=2', 'cookie', 'c=3']) as {
      fields: string
    }
    assert.equal(fields, 'cookie: a=1; b=2; c=3\r\nx: y\r\n')
  })

  it('takes Host for an authority that is missing, and refuses one that differs', () => {
    const without = [':method', 'GET', ':scheme', 'https', ':path', '/']
    assert.equal((read([...without, 'host', 'b.test']) as { host?: string }).host, 'b.test')
    assert.equal((read([...pseudo, 'host', 'A.test']) as { host?: string }).host, 'a.test')
    for (const pairs of [without, [...pseudo, 'host', 'b.test'], [...without, 'host', 'a.test', 'host', 'b.test']])
      assert.equal((read(pairs) as { status?: number }).status, 400)
  })

  it('H76: is refused whatever HTTP/2’s own reader might let through', () => {
    const cases: string[][] = [
      [...pseudo, 'X-Up', '1'],
      [...pseudo, 'x a', '1'],
      [...pseudo, '', '1'],
      [...pseudo, 'x', 'a\r\nb: c'],
      [...pseudo, 'x', 'a\0'],
      [...pseudo, 'x', ' a'],
      [...pseudo, 'x', 'a\t'],
      [...pseudo, 'te', 'gzip'],
      [...pseudo, 'connection', 'x'],
      [...pseudo, 'proxy-connection', 'x'],
      [...pseudo, 'transfer-encoding', 'chunked'],
      [...pseudo, ':path', '/b'],
      [...pseudo, ':protocol', 'websocket'],
      ['x', 'y', ...pseudo],
      [':method', 'GET', ':authority', 'a.test', ':path', '/'],
      [':method', 'GET', ':scheme', 'https', ':authority', 'a.test'],
    ]
    for (const pairs of cases) assert.equal((read(pairs) as { status?: number }).status, 400, pairs.join(' '))
  })

  it('says whether the client takes trailers', () => {
    assert.equal(wantsTrailers([...pseudo, 'te', 'trailers']), true)
    assert.equal(wantsTrailers([...pseudo, 'x', 'te']), false)
  })
})

describe('a response’s head over HTTP/2', () => {
  it('keeps what is for the client, and says how the body ends', () => {
    const head = responseHeadFrom(
      [':status', '200', 'x', 'y', 'berth-error', 'forged', 'content-length', '3'],
      false,
      false,
    )
    assert.deepEqual(head, { status: 200, fields: 'x: y\r\n', body: 3, persistent: true, upgrade: null })
    assert.equal(responseHeadFrom([':status', '200'], false, false)?.body, CHUNKED)
    assert.equal(responseHeadFrom([':status', '200'], true, false)?.body, 0)
    assert.deepEqual(
      responseHeadFrom([':status', '200', 'content-length', '9'], true, true)?.fields,
      'content-length: 9\r\n',
    )
    assert.equal(responseHeadFrom([':status', '204'], true, false)?.body, NO_BODY)
  })

  it('is none when it says what no response can', () => {
    for (const pairs of [
      ['x', 'y'],
      [':status', '101'],
      [':status', '99'],
      [':status', '2000'],
      [':status', '200', 'connection', 'close'],
      [':status', '200', ':path', '/'],
      [':status', '200', 'content-length', '3', 'content-length', '3'],
      [':status', '200', 'content-length', '-3'],
      [':status', '200', 'x', 'a\nb'],
    ])
      assert.equal(responseHeadFrom(pairs, false, false), null, pairs.join(' '))
  })

  it('A18: passes on trailers that cannot be taken for what the head decides', () => {
    const pairs = [
      'grpc-status',
      '0',
      'content-length',
      '5',
      'set-cookie',
      'a=b',
      'Upper',
      'x',
      'connection',
      'x',
      'te',
      'trailers',
    ]
    assert.equal(responseTrailers(pairs), 'grpc-status: 0\r\n')
    assert.equal(requestTrailers([...pairs, 'x-forwarded-for', '6.6.6.6', 'host', 'b']), 'grpc-status: 0\r\n')
  })
})

describe('a client’s allowance', () => {
  it('is a burst, and then so much a second', () => {
    const patience = new Patience(3, 2)
    assert.deepEqual(
      [0, 0, 0, 0].map((now) => patience.spend(now)),
      [true, true, true, false],
    )
    assert.deepEqual(
      [1_000, 1_000, 1_000].map((now) => patience.spend(now)),
      [true, false, false],
    )
  })
})

describe('the bytes of an HTTP/2 connection', () => {
  it('Q06: are booked to its requests, and in the end every one of them', () => {
    const wire = { bytesRead: 0, bytesWritten: 0 }
    const tally = new Tally(wire)
    wire.bytesRead = 150
    let booked = tally.countIn(100) + tally.restIn()
    assert.equal(booked, 150)
    const out = tally.countHead([':status', '200', 'x', 'y'.repeat(100)]) + tally.countOut(1_000)
    assert.ok(out > 1_000 && out < 1_120, String(out))
    // Nothing of it has left yet; what has is booked once.
    booked = out + tally.restOut()
    wire.bytesWritten = 1_130
    assert.equal(booked + tally.restOut() + tally.restOut(), 1_130)
  })
})
