import assert from 'node:assert/strict'
import { linkOf, ruleset } from '../../../agent/sandbox/network.ts'
import { publishedPort } from '../../../agent/ports.ts'

const link = linkOf(3, 260, 'i-one')

describe('The network of a sandbox', () => {
  it('S64: has one address, derived from its place, in its slot’s range', () => {
    assert.equal(link.address, '100.67.1.4')
    assert.equal(link.device, 'bv3-260')
    assert.ok(link.device.length <= 15, 'an interface name has at most 15 characters')
    assert.ok(linkOf(63, 65_533, 'i-x').device.length <= 15)
  })

  it('is one table, replaced in one transaction, with the links that are up in its set from the start', () => {
    const text = ruleset({ slot: 3, resolvers: ['10.0.0.53'], published: null }, [link], [])
    assert.ok(text.startsWith('table inet berth_3\ndelete table inet berth_3\ntable inet berth_3 {'))
    assert.match(text, /set sources \{ type ifname \. ipv4_addr; elements = \{ "bv3-260" \. 100\.67\.1\.4 \}; \}/)
  })

  it('S65: drops what does not come from a link’s own address before anything else looks at it', () => {
    assert.match(
      ruleset({ slot: 3, resolvers: [], published: null }, [], []),
      /priority raw; policy accept;\n\s+iifname "bv3-\*" iifname \. ip saddr != @sources drop/,
    )
  })

  it('S62: blocks private, link-local and metadata addresses', () => {
    const text = ruleset({ slot: 0, resolvers: [], published: null }, [], [])
    for (const range of [
      '10.0.0.0/8',
      '169.254.0.0/16',
      '100.64.0.0/10',
      '172.16.0.0/12',
      '192.168.0.0/16',
      '168.63.129.16/32',
      '127.0.0.0/8',
    ])
      assert.ok(text.includes(range), range)
  })

  it('publishes instances at the host’s address only where the host has one', () => {
    assert.ok(!ruleset({ slot: 0, resolvers: [], published: null }, [], []).includes('dnat'))
    const port = publishedPort(260, link.address)
    const text = ruleset({ slot: 3, resolvers: [], published: '192.0.2.10' }, [link], [port])
    assert.match(text, /ip daddr 192\.0\.2\.10 dnat ip to tcp dport map @published/)
    assert.match(text, /10260 : 100\.67\.1\.4 \. 5000/)
  })
})
