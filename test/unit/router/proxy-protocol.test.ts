import assert from 'node:assert/strict'
import { crc32c, readProxyHeader, type ProxyHeader } from '../../../router/proxy-protocol.ts'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')

/** @param length what the header says of the length of what follows; usually the truth */
function binary(command: number, family: number, rest: Buffer, length = rest.length): Buffer {
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, length >> 8, length & 255]), rest])
}

const four = Buffer.from('c0000201cb007109c35001bb', 'hex')
const six = Buffer.from('20010db8000000000000000000000001' + '20010db8000000000000000000000002' + 'c35001bb', 'hex')
const mapped = Buffer.concat([Buffer.from('00000000000000000000ffffc0000201', 'hex'), six.subarray(16)])
const extension = (type: number, value: Buffer) =>
  Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 255]), value])

function summed(family: number, addresses: Buffer, ...others: Buffer[]): Buffer {
  const header = binary(0x21, family, Buffer.concat([addresses, ...others, extension(3, Buffer.alloc(4))]))
  header.writeUInt32BE(crc32c(header), header.length - 4)
  return header
}

const header = (source: ProxyHeader['source'], tls = false) => ({ source, tls })
const client = { address: '192.0.2.1', port: 50_000 }

const wellFormed: [what: string, bytes: Buffer, says: Omit<ProxyHeader, 'length'>][] = [
  ['a line for TCP over IPv4', Buffer.from('PROXY TCP4 192.0.2.1 203.0.113.9 50000 443\r\n'), header(client)],
  ['a line for TCP over IPv6', Buffer.from('PROXY TCP6 2001:DB8::1 ::2 50000 443\r\n'), header({ address: '2001:db8::1', port: 50_000 })],
  ['the longest line for IPv6', Buffer.from(`PROXY TCP6 ${'ffff:'.repeat(8).slice(0, -1)} ${'ffff:'.repeat(8).slice(0, -1)} 65535 65535\r\n`), header({ address: 'ffff:'.repeat(8).slice(0, -1), port: 65_535 })],
  ['a line for who knows what', Buffer.from('PROXY UNKNOWN\r\n'), header(null)],
  ['the longest line of all', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`), header(null)],
  ['TCP over IPv4', binary(0x21, 0x11, four), header(client)],
  ['TCP over IPv6', binary(0x21, 0x21, six), header({ address: '2001:db8::1', port: 50_000 })],
  ['an IPv4 client in an IPv6 header', binary(0x21, 0x21, mapped), header(client)],
  ['UDP over IPv4', binary(0x21, 0x12, four), header(null)],
  ['a UNIX socket', binary(0x21, 0x31, Buffer.alloc(216, 'x')), header(null)],
  ['UNSPEC', binary(0x21, 0x00, Buffer.alloc(0)), header(null)],
  ['LOCAL', binary(0x20, 0x00, Buffer.alloc(0)), header(null)],
  ['LOCAL with a block that must be skipped', binary(0x20, 0x11, four), header(null)],
  ['LOCAL with a family that nobody knows', binary(0x20, 0xff, Buffer.alloc(300)), header(null)],
  ['extensions that nobody knows', binary(0x21, 0x11, Buffer.concat([four, extension(0xea, Buffer.alloc(600)), extension(4, Buffer.alloc(0))])), header(client)],
  ['a client that spoke TLS', binary(0x21, 0x11, Buffer.concat([four, extension(0x20, Buffer.from([1, 0, 0, 0, 0]))])), header(client, true)],
  ['a client that did not', binary(0x21, 0x11, Buffer.concat([four, extension(0x20, Buffer.from([0, 0, 0, 0, 0]))])), header(client)],
  ['a checksum', summed(0x11, four), header(client)],
  ['a checksum behind other extensions', summed(0x21, six, extension(2, Buffer.from('a.example'))), header({ address: '2001:db8::1', port: 50_000 })],
] // prettier-ignore

describe('A PROXY protocol header', () => {
  for (const [what, bytes, says] of wellFormed)
    it(`says the same wherever its bytes are cut: ${what}`, () => {
      for (let end = 0; end < bytes.length; end++)
        assert.deepEqual(readProxyHeader(bytes.subarray(0, end)), { kind: 'more' }, `${end} of ${bytes.length}`)
      const whole = { kind: 'header', header: { length: bytes.length, ...says } }
      assert.deepEqual(readProxyHeader(bytes), whole)
      for (let more = 1; more <= REQUEST.length; more++)
        assert.deepEqual(readProxyHeader(Buffer.concat([bytes, REQUEST.subarray(0, more)])), whole)
    })

  const line = (text: string) => Buffer.from(text, 'latin1')
  const malformed: [what: string, bytes: Buffer][] = [
    ['a request without one', REQUEST],
    ['the beginning of HTTP/2', line('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
    ['a TLS hello', Buffer.from('16030100c4010000c0', 'hex')],
    ['a lower-case word', line('proxy TCP4 192.0.2.1 203.0.113.9 1 2\r\n')],
    ['two spaces', line('PROXY  TCP4 192.0.2.1 203.0.113.9 1 2\r\n')],
    ['a tab', line('PROXY\tTCP4 192.0.2.1 203.0.113.9 1 2\r\n')],
    ['a space at the end', line('PROXY TCP4 192.0.2.1 203.0.113.9 1 2 \r\n')],
    ['no word for the family', line('PROXY \r\n')],
    ['another family', line('PROXY UDP4 192.0.2.1 203.0.113.9 1 2\r\n')],
    ['a word that begins like UNKNOWN', line('PROXY UNKNOWNS\r\n')],
    ['IPv6 as IPv4', line('PROXY TCP4 ::1 ::1 1 2\r\n')],
    ['IPv4 as IPv6', line('PROXY TCP6 192.0.2.1 203.0.113.9 1 2\r\n')],
    ['IPv4 within IPv6 as IPv4', line('PROXY TCP4 ::ffff:192.0.2.1 203.0.113.9 1 2\r\n')],
    ['leading zeros in an address', line('PROXY TCP4 192.0.2.01 203.0.113.9 1 2\r\n')],
    ['a number above 255', line('PROXY TCP4 192.0.2.256 203.0.113.9 1 2\r\n')],
    ['a port above 65535', line('PROXY TCP4 192.0.2.1 203.0.113.9 65536 2\r\n')],
    ['leading zeros in a port', line('PROXY TCP4 192.0.2.1 203.0.113.9 01 2\r\n')],
    ['a sign before a port', line('PROXY TCP4 192.0.2.1 203.0.113.9 +1 2\r\n')],
    ['no port for the destination', line('PROXY TCP4 192.0.2.1 203.0.113.9 1\r\n')],
    ['a bare line feed', line('PROXY TCP4 192.0.2.1 203.0.113.9 1 2\n')],
    ['a bare line feed within', line('PROXY UNKNOWN a\nb\r\n')],
    ['a bare carriage return', line('PROXY TCP4 192.0.2.1 203.0.113.9 1 2\rGET')],
    ['a line of 108 bytes', line(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`)],
    ['a line without an end', line(`PROXY UNKNOWN ${'x'.repeat(200)}`)],
    ['NUL in a line', line('PROXY TCP4 192.0.2.1\0 203.0.113.9 1 2\r\n')],
    ['version 1 in binary', binary(0x11, 0x11, four)],
    ['version 3', binary(0x31, 0x11, four)],
    ['an unknown command', binary(0x22, 0x11, four)],
    ['an unknown family', binary(0x21, 0x41, four)],
    ['an unknown transport', binary(0x21, 0x13, four)],
    ['a length too short for IPv4', binary(0x21, 0x11, four.subarray(0, 11))],
    ['a length too short for IPv6', binary(0x21, 0x21, six.subarray(0, 35))],
    ['a length too short for UNIX', binary(0x21, 0x31, Buffer.alloc(215))],
    ['a length beyond what is taken', binary(0x21, 0x11, Buffer.alloc(100), 65_535)],
    ['a LOCAL block beyond what is taken', binary(0x20, 0x00, Buffer.alloc(100), 65_535)],
    ['an extension beyond the length', binary(0x21, 0x11, Buffer.concat([four, Buffer.from([4, 0, 9, 0])]))],
    ['half an extension', binary(0x21, 0x11, Buffer.concat([four, Buffer.from([4, 0])]))],
    ['a checksum of another length', binary(0x21, 0x11, Buffer.concat([four, extension(3, Buffer.alloc(3))]))],
    ['a checksum that is wrong', binary(0x21, 0x11, Buffer.concat([four, extension(3, Buffer.alloc(4))]))],
  ]
  for (const [what, bytes] of malformed)
    it(`is refused wherever its bytes are cut: ${what}`, () => {
      assert.equal(readProxyHeader(bytes).kind, 'bad')
      const verdicts = Array.from(
        { length: bytes.length },
        (_, end) => readProxyHeader(bytes.subarray(0, end + 1)).kind,
      )
      // Once it is refused, more bytes do not mend it.
      assert.deepEqual(new Set(verdicts.slice(verdicts.indexOf('bad'))), new Set(['bad']))
      assert.ok(!verdicts.includes('header'))
    })

  it('with a checksum is refused when any bit of it is another', () => {
    const bytes = summed(0x11, four, extension(0xe0, Buffer.from('hello')))
    for (let bit = 16 * 8; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const outcome = readProxyHeader(changed)
      // A change of the checksum's own type makes it an extension that nobody knows.
      if (bit >> 3 !== bytes.length - 7) assert.equal(outcome.kind, 'bad', `bit ${bit}`)
    }
  })

  it('has the checksum of RFC 3720, Appendix B.4', () => {
    assert.equal(crc32c(Buffer.alloc(32)), 0x8a91_36aa)
    assert.equal(crc32c(Buffer.from('123456789')), 0xe306_9283)
  })
})
