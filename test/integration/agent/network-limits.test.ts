/** What a sandbox may take of the network, and what of it its neighbours notice: nothing. */
import assert from 'node:assert/strict'
import { createConnection, type Socket } from 'node:net'
import { adjustLink, readRefused, sampleLink } from '../../../agent/sandbox/network.ts'
import { linkOf } from '../../../agent/sandbox/link.ts'
import { defaultCeilings } from '#core/domain/resources.ts'
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
  trackedOf,
  udp,
  type Neighbour,
} from '#test/helpers/probes.ts'
import type { TestHost } from '#test/helpers/sandboxes.ts'

const PUBLIC = '203.0.113.81'
const MEGABYTE = 1_000_000

describe('The network limits of a sandbox', function () {
  this.timeout(60_000)
  let world: TestHost
  let outside: Outside
  let neighbour: Neighbour
  useNetwork({ addresses: [PUBLIC] }, (network) => ({ world, outside, neighbour } = network))

  /** Opens this many connections, keeps them, says how many it got, and takes its time. */
  const hoard = (count: number) =>
    python(`
import socket, time
kept, refused = [], False
for i in range(${count}):
  s = socket.socket(); s.settimeout(0.1)
  try: s.connect(("${PUBLIC}", 80)); kept.append(s)
  except ConnectionRefusedError: refused = True
  except OSError: pass
print("kept", len(kept), refused, flush=True)
time.sleep(60)
`)

  it('S68: has so many connections open at a time, is told when there are no more, and its neighbours open theirs', async () => {
    const before = refusals(world)
    const app = await world.start(hoard(60), { ceilings: { connections: 40, connectionsPerSecond: 100_000 } })
    try {
      await printed(world, app, 'kept')
      assert.equal(await world.output(app), 'kept 40 True')
      assert.ok(since(world, before, 'connections') >= 20)
      const tracked = trackedOf(linkOf(world.host.slot, app.index).address)
      assert.equal(tracked.length, 40, 'what was refused takes no place in the table of connections')
      assert.equal((await outside.contacts()).length, 40)
      assert.deepEqual(await contact(world, [tcp(PUBLIC, 80)], { tenant: 'neighbour' }), ['open'])
    } finally {
      await world.remove(app)
    }
  })

  it('S68: opens so many connections a second', async () => {
    const flood = python(`
import socket, time
end = time.time() + 2
n = 0
while time.time() < end and n < 1000:
  s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x", ("${PUBLIC}", 80)); s.close(); n += 1; time.sleep(0.002)
print(n, flush=True)
`)
    const before = refusals(world)
    const began = Date.now()
    const { output } = await world.run(flood, { ceilings: { connectionsPerSecond: 20 } })
    const most = 20 + 20 * ((Date.now() - began) / 1000)
    const arrived = (await outside.contacts()).length
    assert.ok(Number(output) > 2 * most, `the flood was one: ${output}`)
    assert.ok(arrived >= 20 && arrived <= most, `${arrived} of ${output} arrived, at most ${most}`)
    assert.ok(since(world, before, 'connection_rate') >= Number(output) - arrived)
  })

  it('S68: a flood of datagrams costs the flooder, and a neighbour answers all the while', async () => {
    const app = await world.start(
      python(`
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("${PUBLIC}", 7))
print("up", flush=True)
end = time.time() + 1.5
while time.time() < end:
  try: s.send(b"x" * 1400)
  except OSError: pass
print("done", flush=True); time.sleep(60)
`),
      { ceilings: { networkMbit: 8 }, size: { cpuMilli: 500 } },
    )
    try {
      await printed(world, app, 'up')
      const link = linkOf(world.host.slot, app.index)
      const [first, began] = [sampleLink(link), Date.now()]
      for (let i = 0; i < 20; i++) assert.equal(await ask(neighbour.address), 'hello')
      await printed(world, app, 'done')
      const [last, seconds] = [sampleLink(link), (Date.now() - began) / 1000]
      const sent = (last?.outBytes ?? NaN) - (first?.outBytes ?? NaN)
      assert.ok(sent <= 200_000 + seconds * MEGABYTE, `${sent} bytes in ${seconds} s`)
      assert.ok(sent >= 300_000, 'it did send')
    } finally {
      await world.remove(app)
    }
  })

  /** Bytes of a stream that a host program reads from, or writes to, an app at its port; and the seconds it took. */
  async function transfer(address: string, bytes: number, direction: 'in' | 'out'): Promise<number> {
    const socket = createConnection({ host: address, port: 5000 })
    const began = performance.now()
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('close', () => resolve())
      socket.on('data', () => {})
      if (direction === 'in') socket.write(Buffer.alloc(bytes))
      else socket.write('go')
    })
    return (performance.now() - began) / 1000
  }
  const source = python(`
import socket
l = socket.create_server(("0.0.0.0", 5000)); print("up", flush=True)
while True:
  c, _ = l.accept(); c.recv(2); c.sendall(b"x" * 2 * ${MEGABYTE}); c.close()
`)
  const sink = python(`
import socket
l = socket.create_server(("0.0.0.0", 5000)); print("up", flush=True)
while True:
  c, _ = l.accept(); n = 0
  while n < 2 * ${MEGABYTE}: n += len(c.recv(65536))
  c.close()
`)

  for (const [direction, program] of [
    ['out', source],
    ['in', sink],
  ] as const) {
    it(`S68: ${direction === 'in' ? 'receives' : 'sends'} no faster than its bandwidth, which can be changed while it runs`, async () => {
      const app = await world.start(program, { ceilings: { networkMbit: 16 } })
      const link = linkOf(world.host.slot, app.index)
      try {
        await printed(world, app, 'up')
        const slow = await transfer(link.address, 2 * MEGABYTE, direction)
        // 2 MB at 2 MB/s, less what the bucket holds at first.
        assert.ok(slow > 0.85 && slow < 5, `${slow} s at 16 Mbit/s`)
        await adjustLink(world.host.slot, link, { ...defaultCeilings, networkMbit: 400 })
        const fast = await transfer(link.address, 2 * MEGABYTE, direction)
        assert.ok(fast < slow / 2, `${fast} s at 400 Mbit/s`)
      } finally {
        await world.remove(app)
      }
    })
  }

  it('S68: gets new ceilings of connections while it runs', async () => {
    const app = await world.start(
      python(`
import socket, time
def flood():
  n = 0
  for i in range(100):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.05); s.connect(("${PUBLIC}", 80)); kept.append(s)
    try: s.send(b"x"); s.recv(10); n += 1
    except OSError: pass
  return n
kept = []
while True:
  kept.clear(); print("got", flood(), flush=True); time.sleep(0.1)
`),
      { ceilings: { connectionsPerSecond: 100_000, connections: 10 } },
    )
    try {
      await printed(world, app, 'got 10')
      await adjustLink(world.host.slot, linkOf(world.host.slot, app.index), {
        ...defaultCeilings,
        connectionsPerSecond: 100_000,
        connections: 100_000,
      })
      await printed(world, app, 'got 100')
    } finally {
      await world.remove(app)
    }
  })

  it('S70: what a sandbox was refused is counted for it and for nobody else', async () => {
    const { slot } = world.host
    const app = await world.start(
      python(`
import socket, time
def tries(address, port, count):
  for i in range(count):
    s = socket.socket(); s.settimeout(0.5)
    try: s.connect((address, port)); kept.append(s)
    # The host's refusals are limited in number; an open socket would try again without one.
    except OSError: s.close()
kept = []
tries("${PUBLIC}", 25, 3)
tries("${PUBLIC}", 80, 8)
print("done", flush=True); time.sleep(60)
`),
      { ceilings: { connectionsPerSecond: 100_000, connections: 5 } },
    )
    const fast = await world.start(
      python(`
import socket, time
for i in range(200):
  s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x", ("${PUBLIC}", 80)); s.close()
print("done", flush=True); time.sleep(60)
`),
      { ceilings: { connectionsPerSecond: 10 } },
    )
    try {
      await printed(world, app, 'done')
      await printed(world, fast, 'done')
      const refused = await readRefused(slot)
      assert.deepEqual(refused.get(app.index), { lookups: 0, connection_rates: 0, connections: 3, mail: 3 })
      const { connection_rates, ...others } = refused.get(fast.index) ?? assert.fail('its elements are gone')
      assert.ok(connection_rates > 150, String(connection_rates))
      assert.deepEqual(others, { lookups: 0, connections: 0, mail: 0 })
      const none = { lookups: 0, connection_rates: 0, connections: 0, mail: 0 }
      assert.deepEqual(refused.get(neighbour.sandbox.index), none)
      await adjustLink(slot, linkOf(slot, app.index), defaultCeilings)
      assert.deepEqual((await readRefused(slot)).get(app.index), { ...none, mail: 3 })
    } finally {
      await world.remove(app)
      await world.remove(fast)
    }
    assert.equal((await readRefused(slot)).has(app.index), false)
  })

  it('S68: sends fragments like other packets: whole ones arrive, and no more than its bandwidth', async () => {
    const { output } = await world.run(
      python(`
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
s.setsockopt(socket.IPPROTO_IP, 10, 0)
s.connect(("${PUBLIC}", 80))
for i in range(50): s.send(b"x" * 30000)
print(s.recv(10).decode())
`),
    )
    assert.equal(output, 'hello')
    assert.ok((await outside.contacts()).length >= 1)
  })

  it('S69: a flood of connections in reaches one app, and its neighbour answers all the while', async () => {
    const app = await world.start(server(), { ceilings: { networkMbit: 8 } })
    const { address } = linkOf(world.host.slot, app.index)
    const flood: Socket[] = []
    try {
      await printed(world, app, 'up')
      for (let i = 0; i < 300; i++) {
        const socket = createConnection({ host: address, port: 5000 })
        socket.on('error', () => {})
        flood.push(socket)
      }
      for (let i = 0; i < 20; i++) assert.equal(await ask(neighbour.address), 'hello')
      const { output } = await world.run('cat /proc/sys/net/ipv4/tcp_syncookies')
      assert.equal(output, '1')
    } finally {
      for (const socket of flood) socket.destroy()
      await world.remove(app)
    }
  })

  it('S69: a datagram from outside meets no listener of an app, whatever port it is for', async () => {
    const before = refusals(world)
    assert.deepEqual(await contact(world, [udp(neighbour.address, 5000)]), ['silence'])
    assert.ok(since(world, before, 'to_neighbour') >= 1)
  })
})
