import assert from 'node:assert/strict'
import { backOff } from '#core/domain/drain.ts'
import { frameOf, messageOf } from '../../../../controller/drains/syslog.ts'
import { shownOf, targetOf } from '../../../../controller/drains/target.ts'

describe('the URL of a drain', () => {
  it('names a host and a port, or a page', () => {
    const at = (host: string, port: number, isEncrypted: boolean) => ({ kind: 'syslog', host, port, isEncrypted })
    assert.deepEqual(targetOf('syslog://logs.example.com'), at('logs.example.com', 514, false))
    assert.deepEqual(targetOf('syslog+tls://logs.example.com'), at('logs.example.com', 6514, true))
    assert.deepEqual(targetOf('syslog+tls://logs.example.com:1234/'), at('logs.example.com', 1234, true))
    assert.deepEqual(targetOf('syslog://[2001:db8::1]:601'), at('2001:db8::1', 601, false))
    assert.deepEqual(targetOf('https://in.example.com/v1?key=x'), {
      kind: 'https',
      url: 'https://in.example.com/v1?key=x',
    })
  })

  it('C12 is nothing else: no other scheme, no user, no path where there is none, no host that is none', () => {
    for (const wrong of [
      '',
      'logs.example.com',
      'file:///etc/passwd',
      'ftp://example.com',
      'syslog://',
      'syslog://user@example.com',
      'syslog://example.com/path',
      'syslog://example.com?x=1',
      'syslog://exa_mple.com',
      'syslog://-example.com',
      'syslog://example.com:0',
      'syslog://example.com:70000',
      'syslog://a b',
      'syslog://%31.1.1.1',
      'https://user:secret@example.com',
      `https://example.com/${'x'.repeat(3000)}`,
    ])
      assert.throws(() => targetOf(wrong), /url: /, wrong)
  })

  it('is shown without what often is its secret', () => {
    assert.equal(shownOf('https://in.example.com:8443/tokens/s3cr3t?k=v'), 'https://in.example.com:8443/…')
    assert.equal(shownOf('syslog+tls://logs.example.com:6514'), 'syslog+tls://logs.example.com:6514')
  })
})

describe('a line as a syslog message', () => {
  const line = {
    id: '1-0-1',
    at: '2026-01-01T00:00:00.123456789+00:00',
    source: 'app',
    ps: 'web.1',
    line: 'über',
    app: 'shop',
  }

  it('is what RFC 5424 says, framed by its length in bytes (RFC 6587)', () => {
    assert.equal(messageOf(line), '<134>1 2026-01-01T00:00:00.123456+00:00 shop app web.1 - - über')
    const frame = frameOf(line).toString()
    const [, length = '', message = ''] = /^(\d+) (.*)$/s.exec(frame) ?? []
    assert.equal(Number(length), Buffer.byteLength(message))
  })

  it('cannot be made to hold two: a name with a space stays one field, and a line break is a part of the message', () => {
    assert.match(messageOf({ ...line, ps: 'web 1\n<0>1', app: '' }), /^<134>1 \S+ - app web_1_<0>1 - - über$/)
  })
})

describe('the wait after failures', () => {
  it('doubles up to a minute, and never is the same for all', () => {
    assert.equal(backOff(1, 1), 1000)
    assert.equal(backOff(3, 1), 4000)
    assert.equal(backOff(50, 1), 60_000)
    assert.equal(backOff(50, 0), 30_000)
  })
})
