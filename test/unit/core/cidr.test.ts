import assert from 'node:assert/strict'
import { egressFault, MAX_EGRESS_ENTRIES, mergeCidrs, readCidr } from '../../../core/domain/cidr.ts'

describe('IPv4 networks', () => {
  it('are read as CIDR, and a bare address as a network of one', () => {
    assert.equal(readCidr('10.0.0.0/8'), '10.0.0.0/8')
    assert.equal(readCidr('0.0.0.0/0'), '0.0.0.0/0')
    assert.equal(readCidr('255.255.255.255'), '255.255.255.255/32')
  })

  it('are refused when malformed, when IPv6, and when bits are set beyond the prefix', () => {
    for (const text of [
      '',
      '10.0.0/8',
      // Octal to some.
      '010.001.0.0/16',
      '10.0.0.0/33',
      '10.0.0.256',
      '10.0.0.1/8',
      '10.0.0.0/8 ',
      '10.0.0.0/8,1.1.1.1',
      '::/0',
      '::ffff:10.0.0.1',
      '1.1.1.1 } ; flush ruleset',
    ])
      assert.equal(readCidr(text), null, text)
  })

  it('are merged: what lies within another is left out, in the order of addresses', () => {
    assert.deepEqual(
      mergeCidrs(['192.0.2.0/24', '10.1.0.0/16', '10.0.0.0/8', '10.0.0.0/8', '192.0.2.7', '9.255.255.255']),
      ['9.255.255.255/32', '10.0.0.0/8', '192.0.2.0/24'],
    )
    assert.deepEqual(mergeCidrs(['128.0.0.0/1', '0.0.0.0/0', '255.255.255.255']), ['0.0.0.0/0'])
    assert.deepEqual(mergeCidrs(['10.0.0.0/9', '10.128.0.0/9']), ['10.0.0.0/9', '10.128.0.0/9'])
  })

  it('make a tenant’s policy, whose faults are named with their value', () => {
    assert.equal(egressFault({ allow: ['10.1.0.0/16'], deny: ['0.0.0.0/0'] }), null)
    assert.match(egressFault({ allow: [], deny: ['10.0.0.1/8'] }) ?? '', /"10\.0\.0\.1\/8" in the deny list/)
    const many = Array.from({ length: MAX_EGRESS_ENTRIES + 1 }, (_, i) => `10.0.0.${i}`)
    assert.match(egressFault({ allow: many, deny: [] }) ?? '', /allow list has 101 networks; at most 100/)
  })
})
