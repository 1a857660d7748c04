/** What a sandbox can reach, and who can reach it. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { gatewayOf, linkOf } from '../../../agent/sandbox/link.ts'
import { run } from '#core/runtime/process.ts'
import { loadRuleset } from '../../../agent/sandbox/network.ts'
import { publishedPort } from '../../../agent/ports.ts'
import { useNetwork } from '#test/helpers/network.ts'
import type { Outside } from '#test/helpers/outside.ts'
import {
  ask,
  contact,
  printed,
  python,
  refusals,
  server,
  since,
  tcp,
  udp,
  unhurried,
  type Neighbour,
} from '#test/helpers/probes.ts'
import type { TestHost } from '#test/helpers/sandboxes.ts'

const METADATA = ['169.254.169.254', '100.100.100.200', '168.63.129.16']
const PRIVATE = [
  '10.77.0.1',
  '172.16.77.1',
  '172.31.255.77',
  '192.168.77.1',
  '192.0.0.77',
  '198.18.77.1',
  '169.254.77.1',
  '100.127.77.1',
]
const PUBLIC = '203.0.113.77'

describe('What a sandbox reaches', function () {
  this.timeout(60_000)
  let world: TestHost
  let outside: Outside
  let neighbour: Neighbour
  useNetwork({ addresses: [PUBLIC, ...PRIVATE, ...METADATA] }, (network) => ({ world, outside, neighbour } = network))

  it('is the Internet, under the host’s address', async () => {
    assert.deepEqual(await contact(world, [tcp(PUBLIC, 80), udp(PUBLIC, 80)]), ['open', 'answered'])
    assert.deepEqual((await outside.contacts()).sort(), [`tcp ${PUBLIC}:80`, `udp ${PUBLIC}:80 probe`])
  })

  it('S60: is no listening socket of the host, on any of its addresses', async () => {
    const own = await listen()
    try {
      const addresses = hostAddresses(world)
      const ports = { tcp: listening('tcp', '0A'), udp: listening('udp', '07') }
      assert.ok(
        ports.tcp.includes(own.tcpPort) && ports.udp.includes(own.udpPort),
        'the sweep must find our own listeners',
      )
      const targets = addresses.flatMap((address) => [
        ...ports.tcp.map((port) => ({ address, target: tcp(address, port) })),
        ...ports.udp.map((port) => ({ address, target: udp(address, port) })),
      ])
      const before = refusals(world)
      const found = await contact(
        world,
        targets.map(({ target }) => target),
        unhurried,
      )
      const heard = found.flatMap((outcome, index) => {
        const { address, target } = targets[index] ?? assert.fail('an outcome without a target')
        return outcome === 'silence' ? [] : [`${address}: ${JSON.stringify(target)} ${outcome}`]
      })
      assert.deepEqual(heard, [])
      assert.ok(since(world, before, 'to_host') >= found.length, 'each probe was dropped by the rule for the host')
      assert.deepEqual(own.contacts, [])
    } finally {
      own.close()
    }
  })

  it('S60: is not the host’s loopback: 127.0.0.1 is the sandbox’s own', async () => {
    const own = await listen('127.0.0.1')
    try {
      assert.deepEqual(await contact(world, [tcp('127.0.0.1', own.tcpPort), tcp('127.0.0.53', own.tcpPort)]), [
        'ECONNREFUSED',
        'ECONNREFUSED',
      ])
      assert.deepEqual(own.contacts, [])
    } finally {
      own.close()
    }
  })

  it('S61: is no other instance: not by address, not by a scan, not of its own tenant', async () => {
    const sibling = await world.start(server(), { tenant: 'default', app: 'a-sibling' })
    try {
      await printed(world, sibling, 'up')
      const before = refusals(world)
      const scan = Array.from({ length: 60 }, (_, i) => linkOf(world.host.slot, i + 2).address)
      assert.ok(scan.includes(neighbour.address) && scan.includes(linkOf(world.host.slot, sibling.index).address))
      const targets = scan.flatMap((address) => [tcp(address, 5000), udp(address, 5000)])
      const outcomes = await contact(world, targets, { ...unhurried, tenant: 'default' })
      const own = outcomes.filter((outcome) => outcome === 'ECONNREFUSED')
      assert.ok(own.length <= 2, 'only its own address refuses')
      assert.deepEqual(
        [...new Set(outcomes)].filter((outcome) => outcome !== 'ECONNREFUSED'),
        ['silence'],
      )
      assert.ok(since(world, before, 'to_neighbour') >= 4, 'the two neighbours’ addresses were dropped as such')
    } finally {
      await world.remove(sibling)
    }
  })

  it('S61: is no instance that has got the address of an earlier one', async () => {
    const index = 900
    const first = await world.start(server(), { index, tenant: 'one' })
    await printed(world, first, 'up')
    assert.equal(await ask(linkOf(world.host.slot, index).address), 'hello')
    await world.remove(first)
    const { output } = await world.run(python('print("x")'), { index, tenant: 'two', app: 'a-two' })
    assert.equal(output, 'x')
    const second = await world.start(server(), { index, tenant: 'three', app: 'a-three' })
    try {
      await printed(world, second, 'up')
      assert.equal(await ask(linkOf(world.host.slot, index).address), 'hello')
      assert.deepEqual(await contact(world, [tcp(linkOf(world.host.slot, index).address, 5000)]), ['silence'])
    } finally {
      await world.remove(second)
    }
  })

  it('S62: is no metadata service and no private network, though they answer the host', async () => {
    const addresses = [...METADATA, ...PRIVATE]
    const before = refusals(world)
    const outcomes = await contact(
      world,
      addresses.flatMap((address) => [tcp(address, 80), udp(address, 80), tcp(`::ffff:${address}`, 80)]),
      unhurried,
    )
    assert.deepEqual([...new Set(outcomes)], ['silence'])
    assert.deepEqual(await outside.contacts(), [])
    const dropped = since(world, before, 'to_platform') + since(world, before, 'to_private')
    assert.ok(dropped >= addresses.length * 3, `${dropped} packets dropped`)
    for (const address of addresses) await once(address)
    assert.equal((await outside.contacts()).length, addresses.length, 'the host itself reaches each of them')
  })

  it('S62: is no multicast, broadcast or reserved address', async () => {
    const before = refusals(world)
    const addresses = ['224.0.0.1', '224.0.0.251', '239.255.255.250', '240.0.0.1', '255.255.255.255']
    const outcomes = await contact(
      world,
      addresses.map((address) => udp(address, 1900)),
    )
    assert.deepEqual(
      [...new Set(outcomes)].filter(
        (outcome) => outcome !== 'silence' && outcome !== 'EINVAL' && outcome !== 'ENETUNREACH',
      ),
      [],
    )
    assert.ok(since(world, before, 'nowhere') >= 4)
    assert.deepEqual(await contact(world, [tcp('0.0.0.0', 80)]), ['ECONNREFUSED'])
  })

  it('S63: is nothing over IPv6: no address, no neighbour, no tunnel', async () => {
    const own = await listen('::')
    try {
      const hosts = Object.values(networkInterfaces())
        .flatMap((entries) => entries ?? [])
        .filter(({ family }) => family === 'IPv6')
      const targets = [
        ...hosts.map(({ address, scopeid }) => tcp(scopeid ? `${address}%eth0` : address, own.tcpPort)),
        tcp('fd00:ec2::254', 80),
        tcp('::1', own.tcpPort),
        udp('ff02::1', 5353),
      ]
      const outcomes = await contact(world, targets)
      for (const outcome of outcomes) assert.match(outcome, /ENETUNREACH|EADDRNOTAVAIL|EACCES|ENODEV|EINVAL/)
      assert.deepEqual(own.contacts, [])
    } finally {
      own.close()
    }
    const { output } = await world.run(
      `cat /proc/net/if_inet6 | wc -l; ${python(`
import socket
for proto in (41, 47):
  try: socket.socket(socket.AF_INET, socket.SOCK_RAW, proto); print("RAW")
  except OSError as e: print(e.errno)
`)}`,
    )
    assert.deepEqual(output.split('\n'), ['0', '1', '1'])
  })

  it('S66: is no abstract unix socket of the host', async () => {
    const name = `\0berth-s66-${world.host.slot}`
    const contacts: string[] = []
    const own = createServer((socket) => {
      contacts.push('unix')
      socket.destroy()
    })
    await new Promise<void>((resolve) => own.listen(name, resolve))
    try {
      const { output } = await world.run(
        python(`
import socket
print(sum("@" in line for line in open("/proc/net/unix")))
s = socket.socket(socket.AF_UNIX)
try: s.connect("\\0${name.slice(1)}"); print("REACHED")
except OSError as e: print(e.errno)
`),
      )
      assert.deepEqual(output.split('\n'), ['0', '111'])
      assert.deepEqual(contacts, [])
      const ours = readFileSync('/proc/net/unix', 'utf8').split('\n')
      assert.ok(
        ours.some((line) => line.includes(`@${name.slice(1)}`)),
        'the host has the socket that was looked for',
      )
      assert.deepEqual(
        ours.filter((line) => /@.*(conmon|crun)/.test(line)),
        [],
        'conmon listens nowhere that a shared network would lead to',
      )
    } finally {
      own.close()
    }
  })

  it('S71: is reached by the host only, at $PORT only', async () => {
    const app = await world.start(`${server(5000)} & ${server(8081)} & wait`)
    try {
      await printed(world, app, 'up\nup')
      const { address } = linkOf(world.host.slot, app.index)
      const before = refusals(world)
      assert.equal(await ask(address, 5000), 'hello')
      await assert.rejects(ask(address, 8081), /timed out/)
      assert.ok(since(world, before, 'unasked') >= 1)
      // From outside, even by one who has a route to it and speaks from the router's own port.
      await assert.rejects(
        run([
          'nsenter',
          `--net=${outside.namespacePath}`,
          'timeout',
          '1',
          'bash',
          '-c',
          `exec 3<>/dev/tcp/${address}/5000`,
        ]),
      )
      assert.ok(since(world, before, 'unasked') >= 2)
    } finally {
      await world.remove(app)
    }
  })

  it('S71: is reached at the host’s address by the routers named, and by nobody else', async () => {
    const index = 950
    const { address } = linkOf(world.host.slot, index)
    const published = publishedPort(index, address)
    const app = await world.start(server(), { index, published })
    const knock = ['bash', '-c', `exec 3<>/dev/tcp/${outside.hostAddress}/${published.port}; echo >&3; cat <&3`]
    const fromOutside = () => run(['nsenter', `--net=${outside.namespacePath}`, 'timeout', '1', ...knock])
    try {
      await printed(world, app, 'up')
      await loadRuleset({ ...world.rules, published: outside.hostAddress, routers: [`${outside.address}/32`] })
      assert.match((await fromOutside()).stdout, /hello/)
      assert.equal(await ask(outside.hostAddress, published.port), 'hello', 'a router on this machine too')
      const before = refusals(world)
      assert.deepEqual(await contact(world, [tcp(outside.hostAddress, published.port)]), ['silence'], 'but no app')
      assert.ok(since(world, before, 'to_host') >= 1)
      await loadRuleset({ ...world.rules, published: outside.hostAddress, routers: [] })
      await assert.rejects(fromOutside())
      assert.ok(since(world, before, 'unasked') >= 1)
    } finally {
      await world.remove(app)
      await loadRuleset(world.rules)
    }
  })

  it('S71: cannot listen on a port below 1024, nor connect back to who asked it', async () => {
    const app = await world.start(
      python(`
import socket
try: socket.create_server(("0.0.0.0", 80)); print("BOUND")
except OSError as e: print("bind", e.errno, flush=True)
s = socket.create_server(("0.0.0.0", 5000)); print("up", flush=True)
c, peer = s.accept(); c.recv(65536)
for port in (peer[1], 22, 5000):
  b = socket.socket(); b.settimeout(0.4)
  try: b.connect((peer[0], port)); print("REACHED", flush=True)
  except OSError as e: print("back", e, flush=True)
c.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nhello"); c.close()
`),
    )
    try {
      await printed(world, app, 'up')
      const before = refusals(world)
      assert.equal(await ask(linkOf(world.host.slot, app.index).address), 'hello')
      assert.deepEqual((await world.output(app)).split('\n'), [
        'bind 13',
        'up',
        'back timed out',
        'back timed out',
        'back timed out',
      ])
      assert.ok(since(world, before, 'to_host') >= 3)
    } finally {
      await world.remove(app)
    }
  })

  /** One datagram from the host. */
  async function once(address: string): Promise<void> {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('message', () => resolve())
      socket.send('host', 80, address)
    })
    socket.close()
  }
})

/** Listeners of our own on the host, so that there is something to find. */
async function listen(address = '0.0.0.0') {
  const contacts: string[] = []
  const tcpServer: Server = createServer((socket) => {
    contacts.push('tcp')
    socket.destroy()
  })
  const udpSocket = createSocket(address.includes(':') ? 'udp6' : 'udp4', () => contacts.push('udp'))
  await new Promise<void>((resolve) => tcpServer.listen(0, address, resolve))
  await new Promise<void>((resolve) => udpSocket.bind(0, address, resolve))
  return {
    contacts,
    tcpPort: (tcpServer.address() as AddressInfo).port,
    udpPort: udpSocket.address().port,
    close() {
      tcpServer.close()
      udpSocket.close()
    },
  }
}

/** Ports of the host's sockets in this state (proc(5), /proc/net/tcp: 0A is LISTEN; an unconnected UDP socket is 07). */
function listening(protocol: string, state: string): number[] {
  const rows = [protocol, `${protocol}6`].flatMap((name) =>
    readFileSync(`/proc/net/${name}`, 'utf8').split('\n').slice(1),
  )
  const columns = rows.map((row) => row.trim().split(/\s+/)).filter((row) => row[3] === state)
  return [...new Set(columns.map((row) => parseInt(row[1]?.split(':').at(-1) ?? '', 16)))]
}

/** Of this test's host and of the machine; links of the tests' other hosts come and go, and without them their addresses are the Internet's. */
function hostAddresses({ host }: TestHost): string[] {
  const ofOthers = new RegExp(`^b[ov](?!${host.slot}(\\D|$))\\d`)
  const found = Object.entries(networkInterfaces())
    .filter(([device]) => !ofOthers.test(device))
    .flatMap(([, entries]) => entries ?? [])
    .filter(({ family }) => family === 'IPv4')
    .map(({ address }) => address)
  return [...new Set([...found, gatewayOf(host.slot)])].filter((address) => !address.startsWith('127.'))
}
