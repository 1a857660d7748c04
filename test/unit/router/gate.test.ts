import assert from 'node:assert/strict'
import { judge, type RawHead } from '../../../router/gate.ts'
import { CHUNKED, NO_BODY } from '../../../router/wire/framing.ts'
import { emptyRequestHead, type RequestHead } from '../../../router/wire/request-head.ts'

/** A head that the gate lets through, and what is different about this one. */
const aHead = (rest: Partial<RawHead> = {}, ...fields: string[]): RawHead => ({
  method: 'GET',
  target: '/',
  version: '1.1',
  headers: ['Host', 'app.test', ...fields],
  ...rest,
})

const accepted = (raw: RawHead): RequestHead => {
  const head = emptyRequestHead()
  assert.equal(judge(raw, head), null)
  return head
}

describe('the gate refuses', () => {
  const post = { method: 'POST' }
  const hosted = (...hosts: string[]): RawHead => aHead({ headers: hosts.flatMap((host) => ['Host', host]) })
  const cases: [id: string, what: string, raw: RawHead, status: number][] = [
    ['H01', 'both framings', aHead(post, 'Content-Length', '5', 'Transfer-Encoding', 'chunked'), 400],
    ['H03', 'a coding under chunked', aHead(post, 'Transfer-Encoding', 'gzip, chunked'), 501],
    ['H05', 'an unknown coding', aHead(post, 'Transfer-Encoding', 'xchunked'), 400],
    ['H05', 'chunked in quotes', aHead(post, 'Transfer-Encoding', '"chunked"'), 400],
    ['H05', 'chunked with a parameter', aHead(post, 'Transfer-Encoding', 'chunked;a=b'), 400],
    [
      'H07',
      'two codings in two fields',
      aHead(post, 'Transfer-Encoding', 'identity', 'Transfer-Encoding', 'chunked'),
      400,
    ],
    ['H08', 'an empty element before', aHead(post, 'Transfer-Encoding', ',chunked'), 400],
    ['H08', 'an empty element after', aHead(post, 'Transfer-Encoding', 'chunked,'), 400],
    ['H09', 'an empty coding', aHead(post, 'Transfer-Encoding', ''), 400],
    ['H13', 'chunked in HTTP/1.0', aHead({ ...post, version: '1.0' }, 'Transfer-Encoding', 'chunked'), 400],
    ['H16', 'two equal lengths', aHead(post, 'Content-Length', '5', 'content-length', '5'), 400],
    ['H17', 'a list of lengths', aHead(post, 'Content-Length', '5, 5'), 400],
    ...['+5', '-5', '0x5', '5_0', '5.0', '5 5', ''].map((value): [string, string, RawHead, number] => [
      'H18',
      `the length ${JSON.stringify(value)}`,
      aHead(post, 'Content-Length', value),
      400,
    ]),
    ['H19', 'a length with a leading zero', aHead(post, 'Content-Length', '05'), 400],
    ['H20', 'a length of 2^53', aHead(post, 'Content-Length', '9007199254740992'), 413],
    ['H21', 'a length of forty digits', aHead(post, 'Content-Length', '9'.repeat(40)), 413],
    ['H39', 'no host', aHead({ headers: [] }), 400],
    ['H40', 'two hosts', hosted('a.test', 'a.test'), 400],
    ...[
      '',
      'u@a.test',
      'a.test/',
      'a.test, b.test',
      'a b',
      'a.test:',
      'a.test:x',
      'a.test:0',
      'a.test:65536',
      'a.test:123456',
      '[::1',
      '[fe80::1%25eth0]',
      'a.test\0',
      'ä.test',
      '*.test',
      '.test',
    ].map((host): [string, string, RawHead, number] => ['H41', `the host ${JSON.stringify(host)}`, hosted(host), 400]),
    ['H43', 'an absolute target', aHead({ target: 'http://b.test/' }), 400],
    ['H45', 'an authority as target', aHead({ target: 'b.test:80' }), 400],
    ['H46', 'an asterisk', aHead({ method: 'OPTIONS', target: '*' }), 400],
    ...['/a#b', '/a\\b', '/a b', '/a\0', '/\x80', ''].map((target): [string, string, RawHead, number] => [
      'H47',
      `the target ${JSON.stringify(target)}`,
      aHead({ target }),
      400,
    ]),
    ...['0.9', '1.2', '2.0', '3.0', ''].map((version): [string, string, RawHead, number] => [
      'H51',
      `the version ${JSON.stringify(version)}`,
      aHead({ version }),
      505,
    ]),
    ['H52', 'a method of RTSP', aHead({ method: 'ANNOUNCE' }), 501],
    ['H59', 'two expectations', aHead(post, 'Expect', '100-continue, foo'), 417],
    ['H59', 'an expectation in two fields', aHead(post, 'Expect', '100-continue', 'Expect', '100-continue'), 417],
    ...['TRACE', 'TRACK', 'CONNECT'].map((method): [string, string, RawHead, number] => [
      'H65',
      method,
      aHead({ method }),
      405,
    ]),
    ...['get', 'PROPFIND', 'SOURCE', ''].map((method): [string, string, RawHead, number] => [
      'H65',
      `the method ${JSON.stringify(method)}`,
      aHead({ method }),
      501,
    ]),
    ['H67', 'a hundred and one fields', aHead({}, ...Array.from({ length: 200 }, () => 'X')), 431],
    ['H67', 'a target of 8193 bytes', aHead({ target: `/${'x'.repeat(8192)}` }), 414],
  ]
  for (const [id, what, raw, status] of cases)
    it(`${id}: ${what}, with ${status}`, () => {
      assert.equal(judge(raw, emptyRequestHead())?.status, status)
    })
})

describe('the gate reads', () => {
  it('a request without a body', () => {
    assert.deepEqual(accepted(aHead()), { ...emptyRequestHead(), method: 'GET', target: '/', host: 'app.test' })
  })

  it('H14: chunked in any case', () => {
    assert.equal(accepted(aHead({}, 'TRANSFER-encoding', 'Chunked')).body, CHUNKED)
  })

  it('H23: a length on any method', () => {
    for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS'])
      assert.equal(accepted(aHead({ method }, 'Content-Length', '5')).body, 5)
    assert.equal(accepted(aHead()).body, NO_BODY)
  })

  it('H42: hosts with ports, dots, digits and brackets', () => {
    for (const host of [
      'APP.test.',
      'app.test:65535',
      'xn--bcher-kva.test',
      '127.0.0.1:80',
      '[::1]',
      '[2001:DB8::1]:8080',
      'a_b.test',
    ])
      assert.equal(accepted(aHead({ headers: ['host', host] })).host, host)
  })

  it('H48: targets that only look dangerous', () => {
    for (const target of ['/%00%0d%0a', '//a', '/../..', '/a?b=c|d"{}', '/'.padEnd(8192, 'x')])
      accepted(aHead({ target }))
  })

  it('H58, H60: an expectation where there is a body, and never of an HTTP/1.0 client', () => {
    const length = ['Content-Length', '5', 'Expect', '100-Continue']
    assert.equal(accepted(aHead({}, ...length)).expectsContinue, true)
    assert.equal(accepted(aHead({}, 'Expect', '100-continue')).expectsContinue, false)
    assert.equal(accepted(aHead({ version: '1.0' }, ...length)).expectsContinue, false)
    assert.equal(accepted(aHead({ version: '1.0' }, 'Expect', 'anything')).expectsContinue, false)
  })

  it('H61, H62: as a WebSocket only what RFC 6455 asks for', () => {
    const good = ['Connection', 'keep-alive, Upgrade', 'Upgrade', 'WebSocket', 'Sec-WebSocket-Key', 'x']
    assert.equal(accepted(aHead({}, ...good)).upgrade, 'websocket')
    assert.equal(accepted(aHead({ method: 'POST' }, ...good)).upgrade, 'other')
    assert.equal(accepted(aHead({}, ...good, 'Content-Length', '1')).upgrade, 'other')
    assert.equal(accepted(aHead({}, ...good.slice(2))).upgrade, 'other')
    assert.equal(accepted(aHead({}, ...good.slice(0, 4))).upgrade, 'other')
    assert.equal(accepted(aHead({}, 'Connection', 'Upgrade', 'Upgrade', 'h2c')).upgrade, 'other')
    assert.equal(accepted(aHead({}, ...good, 'Upgrade', 'h2c')).upgrade, 'other')
    assert.equal(accepted(aHead({ version: '1.0' }, ...good)).upgrade, null)
  })

  it('H54: an HTTP/1.0 client as one whose connection ends, whatever it asks for', () => {
    const { version, persistent } = accepted(aHead({ version: '1.0' }, 'Connection', 'keep-alive'))
    assert.deepEqual({ version, persistent }, { version: '1.0', persistent: false })
  })

  it('H69: Connection: close in any list', () => {
    assert.equal(accepted(aHead({}, 'Connection', 'Keep-Alive', 'connection', 'x , CLOSE')).persistent, false)
    assert.equal(accepted(aHead({}, 'Connection', 'closed, "close"')).persistent, true)
  })

  it('fields that are named like properties of an object as any other', () => {
    accepted(aHead({}, 'constructor', 'x', '__proto__', 'y', 'toString', 'z'))
  })
})
