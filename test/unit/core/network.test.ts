import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isInside, readAddress, readNetwork, writeAddress } from '../../../core/domain/network.ts'

/** The URL parser writes IPv6 hosts as RFC 5952 has them, but for IPv4-mapped ones. */
const canonical = (address: string) => new URL(`http://[${address}]/`).hostname.slice(1, -1)

describe('An IP address', () => {
  it('is written as RFC 5952 has it, whatever its spelling', () => {
    const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
      minLength: 8,
      maxLength: 8,
    })
    fc.assert(
      fc.property(groups, (values) => {
        const spelling = values.map((value) => value.toString(16).padStart(4, '0').toUpperCase()).join(':')
        fc.pre(!spelling.startsWith('0000:0000:0000:0000:0000:FFFF'))
        const parsed = readAddress(spelling)
        assert.ok(parsed)
        assert.equal(writeAddress(parsed), canonical(spelling))
        assert.deepEqual(readAddress(canonical(spelling)), parsed)
      }),
    )
  })

  it('of IPv4 within IPv6 is the IPv4 one', () => {
    for (const text of ['::ffff:192.0.2.1', '::FFFF:c000:201', '0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'])
      assert.deepEqual(readAddress(text), { version: 4, value: 0xc000_0201n }, text)
  })

  const none = ['', ' ', '1.2.3', '1.2.3.4.5', '01.2.3.4', '256.1.1.1', '1.2.3.4 ', '0x1.2.3.4', ':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8', '::g', '::12345', '1:2:3:4:5:6:7:1.2.3.4', '1.2.3.4::', '::1%eth0', '[::1]', 'unknown'] // prettier-ignore
  for (const text of none)
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.ok(readAddress(text) === null)
    })
})

describe('A network', () => {
  const inside = (address: string, ...cidrs: string[]) => {
    const parsed = readAddress(address)
    assert.ok(parsed)
    return isInside(
      parsed,
      cidrs.map((cidr) => readNetwork(cidr) ?? assert.fail(cidr)),
    )
  }

  it('holds the addresses that share its prefix, of its own IP version', () => {
    assert.ok(inside('10.255.0.1', '192.0.2.0/24', '10.0.0.0/8'))
    assert.ok(!inside('11.0.0.0', '10.0.0.0/8'))
    assert.ok(inside('::ffff:10.1.1.1', '10.0.0.0/8'))
    assert.ok(inside('2001:db8::5', '2001:db8::/32'))
    assert.ok(!inside('2001:db9::5', '2001:db8::/32'))
    assert.ok(inside('198.51.100.7', '0.0.0.0/0') && !inside('::1', '0.0.0.0/0') && inside('::1', '::/0'))
    assert.ok(inside('::1', '::1') && !inside('::2', '::1'))
  })

  it('has no bits beyond its prefix, and a prefix that fits its IP version', () => {
    for (const text of [
      '10.0.0.1/8',
      '10.0.0.0/33',
      '2001:db8::1/32',
      '::/129',
      '10.0.0.0/',
      '/8',
      '10.0.0.0/-1',
      'a/8',
    ])
      assert.equal(readNetwork(text), null, text)
  })
})
