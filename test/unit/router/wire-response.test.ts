import assert from 'node:assert/strict'
import { chunkHead, ChunkedReader, lastChunk } from '../../../router/wire/chunked.ts'
import { CHUNKED, NO_BODY, UNTIL_CLOSE } from '../../../router/wire/framing.ts'
import {
  emptyResponseHead,
  MALFORMED,
  scanResponseHead,
  type ResponseHead,
} from '../../../router/wire/response-head.ts'

const read = (line: string, fields: readonly string[] = [], toHead = false): ResponseHead => {
  const bytes = Buffer.from(`${line}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`, 'latin1')
  const head = emptyResponseHead()
  assert.equal(scanResponseHead(bytes, 0, bytes.length, toHead, head), bytes.length)
  return head
}

describe("an app's head", () => {
  it('is read with its fields as they came, in order, repeated ones too', () => {
    assert.deepEqual(read('HTTP/1.1 200 OK', ['Set-Cookie: a=1', 'Content-Length: 5', 'set-cookie:b=2']), {
      status: 200,
      fields: 'Set-Cookie: a=1\r\nset-cookie: b=2\r\n',
      body: 5,
      persistent: true,
      upgrade: null,
    })
  })

  it('says how its body ends', () => {
    assert.equal(read('HTTP/1.1 200 OK', ['Content-Length: 0']).body, 0)
    assert.equal(read('HTTP/1.1 200 OK', ['Transfer-Encoding: chunked']).body, CHUNKED)
    assert.equal(read('HTTP/1.1 200 OK').body, UNTIL_CLOSE)
    assert.equal(read('HTTP/1.1 204 No Content').body, NO_BODY)
    assert.equal(read('HTTP/1.1 304 Not Modified', ['Transfer-Encoding: chunked']).body, NO_BODY)
    assert.equal(read('HTTP/1.1 200 OK', ['Transfer-Encoding: chunked'], true).body, NO_BODY)
    assert.equal(read('HTTP/1.1 100 Continue').body, NO_BODY)
  })

  it('A04: keeps a length where it is a word about the message, and not where there never is one', () => {
    const fieldsOf = (line: string, toHead: boolean): string => read(line, ['Content-Length: 007'], toHead).fields
    assert.equal(fieldsOf('HTTP/1.1 200 OK', true), 'Content-Length: 7\r\n')
    assert.equal(fieldsOf('HTTP/1.1 304 Not Modified', false), 'Content-Length: 7\r\n')
    assert.equal(fieldsOf('HTTP/1.1 200 OK', false), '')
    assert.equal(fieldsOf('HTTP/1.1 204 No Content', true), '')
    assert.equal(fieldsOf('HTTP/1.1 103 Early Hints', true), '')
  })

  it('says whether more may follow on the connection', () => {
    assert.equal(read('HTTP/1.1 200 OK', ['Content-Length: 0']).persistent, true)
    assert.equal(read('HTTP/1.1 200 OK', ['Content-Length: 0', 'Connection: x, Close']).persistent, false)
    assert.equal(read('HTTP/1.0 200 OK', ['Content-Length: 0', 'Connection: keep-alive']).persistent, false)
    assert.equal(read('HTTP/1.1 200 OK').persistent, false)
  })

  it('H61: agrees to a protocol only in a 101, and only when Connection says so', () => {
    const agreed = ['Connection: Upgrade', 'Upgrade: WebSocket', 'Sec-WebSocket-Accept: x']
    const head = read('HTTP/1.1 101 Switching Protocols', agreed)
    assert.deepEqual([head.upgrade, head.body, head.fields], ['websocket', NO_BODY, 'Sec-WebSocket-Accept: x\r\n'])
    assert.equal(read('HTTP/1.1 101 Switching Protocols', agreed.slice(1)).upgrade, null)
    assert.equal(read('HTTP/1.1 426 Upgrade Required', agreed).upgrade, null)
    assert.equal(read('HTTP/1.1 101 Switching Protocols', [...agreed, 'Upgrade: h2c']).upgrade, 'websocket, h2c')
  })
})

describe('a body in chunks', () => {
  it('is written as it is read', () => {
    const text = `${chunkHead(300)}${'x'.repeat(300)}\r\n${chunkHead(1)}y\r\n${lastChunk('X-Sum: 1\r\n')}`
    const bytes = Buffer.from(text)
    const reader = new ChunkedReader()
    let data = ''
    for (let at = 0; at < bytes.length;) {
      at = reader.read(bytes, at, bytes.length)
      assert.notEqual(at, MALFORMED)
      data += bytes.toString('latin1', reader.dataFrom, reader.dataTo)
    }
    assert.deepEqual([data, reader.done, reader.trailers], [`${'x'.repeat(300)}y`, true, 'X-Sum: 1\r\n'])
  })

  it('stops where it is over, and leaves what follows', () => {
    const bytes = Buffer.from('0\r\n\r\nGET / HTTP/1.1\r\n')
    const reader = new ChunkedReader()
    assert.equal(reader.read(bytes, 0, bytes.length), 5)
    assert.equal(reader.done, true)
    assert.equal(reader.read(bytes, 5, bytes.length), 5)
  })

  it('H25: may be as large as can be counted, and no larger', () => {
    const sizeOf = (size: string): number => new ChunkedReader().read(Buffer.from(`${size}\r\n`), 0, size.length + 2)
    assert.equal(sizeOf('1fffffffffffff'), 16)
    assert.equal(sizeOf('20000000000000'), MALFORMED)
  })
})
