import assert from 'node:assert/strict'
import { fieldOf, pairsOf, readRelayed, sortRequestFields, withoutFields } from '../../../router/wire/fields.ts'
import { requestNames, responseNames } from '../../../router/wire/names.ts'

const lines = 'Cookie: a=1\r\nx-empty: \r\nCOOKIE: b=2\r\nAccept: text/html, */*\r\n'

describe('the fields of a message', () => {
  it('are found by their name in any case, the first of them', () => {
    assert.equal(fieldOf(lines, 'cookie'), 'a=1')
    assert.equal(fieldOf(lines, 'accept'), 'text/html, */*')
    assert.equal(fieldOf(lines, 'x-empty'), '')
    for (const name of ['cooki', 'cookies', 'a', 'ookie', 'text/html, */*', ''])
      assert.equal(fieldOf(lines, name), null)
    assert.equal(fieldOf('', 'cookie'), null)
  })

  it('become pairs, and are taken out by name', () => {
    assert.deepEqual(pairsOf(lines), ['Cookie', 'a=1', 'x-empty', '', 'COOKIE', 'b=2', 'Accept', 'text/html, */*'])
    assert.equal(withoutFields(lines, new Set(['cookie', 'accept'])), 'x-empty: \r\n')
  })

  it('have a kind, whether their name is given as text or as bytes, and in whatever case', () => {
    const names = [
      'host',
      'connection',
      'content-length',
      'transfer-encoding',
      'te',
      'proxy',
      'proxy-anything',
      'berth-error',
    ]
    for (const name of [
      ...names,
      'x-forwarded-',
      'x-forwarded-for',
      'x-real-ip',
      'expect',
      'upgrade',
      'http2-settings',
      'trailer',
    ])
      for (const spelt of [name, name.toUpperCase()]) {
        const bytes = Buffer.from(`<${spelt}>`)
        assert.notEqual(requestNames.kindOf(name), 0, name)
        assert.equal(requestNames.kindIn(bytes, 1, bytes.length - 1), requestNames.kindOf(name), spelt)
        assert.equal(responseNames.kindIn(bytes, 1, bytes.length - 1), responseNames.kindOf(name), spelt)
      }
    // Of the same length and with the same letters at both ends, or with another bit of case.
    for (const name of [
      'hint',
      'consection',
      'x-forwarded',
      'proxi',
      't%',
      'contentlengthh',
      'x-real-ap',
      '\x08ost',
      'constructor',
    ]) {
      assert.equal(requestNames.kindIn(Buffer.from(name), 0, name.length), 0, name)
      assert.equal(requestNames.kindOf(name), 0, name)
    }
  })
})

describe('the fields of a request', () => {
  const kept = (...pairs: string[]): string[] => pairsOf(sortRequestFields(pairs).fields)

  it('are kept as they came, in order, repeated ones too', () => {
    const raw = ['Cookie', 'a=1', 'accept', '*/*', 'COOKIE', 'b=2', 'X-Obs', '\xe9']
    assert.deepEqual(kept(...raw), raw)
  })

  it('H12: are dropped when their name has an underscore', () => {
    assert.deepEqual(kept('Transfer_Encoding', 'chunked', 'X_Forwarded_For', '6.6.6.6', 'X-Fine', '1'), ['X-Fine', '1'])
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

  it('H57: are set apart when they say where it came from', () => {
    const said = [
      'X-Forwarded-For',
      'a',
      'X-Forwarded-Anything',
      'b',
      'Forwarded',
      'c',
      'X-Real-IP',
      'd',
      'x-request-id',
      'e',
    ]
    const { fields, relayed } = sortRequestFields([...said, 'Accept', 'f', 'Berth-Error', 'g'])
    assert.equal(fields, 'Accept: f\r\n')
    assert.deepEqual(pairsOf(relayed), said)
  })
})

describe("a load balancer's word", () => {
  const nothing = { forwardedFor: null, forwardedProto: null, host: null, port: null, requestId: null, startedAt: null }

  it('H57: is read with its lists joined, and its own entry last', () => {
    assert.deepEqual(
      readRelayed(
        'X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 192.0.2.1, 192.0.2.2\r\nX-Forwarded-Proto: http,https\r\n' +
          'X-Forwarded-Host: evil.test, app.test:443\r\nX-Forwarded-Port: 443\r\nX-Request-Id: abc-1\r\nX-Request-Start: t=1700000000.25\r\n',
      ),
      {
        forwardedFor: '6.6.6.6, 192.0.2.1, 192.0.2.2',
        forwardedProto: 'http,https',
        host: 'app.test:443',
        port: 443,
        requestId: 'abc-1',
        startedAt: 1_700_000_000_250,
      },
    )
  })

  it('knows the times that are in use', () => {
    for (const start of ['1700000000250', 't=1700000000250', '1700000000250123', '1700000000.250'])
      assert.equal(readRelayed(`X-Request-Start: ${start}\r\n`).startedAt, 1_700_000_000_250, start)
  })

  it('is nothing when it cannot be understood', () => {
    assert.deepEqual(readRelayed(''), nothing)
    assert.deepEqual(
      readRelayed(
        `X-Forwarded-Host: a b\r\nX-Forwarded-Port: 65536\r\nX-Request-Id: ${'a'.repeat(129)}\r\nX-Request-Start: soon\r\nForwarded: for=a\r\n`,
      ),
      nothing,
    )
  })
})
