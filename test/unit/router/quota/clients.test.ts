import assert from 'node:assert/strict'
import {
  clientKey,
  Clients,
  defaultClientLimits,
  NO_CLIENT,
  TOO_MANY_CONNECTIONS,
} from '../../../../router/quota/clients.ts'

const clientsOf = (limits: Partial<typeof defaultClientLimits> = {}) =>
  new Clients({ ...defaultClientLimits, ...limits })

describe('clients of a router', () => {
  it('Q02: have a number of connections each, and get a closed one back', () => {
    const clients = clientsOf({ connections: 2 })
    const first = clients.open('192.0.2.1', 0)
    assert.equal(clients.open('192.0.2.1', 0), first)
    assert.equal(clients.open('192.0.2.1', 0), TOO_MANY_CONNECTIONS)
    assert.notEqual(clients.open('192.0.2.2', 0), TOO_MANY_CONNECTIONS)
    clients.close(first)
    assert.equal(clients.open('192.0.2.1', 0), first)
  })

  it('Q04: pay for hosts that nobody has with a budget of their own', () => {
    const clients = clientsOf({ unknownPerSecond: 10, unknownBurst: 5 })
    const [flood, calm] = [clients.open('192.0.2.1', 0), clients.open('192.0.2.2', 0)]
    const asked = Array.from({ length: 20 }, () => clients.admitUnknown(flood, 0))
    assert.equal(asked.filter(Boolean).length, 5)
    assert.equal(clients.admitUnknown(calm, 0), true)
    assert.equal(clients.admitUnknown(flood, 100), true)
    assert.equal(clients.admitUnknown(flood, 100), false)
  })

  it('on the router’s own machine are load balancers and tools, which nobody judges', () => {
    const clients = clientsOf({ connections: 1 })
    assert.deepEqual(
      [1, 2, 3].map(() => clients.open('127.0.0.1', 0)),
      [NO_CLIENT, NO_CLIENT, NO_CLIENT],
    )
  })

  it('Q02: cost a flood of addresses no memory, and who is connected keeps its count', () => {
    const clients = clientsOf({ connections: 1, capacity: 100 })
    clients.open('198.51.100.1', 0)
    for (let i = 0; i < 10_000; i += 1) clients.close(clients.open(`10.0.${i >> 8}.${i & 255}`, i))
    assert.ok(clients.size <= 100)
    assert.equal(clients.open('198.51.100.1', 1), TOO_MANY_CONNECTIONS)
  })

  it('are a whole /64 of IPv6, and one address of IPv4, however it is written', () => {
    const same = ['2001:db8:0:1::1', '2001:db8::1:ffff:2:3:4', '2001:0DB8:0:0001:ffff::', '2001:db8:0:1:0:0:0:9%eth0']
    for (const address of same) assert.equal(clientKey(address), '2001:db8:0:1::/64', address)
    assert.equal(clientKey('2001:db8:0:2::1'), '2001:db8:0:2::/64')
    assert.equal(clientKey('::1'), '0:0:0:0::/64')
    for (const mapped of ['::ffff:192.0.2.7', '0:0:0:0:0:ffff:192.0.2.7']) assert.equal(clientKey(mapped), '192.0.2.7')
    assert.equal(clientKey('192.0.2.7'), '192.0.2.7')
  })
})
