import assert from 'node:assert/strict'
import { defaultResources } from '../../../core/domain/resources.ts'
import { seccompProfile } from '../../../agent/sandbox/seccomp.ts'
import { ociSpec } from '../../../agent/sandbox/spec.ts'
import { commandLine, parseListening } from '../../../agent/sandbox/process.ts'

const spec = ociSpec({
  hostname: 'web-1',
  argv: ['/bin/true'],
  env: { PORT: '5000' },
  cwd: '/app',
  uidBase: 0x10000000,
  size: defaultResources,
  rootPath: '/stack',
  networkNamespace: '/run/netns/berth-0-i-1',
  cgroupPath: '/berth-0/default/a-1/i-1',
  binds: [{ source: '/somewhere', target: '/app', readOnly: false }],
  seccomp: seccompProfile('x64'),
  cgroupView: false,
  shmMb: 64,
  maxOpenFiles: 20_000,
  hugePages: ['2MB', '1GB'],
  disks: [{ major: 7, minor: 3 }],
  ioMbPerSecond: 200,
})

describe('The OCI specification of a sandbox', () => {
  it('S01: gives no capability and no new privileges', () => {
    for (const set of Object.values(spec.process.capabilities)) assert.deepEqual(set, [])
    assert.equal(spec.process.noNewPrivileges, true)
  })

  it('S02: gives every kind of namespace of its own', () => {
    assert.deepEqual(spec.linux.namespaces.map(({ type }) => type).sort(), [
      'cgroup',
      'ipc',
      'mount',
      'network',
      'pid',
      'user',
      'uts',
    ])
  })

  it('S03: maps only ids of the app’s own range, never host root', () => {
    assert.deepEqual(spec.linux.uidMappings, [{ containerID: 0, hostID: 0x10000000, size: 2048 }])
    assert.deepEqual(spec.process.user, { uid: 1000, gid: 1000, umask: 0o022 })
  })

  it('S05, S14: mounts everything nosuid, and nothing with devices but /dev and its terminals', () => {
    for (const mount of spec.mounts) {
      assert.ok(mount.options.includes('nosuid'), `${mount.destination} is not nosuid`)
      if (!mount.destination.startsWith('/dev'))
        assert.ok(mount.options.includes('nodev'), `${mount.destination} is not nodev`)
    }
    assert.equal(spec.root.readonly, true)
  })

  it('S14: denies every device but the harmless ones, tun by name', () => {
    const [first] = spec.linux.resources.devices
    const last = spec.linux.resources.devices.at(-1)
    assert.deepEqual(first, { allow: false, access: 'rwm' })
    assert.deepEqual(last, { allow: false, type: 'c', major: 10, minor: 200, access: 'rwm' })
  })

  it('S42: allows no swap beyond the memory limit', () => {
    const { memory } = spec.linux.resources
    assert.equal(memory.swap, memory.limit)
    assert.equal(memory.limit, 512 * 1024 * 1024)
  })

  it('S40, S45, S51: bounds processes, CPU time, huge pages, and reading and writing of each disk', () => {
    const { pids, cpu, hugepageLimits, blockIO } = spec.linux.resources
    assert.deepEqual(pids, { limit: 256 })
    assert.deepEqual(cpu, { quota: 100_000, period: 100_000 })
    assert.deepEqual(hugepageLimits, [
      { pageSize: '2MB', limit: 0 },
      { pageSize: '1GB', limit: 0 },
    ])
    const rate = [{ major: 7, minor: 3, rate: 200 * 1024 * 1024 }]
    assert.deepEqual(blockIO, { throttleReadBpsDevice: rate, throttleWriteBpsDevice: rate })
  })

  it('S43, S44, S48: bounds files by number and size, as far as the machine lets it, and allows no core', () => {
    const limits = Object.fromEntries(spec.process.rlimits.map(({ type, soft, hard }) => [type, [soft, hard]]))
    assert.deepEqual(limits['RLIMIT_NOFILE'], [1024, 20_000])
    assert.deepEqual(limits['RLIMIT_FSIZE'], [1024 ** 3, 1024 ** 3])
    assert.deepEqual(limits['RLIMIT_CORE'], [0, 0])
    assert.deepEqual(limits['RLIMIT_MEMLOCK'], [65_536, 65_536])
  })

  it('puts nothing secret where others could read it: the environment is only in the process', () => {
    const { process: _process, ...rest } = spec
    assert.ok(!JSON.stringify(rest).includes('PORT'))
  })
})

describe('A tenant’s command', () => {
  const script = (command: string) => commandLine(command).at(-1)

  it('replaces the shell when it is one command, so that none stays in memory and signals reach the app', () => {
    for (const command of [
      'node server.js',
      'node "my server.js" --port=$PORT',
      "python3 -c 'a; b'",
      'java -jar app.jar',
    ]) {
      assert.equal(script(command), `exec ${command}`)
    }
  })

  it('keeps the shell where it is needed, waiting for the app to end in good order', () => {
    for (const command of [
      'A=1 node server.js',
      'cd api && node server.js',
      'a; b',
      'node x.js > log',
      'echo $(id)',
      'if true; then a; fi',
    ]) {
      assert.equal(script(command), `trap 'exit 143' TERM; ${command}`)
    }
  })
})

describe('Finding the ports that an app listens on', () => {
  it('reads listening sockets of IPv4 and IPv6 only', () => {
    const table = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 00000000:0F9F 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1',
      '   1: 0100007F:1388 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 2 1',
      '   2: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 3 1',
    ].join('\n')
    assert.deepEqual(parseListening(table), [3999, 8080])
  })
})
