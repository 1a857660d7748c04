import assert from 'node:assert/strict'
import { seccompProfile } from '../../../agent/sandbox/seccomp.ts'
import { ociSpec } from '../../../agent/sandbox/spec.ts'

const MIB = 1024 * 1024

describe('The OCI specification of a sandbox, whole', () => {
  it('is exactly what was reviewed, for an app of one core, 512 MiB and 256 processes', () => {
    const seccomp = seccompProfile('x64')
    const spec = ociSpec({
      hostname: 'web-1',
      argv: ['/usr/bin/tini', '--', 'node', 'server.js'],
      env: { PATH: '/usr/bin:/bin', PORT: '5000' },
      cwd: '/app',
      uidBase: 0x10000000,
      size: { memoryMb: 512, cpuMilli: 1000, pids: 256, diskMb: 1024 },
      rootPath: '/stack',
      networkNamespace: '/run/netns/berth-0-i-1',
      cgroupPath: '/berth-0/default/a-1/i-1',
      binds: [
        { source: '/var/lib/berth/agent/sandboxes/i-1/app', target: '/app', readOnly: false },
        { source: '/var/lib/berth/agent/etc/hosts', target: '/etc/hosts', readOnly: true },
      ],
      seccomp,
      cgroupView: true,
      shmMb: 64,
    })
    assert.deepEqual(spec, {
      ociVersion: '1.0.2',
      hostname: 'web-1',
      root: { path: '/stack', readonly: true },
      process: {
        terminal: false,
        user: { uid: 1000, gid: 1000, umask: 0o022 },
        args: ['/usr/bin/tini', '--', 'node', 'server.js'],
        env: ['PATH=/usr/bin:/bin', 'PORT=5000'],
        cwd: '/app',
        noNewPrivileges: true,
        capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
        rlimits: [
          { type: 'RLIMIT_NOFILE', soft: 4096, hard: 16_384 },
          { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
          { type: 'RLIMIT_MEMLOCK', soft: 65_536, hard: 65_536 },
          { type: 'RLIMIT_MSGQUEUE', soft: 819_200, hard: 819_200 },
        ],
      },
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
        {
          destination: '/dev',
          type: 'tmpfs',
          source: 'tmpfs',
          options: ['nosuid', 'noexec', 'nodev', 'strictatime', 'mode=755', 'size=64k', 'nr_inodes=64'],
        },
        {
          destination: '/dev/pts',
          type: 'devpts',
          source: 'devpts',
          options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
        },
        {
          destination: '/dev/shm',
          type: 'tmpfs',
          source: 'shm',
          options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=64m', 'nr_inodes=4096'],
        },
        {
          destination: '/sys/fs/cgroup',
          type: 'cgroup',
          source: 'cgroup',
          options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
        },
        { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
        {
          destination: '/app',
          type: 'bind',
          source: '/var/lib/berth/agent/sandboxes/i-1/app',
          options: ['rbind', 'rprivate', 'nosuid', 'nodev', 'rw'],
        },
        {
          destination: '/etc/hosts',
          type: 'bind',
          source: '/var/lib/berth/agent/etc/hosts',
          options: ['rbind', 'rprivate', 'nosuid', 'nodev', 'ro'],
        },
      ],
      linux: {
        namespaces: [
          { type: 'user' },
          { type: 'pid' },
          { type: 'mount' },
          { type: 'ipc' },
          { type: 'uts' },
          { type: 'cgroup' },
          { type: 'network', path: '/run/netns/berth-0-i-1' },
        ],
        uidMappings: [{ containerID: 0, hostID: 0x10000000, size: 2048 }],
        gidMappings: [{ containerID: 0, hostID: 0x10000000, size: 2048 }],
        cgroupsPath: '/berth-0/default/a-1/i-1',
        resources: {
          devices: [
            { allow: false, access: 'rwm' },
            ...[
              [1, 3],
              [1, 5],
              [1, 7],
              [1, 8],
              [1, 9],
              [5, 0],
              [5, 2],
            ].map(([major, minor]) => ({ allow: true, type: 'c', major, minor, access: 'rw' })),
            { allow: true, type: 'c', major: 136, access: 'rw' },
            { allow: false, type: 'c', major: 10, minor: 200, access: 'rwm' },
          ],
          memory: { limit: 512 * MIB, swap: 512 * MIB, disableOOMKiller: false },
          cpu: { quota: 100_000, period: 100_000, shares: 1024 },
          pids: { limit: 256 },
        },
        maskedPaths: [
          '/proc/acpi',
          '/proc/asound',
          '/proc/buddyinfo',
          '/proc/bus',
          '/proc/cmdline',
          '/proc/config.gz',
          '/proc/diskstats',
          '/proc/driver',
          '/proc/interrupts',
          '/proc/iomem',
          '/proc/ioports',
          '/proc/kallsyms',
          '/proc/kcore',
          '/proc/key-users',
          '/proc/keys',
          '/proc/latency_stats',
          '/proc/modules',
          '/proc/mtrr',
          '/proc/pagetypeinfo',
          '/proc/partitions',
          '/proc/pressure',
          '/proc/sched_debug',
          '/proc/schedstat',
          '/proc/scsi',
          '/proc/slabinfo',
          '/proc/softirqs',
          '/proc/swaps',
          '/proc/timer_list',
          '/proc/timer_stats',
          '/proc/vmallocinfo',
          '/proc/zoneinfo',
        ],
        readonlyPaths: ['/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
        seccomp,
        rootfsPropagation: 'rprivate',
      },
    })
  })
})
