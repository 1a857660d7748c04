import assert from 'node:assert/strict'
import { requestHeaders, responseHeaders, type Origin } from '../../../router/headers.ts'

const origin: Origin = {
  clientAddress: '192.0.2.7',
  proto: 'http',
  host: 'app.test:8080',
  port: 8080,
  requestId: 'id-1',
  startedAt: 1234,
}
const said = [
  ...['Host', 'app.test:8080'],
  ...['X-Forwarded-For', '192.0.2.7', 'X-Forwarded-Proto', 'http'],
  ...['X-Forwarded-Host', 'app.test:8080', 'X-Forwarded-Port', '8080'],
  ...['X-Request-Start', '1234', 'X-Request-Id', 'id-1'],
]
/** What is left of a client's fields, without what the router says itself. */
const kept = (...raw: string[]): string[] => {
  const headers = requestHeaders(raw, origin)
  assert.deepEqual([...headers.slice(0, 2), ...headers.slice(-12)], said)
  return headers.slice(2, -12)
}

describe('the fields of a request', () => {
  it('are kept as they came, in order, repeated ones too', () => {
    const raw = ['Cookie', 'a=1', 'accept', '*/*', 'COOKIE', 'b=2', 'X-Obs', '\xe9']
    assert.deepEqual(kept(...raw), raw)
  })

  it('H12: are dropped when their name has an underscore', () => {
    assert.deepEqual(kept('Transfer_Encoding', 'chunked', 'X_Forwarded_For', '6.6.6.6', 'X-Fine', '1'), ['X-Fine', '1'])
  })

  it('H56: are dropped when they are about the connection', () => {
    const names = [
      'TE',
      'Keep-Alive',
      'Proxy-Connection',
      'Proxy-Authorization',
      'Trailer',
      'Upgrade',
      'HTTP2-Settings',
      'Transfer-Encoding',
      'Connection',
    ]
    assert.deepEqual(kept(...names.flatMap((name) => [name, 'x'])), [])
  })

  it('H57: are dropped when only the router may say them', () => {
    const names = [
      'Host',
      'Content-Length',
      'Expect',
      'X-Forwarded-For',
      'X-Forwarded-Anything',
      'Forwarded',
      'X-Real-IP',
      'X-Request-Start',
      'x-request-id',
    ]
    assert.deepEqual(kept(...names.flatMap((name) => [name, 'x'])), [])
  })

  it('H55: are dropped when Connection nominates them, but for those that are for the app', () => {
    const endToEnd = ['Authorization', 'x', 'Cookie', 'x', 'Content-Type', 'x']
    assert.deepEqual(
      kept(
        'Connection',
        'close, X-Hop ,authorization',
        'X-Hop',
        '1',
        ...endToEnd,
        'CONNECTION',
        'cookie, content-type, host',
      ),
      endToEnd,
    )
  })
})

describe('the fields of a response', () => {
  it('are kept as they came, in order, repeated ones too', () => {
    const raw = ['Set-Cookie', 'a=1', 'Content-Length', '5', 'set-cookie', 'b=2']
    assert.deepEqual(responseHeaders(200, raw), raw)
  })

  it('A02: cannot be passed on with a coding that we did not undo', () => {
    assert.equal(responseHeaders(200, ['Transfer-Encoding', 'gzip, chunked']), null)
    assert.equal(responseHeaders(200, ['Transfer-Encoding', 'identity']), null)
    assert.deepEqual(responseHeaders(200, ['Transfer-Encoding', 'Chunked']), [])
  })

  it('A01: cannot be passed on with a length that is no number', () => {
    for (const value of ['+1', '1, 1', '', '0x1', '9'.repeat(16)])
      assert.equal(responseHeaders(200, ['Content-Length', value]), null, value)
    assert.deepEqual(responseHeaders(200, ['Content-Length', '007']), ['Content-Length', '7'])
  })

  it('A04: have no length where there is never a body', () => {
    assert.deepEqual(responseHeaders(204, ['Content-Length', '5']), [])
    assert.deepEqual(responseHeaders(304, ['Content-Length', '5']), ['Content-Length', '5'])
  })

  it('A12: cannot be passed on in masses', () => {
    assert.equal(
      responseHeaders(
        200,
        Array.from({ length: 402 }, () => 'x'),
      ),
      null,
    )
  })

  it('A13: are dropped when they are about the connection, nominated, or ours', () => {
    const raw = [
      'Connection',
      'X-Int, set-cookie',
      'X-Int',
      '1',
      'Keep-Alive',
      'x',
      'Proxy-Authenticate',
      'x',
      'Upgrade',
      'x',
      'Trailer',
      'x',
      'Berth-Error',
      'x',
    ]
    assert.deepEqual(responseHeaders(200, [...raw, 'Set-Cookie', 'a=1']), ['Set-Cookie', 'a=1'])
  })
})
