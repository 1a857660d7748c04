import assert from 'node:assert/strict'
import { BlockList, isIP } from 'node:net'
import fc from 'fast-check'
import { isInRange, parseAddress, parseRange } from '#core/domain/range.ts'

const holds = (range: string, address: string): boolean => {
  const parsed = parseRange(range)
  const words = parseAddress(address)
  assert.ok(parsed, range)
  return words !== null && isInRange(parsed, words)
}

describe('a range of client addresses', () => {
  it('holds what its prefix says, IPv4 and IPv6', () => {
    for (const [range, inside, outside] of [
      ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'], ['11.0.0.0', '9.255.255.255', '::a00:1']],
      ['192.0.2.7', ['192.0.2.7'], ['192.0.2.6', '192.0.2.8']],
      ['0.0.0.0/0', ['1.2.3.4'], ['::1', '2001:db8::1']],
      ['2001:db8::/33', ['2001:db8:7fff::1', '2001:DB8::'], ['2001:db8:8000::', '2001:db7::']],
      ['::/0', ['::1', '1.2.3.4'], []],
      ['fe80::1', ['fe80::1', 'fe80:0:0:0:0:0:0:1'], ['fe80::2', 'fe80::1%eth0']],
    ] as const) {
      for (const address of inside) assert.equal(holds(range, address), true, `${address} in ${range}`)
      for (const address of outside) assert.equal(holds(range, address), false, `${address} not in ${range}`)
    }
    assert.equal(holds('10.0.0.0/8', 'unknown'), false)
  })

  it('is none when it is malformed or has bits beyond its prefix', () => {
    const wrong =
      '10.0.0.1/8|10.0.0.0/33|10.0.0|256.0.0.0|10.0.0.0/|10.0.0.0/8/8|/8|::1::|1:2:3:4:5:6:7|1:2:3:4:5:6:7:8:9|g::|2001:db8::/129|' +
      '2001:db8::1/32|::1.2.3|1.2.3.4::|:1|1:|:::|12345::|fe80::%eth0| 10.0.0.0/8|10.0.0.0/-1|10.0.0.0/8 |'
    for (const text of wrong.split('|')) assert.equal(parseRange(text), null, text)
  })

  it('agrees with Node about every address and prefix', () => {
    const v4 = fc.ipV4()
    const v6 = fc.ipV6()
    fc.assert(
      fc.property(fc.oneof(fc.tuple(v4, v4), fc.tuple(v6, v6)), fc.nat(128), ([net, address], bits) => {
        const family = isIP(net) === 4 ? 'ipv4' : 'ipv6'
        const length = family === 'ipv4' ? bits % 33 : bits
        const range = parseRange(`${net}/${length}`)
        if (range === null) return
        const list = new BlockList()
        list.addSubnet(net, length, family)
        assert.equal(holds(`${net}/${length}`, address), list.check(address, family))
        assert.equal(holds(`${net}/${length}`, net), true)
      }),
      { numRuns: 3000 },
    )
  })
})
