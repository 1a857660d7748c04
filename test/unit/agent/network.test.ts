import assert from 'node:assert/strict'
import { defaultCeilings } from '../../../core/domain/resources.ts'
import { publishedPort } from '../../../agent/ports.ts'
import { bandwidthCommand, deviceSettings, insideCommands, linkCommands, linkOf } from '../../../agent/sandbox/link.ts'

const link = linkOf(3, 260)

describe('The link of a sandbox', () => {
  it('follows from its place alone, in its slot’s range', () => {
    assert.deepEqual(link, {
      index: 260,
      device: 'bv3-260',
      namespace: 'berth-3-260',
      namespacePath: '/run/netns/berth-3-260',
      address: '100.67.1.4',
      gateway: '100.67.0.1',
      mac: { host: '02:be:00:00:01:04', app: '02:be:01:00:01:04' },
    })
    assert.ok(linkOf(63, 65_533).device.length <= 15, 'an interface name has at most 15 characters')
  })

  it('S64: is point to point, with fixed neighbours and without ARP on both sides', () => {
    assert.deepEqual(linkCommands(link), [
      'netns add berth-3-260',
      'link add bv3-260 address 02:be:00:00:01:04 type veth peer name eth0 address 02:be:01:00:01:04 netns berth-3-260',
      'link set bv3-260 arp off addrgenmode none up',
      'addr add 100.67.0.1/32 dev bv3-260',
      'neigh add 100.67.1.4 lladdr 02:be:01:00:01:04 dev bv3-260 nud permanent',
      'route add 100.67.1.4/32 dev bv3-260',
    ])
    assert.deepEqual(insideCommands(link), [
      'link set lo up',
      'addr add 100.67.1.4/32 dev eth0',
      'link set eth0 arp off addrgenmode none up',
      'neigh add 100.67.0.1 lladdr 02:be:00:00:01:04 dev eth0 nud permanent',
      'route add 100.67.0.1/32 dev eth0',
      'route add default via 100.67.0.1 dev eth0',
    ])
  })

  it('S63, S65: takes no packet on the host’s side that has another way back, and speaks no IPv6', () => {
    assert.deepEqual(deviceSettings(link), [
      ['ipv4/conf/bv3-260/rp_filter', '1'],
      ['ipv4/conf/bv3-260/accept_redirects', '0'],
      ['ipv6/conf/bv3-260/disable_ipv6', '1'],
    ])
  })

  it('S68: has a token bucket on each end, deep enough for the largest packet and for its rate', () => {
    assert.equal(
      bandwidthCommand('eth0', 10).join(' '),
      'qdisc replace dev eth0 root tbf rate 10mbit burst 131072b latency 25ms mpu 256',
    )
    assert.ok(bandwidthCommand('eth0', 1000).includes('625000b'))
    assert.ok(bandwidthCommand('eth0', defaultCeilings.networkMbit).includes('200mbit'))
  })

  it('is published at a port of the host’s address', () => {
    assert.deepEqual(publishedPort(260, link.address), { port: 10_260, address: '100.67.1.4', appPort: 5000 })
  })
})
