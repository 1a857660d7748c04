import assert from 'node:assert/strict'
import fc from 'fast-check'
import { judgeAddress, judgeAll, type OutboundPolicy } from '../../../../controller/outbound/address.ts'
import { faultOfUrl, hostOf } from '../../../../controller/outbound/url.ts'
import { readNetwork, writeAddress, type Network } from '#core/domain/network.ts'

const network = (text: string): Network => {
  const read = readNetwork(text)
  assert.ok(read, text)
  return read
}
const policy = (named: string[] = [], own: string[] = []): OutboundPolicy => ({
  named: named.map(network),
  own: own.map(network),
})

const four = fc.integer({ min: 0, max: 0xffff_ffff }).map((value) => ({ version: 4 as const, value: BigInt(value) }))

describe('the address of an outbound connection', () => {
  const nasty: Record<string, string[]> = {
    loopback: ['127.0.0.1', '127.1.2.3', '::1'],
    'no address': ['0.0.0.0', '0.1.2.3', '::', '', 'localhost', '127.1', '0x7f000001', '017700000001', '2130706433'],
    'private networks': ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fd00::1', 'fc00::1'],
    'carrier-grade NAT, where sandboxes are': ['100.64.0.1', '100.127.255.254'],
    'link-local': ['169.254.1.1', 'fe80::1', 'fe80::1%eth0', 'febf::1'],
    'metadata services': ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '168.63.129.16', '192.0.0.192'],
    'multicast and broadcast': ['224.0.0.1', '239.255.255.250', '255.255.255.255', '240.0.0.1', 'ff02::1'],
    'IPv4 inside IPv6': [
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::ffff:8.8.8.8',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '64:ff9b::8.8.8.8',
      '64:ff9b:1::a00:1',
      '2002:7f00:1::',
      '2001:0:7f00:1::',
      '::ffff:0:127.0.0.1',
    ],
    'examples and tests': [
      '192.0.2.1',
      '198.18.0.1',
      '198.51.100.7',
      '203.0.113.9',
      '2001:db8::1',
      '3fff::1',
      '100::1',
    ],
    'what IETF gave up': ['fec0::1', '192.88.99.1', '5f00::1'],
  }
  for (const [what, addresses] of Object.entries(nasty)) {
    it(`C12 is refused if it is of ${what}`, () => {
      for (const address of addresses) assert.equal(judgeAddress(address, policy()), 'refused', address)
    })
  }

  it('is taken if it is on the public Internet', () => {
    for (const address of ['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450:4001::8a'])
      assert.equal(judgeAddress(address, policy()), 'public', address)
  })

  it('C12 whichever IPv4 address an IPv6 one carries, the IPv6 one is refused', () => {
    const prefixes = [0xffffn << 32n, 0n, 0x64_ff9bn << 96n, 0x64_ff9b_0001n << 80n, 0xffffn << 48n]
    fc.assert(
      fc.property(four, fc.constantFrom(...prefixes), ({ value }, prefix) => {
        const text = writeAddress({ version: 6, value: prefix | value })
        assert.equal(judgeAddress(text, policy()), 'refused', text)
        const sixToFour = writeAddress({ version: 6, value: (0x2002n << 112n) | (value << 80n) | 1n })
        assert.equal(judgeAddress(sixToFour, policy()), 'refused', sixToFour)
      }),
    )
  })

  it('C12 is never taken outside global unicast, in whatever way IPv6 writes it', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (value) => {
        const short = writeAddress({ version: 6, value })
        const groups = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => (value >> shift) & 0xffffn)
        const long = groups.map((group) => group.toString(16).padStart(4, '0').toUpperCase()).join(':')
        assert.equal(judgeAddress(long, policy()), judgeAddress(short, policy()), long)
        if (value >> 125n !== 1n) assert.equal(judgeAddress(short, policy()), 'refused', short)
      }),
    )
  })

  it('may be private where the operator names its network', () => {
    const named = policy(['10.1.0.0/16', 'fd00:1::/32'])
    for (const address of ['10.1.2.3', 'fd00:1::5']) assert.equal(judgeAddress(address, named), 'named')
    for (const address of ['10.2.0.1', 'fd00:2::5', '::ffff:10.1.2.3'])
      assert.equal(judgeAddress(address, named), 'refused')
  })

  it('C12 is not the platform’s own, unless it is named by itself', () => {
    const own = ['10.1.0.5', '198.41.0.4']
    assert.equal(judgeAddress('198.41.0.4', policy([], own)), 'refused')
    assert.equal(judgeAddress('10.1.0.5', policy(['10.1.0.0/16'], own)), 'refused')
    assert.equal(judgeAddress('10.1.0.5', policy(['10.1.0.5'], own)), 'named')
    assert.equal(judgeAddress('10.1.0.6', policy(['10.1.0.0/16'], own)), 'named')
  })

  it('C12 is refused together with those that its name has besides', () => {
    assert.equal(judgeAll(['8.8.8.8', '10.0.0.1'], policy()), 'refused')
    assert.equal(judgeAll([], policy()), 'refused')
    assert.equal(judgeAll(['8.8.8.8', '1.1.1.1'], policy()), 'public')
    assert.equal(judgeAll(['8.8.8.8', '10.0.0.1'], policy(['10.0.0.0/8'])), 'public')
    assert.equal(judgeAll(['10.0.0.1'], policy(['10.0.0.0/8'])), 'named')
  })
})

describe('the URL of an outbound connection', () => {
  it('C12 is refused with credentials, another scheme or characters that hide something', () => {
    const wrong = [
      'ftp://example.com/',
      'file:///etc/passwd',
      'gopher://example.com',
      'https://user@example.com/',
      'https://user:pass@example.com/',
      'https://example.com\n.evil.test/',
      ' https://example.com/',
      'https://',
      'example.com/hooks',
      `https://example.com/${'x'.repeat(2000)}`,
    ]
    for (const url of wrong) assert.notEqual(faultOfUrl(url), null, url)
    for (const url of ['https://example.com/hooks?key=1', 'https://[2606:4700::1]:8443/', 'http://10.0.0.1/'])
      assert.equal(faultOfUrl(url), null, url)
  })

  it('C12 means the same address however an IPv4 one is written', () => {
    for (const host of ['127.1', '2130706433', '0x7f.0.0.1', '0177.0.0.1', '127.0.0.1.'])
      assert.equal(hostOf(new URL(`https://${host}/`)), '127.0.0.1', host)
    assert.equal(hostOf(new URL('https://[::ffff:127.0.0.1]/')), '::ffff:7f00:1')
    assert.equal(hostOf(new URL('https://Example.com./')), 'example.com')
  })
})
