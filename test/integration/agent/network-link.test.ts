/** A sandbox's link: what an app, and even root inside its network namespace, can do with it. */
import assert from 'node:assert/strict'
import { run } from '#core/runtime/process.ts'
import { linkOf } from '../../../agent/sandbox/link.ts'
import { useNetwork } from '#test/helpers/network.ts'
import type { Outside } from '#test/helpers/outside.ts'
import { printed, python, refusals, since, type Neighbour } from '#test/helpers/probes.ts'
import type { TestHost } from '#test/helpers/sandboxes.ts'

const PUBLIC = '203.0.113.78'

describe('The link of a sandbox', function () {
  this.timeout(60_000)
  let world: TestHost
  let outside: Outside
  let neighbour: Neighbour
  useNetwork({ addresses: [PUBLIC] }, (network) => ({ world, outside, neighbour } = network))

  /** With all of root's rights inside the app's network namespace: more than any app has. */
  const asRoot = (index: number, ...argv: string[]) =>
    run(['nsenter', `--net=${linkOf(world.host.slot, index).namespacePath}`, ...argv])
  const send = (source = '') => ['bash', '-c', `${source}exec 3<>/dev/udp/${PUBLIC}/80; echo -n probe >&3`]

  it('S63, S64: has neither ARP nor IPv6, and one neighbour for good', async () => {
    const { output } = await world.run('tail -n +2 /proc/net/arp; cat /proc/sys/net/ipv6/conf/all/disable_ipv6')
    // 0x6: permanent and complete.
    assert.match(output, /^100\.\d+\.0\.1\s+0x1\s+0x6\s+02:be:00:00:00:\w\w\s+\*\s+eth0\n1$/)
    const sandbox = await world.start('exec sleep 60')
    try {
      const { stdout } = await asRoot(sandbox.index, 'ip', 'link', 'show', 'eth0')
      assert.match(stdout, /NOARP/)
      const { stdout: groups } = await asRoot(sandbox.index, 'sysctl', '-n', 'net.ipv4.ping_group_range')
      assert.equal(groups.trim(), '1\t0')
    } finally {
      await world.remove(sandbox)
    }
  })

  it('S64: is not the app’s to change: no packet sockets, no MAC, no promiscuity, no DHCP server', async () => {
    const { output } = await world.run(
      python(`
import socket, fcntl, struct, errno
def attempt(name, f):
  try: f(); print("DID", name)
  except OSError as e: print(name, errno.errorcode[e.errno])
attempt("packet", lambda: socket.socket(17, socket.SOCK_RAW, 0x0300))
attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 17))
attempt("ping", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
name = b"eth0".ljust(16, b"\\0")
attempt("mac", lambda: fcntl.ioctl(s, 0x8924, name + struct.pack("H6s", 1, b"\\2\\xbe\\1\\0\\0\\1") + b"\\0" * 8))
attempt("promiscuous", lambda: fcntl.ioctl(s, 0x8914, name + struct.pack("H", 0x1143) + b"\\0" * 14))
attempt("address", lambda: fcntl.ioctl(s, 0x8916, name + struct.pack("HH4s", 2, 0, socket.inet_aton("10.0.0.9")) + b"\\0" * 8))
attempt("dhcp", lambda: s.bind(("0.0.0.0", 67)))
attempt("device", lambda: s.setsockopt(socket.SOL_SOCKET, 36, 7))
`),
    )
    assert.deepEqual(output.split('\n'), [
      'packet EAFNOSUPPORT',
      'raw EPERM',
      'ping EPERM',
      'mac EPERM',
      'promiscuous EPERM',
      'address EPERM',
      'dhcp EACCES',
      'device EPERM',
    ])
  })

  it('S64, S65: whatever address or MAC it were given inside, the host drops what is not the link’s own', async () => {
    const sandbox = await world.start('exec sleep 60')
    const link = linkOf(world.host.slot, sandbox.index)
    try {
      await asRoot(sandbox.index, ...send())
      assert.deepEqual(await outside.contacts(), [`udp ${PUBLIC}:80 probe`], 'its own address passes')

      const before = refusals(world)
      await asRoot(sandbox.index, 'ip', 'addr', 'add', `${neighbour.address}/32`, 'dev', 'eth0')
      await asRoot(
        sandbox.index,
        'ip',
        'route',
        'replace',
        'default',
        'via',
        link.gateway,
        'dev',
        'eth0',
        'src',
        neighbour.address,
      )
      await asRoot(sandbox.index, ...send())
      assert.ok(since(world, before, 'forged') >= 1, 'the neighbour’s address was dropped')

      await asRoot(
        sandbox.index,
        'ip',
        'route',
        'replace',
        'default',
        'via',
        link.gateway,
        'dev',
        'eth0',
        'src',
        link.address,
      )
      await asRoot(
        sandbox.index,
        'ip',
        'link',
        'set',
        'eth0',
        'address',
        linkOf(world.host.slot, neighbour.sandbox.index).mac.app,
      )
      await asRoot(
        sandbox.index,
        ...`ip neigh replace ${link.gateway} lladdr ${link.mac.host} dev eth0 nud permanent`.split(' '),
      )
      const middle = refusals(world)
      await asRoot(sandbox.index, ...send())
      assert.ok(since(world, middle, 'forged') >= 1, 'the neighbour’s MAC was dropped')
      assert.deepEqual(await outside.contacts(), [])
    } finally {
      await world.remove(sandbox)
    }
  })

  it('S65: an app cannot send from an address that is not its own', async () => {
    const { output } = await world.run(
      python(`
import socket, errno
def attempt(name, option, source):
  s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
  try:
    if option: s.setsockopt(socket.IPPROTO_IP, option, 1)
    s.bind((source, 0)); s.sendto(b"forged", ("${PUBLIC}", 80)); print("SENT", name)
  except OSError as e: print(name, errno.errorcode[e.errno])
attempt("plain", 0, "${neighbour.address}")
attempt("transparent", 19, "${neighbour.address}")
attempt("freebind", 15, "${neighbour.address}")
attempt("loopback", 0, "127.0.0.1")
`),
    )
    assert.match(output, /^plain EADDRNOTAVAIL\ntransparent EPERM\nfreebind (ENETUNREACH|EINVAL)\nloopback EINVAL$/)
    assert.deepEqual(await outside.contacts(), [])
  })

  it('S65: the host’s side takes only packets whose way back it is', async () => {
    const { stdout } = await run([
      'sysctl',
      '-n',
      `net.ipv4.conf.bv${world.host.slot}-${neighbour.sandbox.index}.rp_filter`,
    ])
    assert.equal(stdout.trim(), '1')
  })

  it('S72: the rules, addresses and routes of its namespace are not the app’s to change', async () => {
    const sandbox = await world.start(
      python(`
import socket, struct, errno, subprocess, time
# rtnetlink(7): a header, then the family's own one; the kernel answers with an error message, errno first.
def ask(protocol, kind, body):
  try:
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    s.send(struct.pack("IHHII", 16 + len(body), kind, 0x5 | 0x400, 1, 0) + body)
    return errno.errorcode[-struct.unpack("i", s.recv(4096)[16:20])[0]]
  except OSError as e: return errno.errorcode[e.errno]
eth0 = socket.if_nametoindex("eth0")
address = struct.pack("HH4s", 8, 2, socket.inet_aton("10.9.9.9"))
print("address", ask(0, 20, struct.pack("BBBBI", 2, 32, 0, 0, eth0) + address))
print("route", ask(0, 24, struct.pack("BBBBBBBBI", 2, 32, 0, 0, 254, 3, 0, 1, 0) + struct.pack("HH4s", 8, 1, socket.inet_aton("10.9.9.9")) + struct.pack("HHI", 8, 4, eth0)))
print("link", ask(0, 16, struct.pack("BBHiII", 0, 0, 0, eth0, 0, 1)))
print("queue", ask(0, 37, struct.pack("BBHiIII", 0, 0, 0, eth0, 0, 0xffffffff, 0)))
print("nftables", ask(12, 0, b""), flush=True)
time.sleep(60)
`),
    )
    try {
      await printed(world, sandbox, 'nftables')
      assert.match(
        await world.output(sandbox),
        /^address EPERM\nroute EPERM\nlink EPERM\nqueue EPERM\nnftables (ENOSYS|EPROTONOSUPPORT)$/,
      )
      const { stdout: addresses } = await asRoot(sandbox.index, 'ip', '-o', '-4', 'addr')
      assert.equal(addresses.trim().split('\n').length, 2, 'loopback and its own')
      const { stdout: queue } = await asRoot(sandbox.index, 'tc', 'qdisc', 'show', 'dev', 'eth0')
      assert.match(queue, /tbf .* rate 200Mbit/)
    } finally {
      await world.remove(sandbox)
    }
  })
})
