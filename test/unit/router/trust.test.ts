import assert from 'node:assert/strict'
import { clientOf, isTrusted, trustedFrom } from '../../../router/trust.ts'

const trusted = trustedFrom(['10.0.0.0/8', 'fd00::/8'])
const of = (peer: string, forwardedFor: string | null, forwardedProto: string | null = null) =>
  clientOf(peer, { forwardedFor, forwardedProto }, trusted)

describe('The client of a request', () => {
  it('H57: is the peer, whatever it says, unless the operator trusts it', () => {
    assert.deepEqual(of('198.51.100.7', '203.0.113.1', 'https'), { address: '198.51.100.7', proto: null })
    assert.deepEqual(of('2001:db8::1', '203.0.113.1', 'https'), { address: '2001:db8::1', proto: null })
    assert.deepEqual(clientOf('10.0.0.1', { forwardedFor: '203.0.113.1', forwardedProto: 'https' }, []), {
      address: '10.0.0.1',
      proto: null,
    })
  })

  const chains: [peer: string, forwardedFor: string | null, client: string][] = [
    ['10.0.0.1', null, '10.0.0.1'],
    ['10.0.0.1', '203.0.113.1', '203.0.113.1'],
    ['::ffff:10.0.0.1', '203.0.113.1', '203.0.113.1'],
    ['fd00::1', '2001:DB8:0::1', '2001:db8::1'],
    // What the client itself wrote stands left of what a load balancer added.
    ['10.0.0.1', '192.0.2.66, 203.0.113.1', '203.0.113.1'],
    ['10.0.0.1', '192.0.2.66,203.0.113.1, 10.0.0.2 ,fd00::5', '203.0.113.1'],
    ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['10.0.0.1', '203.0.113.1, unknown, 10.0.0.2', '10.0.0.2'],
    ['10.0.0.1', '203.0.113.1,', '10.0.0.1'],
    ['10.0.0.1', 'evil<script>', '10.0.0.1'],
    ['10.0.0.1', '203.0.113.1:4711', '203.0.113.1'],
    ['10.0.0.1', '[2001:db8::9]:4711', '2001:db8::9'],
    ['10.0.0.1', '[2001:db8::9]', '2001:db8::9'],
    ['10.0.0.1', `${'203.0.113.9, '.repeat(500)}10.0.0.2`, '203.0.113.9'],
    ['10.0.0.1', Array(500).fill('10.0.0.2').join(','), '10.0.0.2'],
  ]
  for (const [peer, forwardedFor, client] of chains)
    it(`is ${client} for ${peer} with ${JSON.stringify(forwardedFor?.slice(0, 60) ?? null)}`, () => {
      assert.equal(of(peer, forwardedFor).address, client)
    })

  it('spoke what its load balancer says last', () => {
    assert.equal(of('10.0.0.1', null, 'https').proto, 'https')
    assert.equal(of('10.0.0.1', null, 'HTTPS').proto, 'https')
    assert.equal(of('10.0.0.1', null, 'https, http').proto, 'http')
    assert.equal(of('10.0.0.1', null, 'ftp').proto, null)
    assert.equal(of('10.0.0.1', null, 'https,').proto, null)
  })

  it('has one address, however its peer writes it', () => {
    assert.equal(of('::ffff:198.51.100.7', null).address, '198.51.100.7')
  })
})

describe('A peer', () => {
  it('is trusted in one of the networks only', () => {
    assert.ok(isTrusted('10.9.9.9', trusted) && isTrusted('::ffff:10.9.9.9', trusted) && isTrusted('fdaa::1', trusted))
    assert.ok(!isTrusted('11.0.0.1', trusted) && !isTrusted('fe80::1', trusted) && !isTrusted('', trusted))
  })
})
