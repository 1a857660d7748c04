/**
 * The OCI runtime specification of a sandbox: one pure function, the same for every way to enter (web, worker, build).
 * Nothing of a tenant's reaches it but the command, the environment and names that were checked at the edge.
 */
import { APP_UID, UID_RANGE } from '#core/domain/app.ts'
import type { Resources } from '#core/domain/resources.ts'
import { CPU_PERIOD_US, cpuQuota, type Device } from './cgroup-files.ts'
import type { Seccomp } from './seccomp.ts'

export type Mount = { destination: string; type: string; source: string; options: string[] }
export type BindMount = { source: string; target: string; readOnly: boolean }

export type SpecInput = {
  hostname: string
  argv: string[]
  env: Record<string, string>
  cwd: string
  uidBase: number
  size: Resources
  rootPath: string
  networkNamespace: string
  cgroupPath: string
  binds: BindMount[]
  seccomp: Seccomp
  /** Whether the sandbox sees its own cgroup, to read only: where runtimes look for their memory limit and cores. */
  cgroupView: boolean
  /** /dev/shm in MiB; it counts against the memory limit. */
  shmMb: number
  /** What the machine has and allows, see machine.ts. */
  maxOpenFiles: number
  hugePages: string[]
  /** Where its files lie; reading and writing of each is bounded. */
  disks: Device[]
  ioMbPerSecond: number
}

/**
 * What shows the host through /proc: Moby's list, what else describes its hardware, and counters so fine that a neighbour's
 * work shows in them. /proc/pressure even takes orders: whoever writes to it has the kernel watch the whole host. Moby leaves
 * /proc/fs and /proc/irq to be read: the first tells of every ext4 image that the host has mounted, which are all the tenants'
 * disks, how much is free where on it; the second counts interrupts as /proc/interrupts does.
 */
const maskedPaths = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/buddyinfo',
  '/proc/bus',
  '/proc/cmdline',
  '/proc/config.gz',
  '/proc/diskstats',
  '/proc/driver',
  '/proc/fs',
  '/proc/interrupts',
  '/proc/iomem',
  '/proc/ioports',
  '/proc/irq',
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
]
const readonlyPaths = ['/proc/sys', '/proc/sysrq-trigger']

/** Character devices that every program expects; everything else is denied, crun's own default of tun (10:200) too. */
const devices = [
  { path: '/dev/null', major: 1, minor: 3 },
  { path: '/dev/zero', major: 1, minor: 5 },
  { path: '/dev/full', major: 1, minor: 7 },
  { path: '/dev/random', major: 1, minor: 8 },
  { path: '/dev/urandom', major: 1, minor: 9 },
  { path: '/dev/tty', major: 5, minor: 0 },
]
const terminals = [
  { major: 5, minor: 2 },
  { major: 136, minor: undefined },
]

/** Programs raise the soft limit themselves if they can do with more; some loop over every number below it. */
const OPEN_FILES = { soft: 1024, hard: 65_536 }

export function ociSpec(input: SpecInput) {
  const { size } = input
  return {
    ociVersion: '1.0.2',
    hostname: input.hostname,
    root: { path: input.rootPath, readonly: true },
    process: {
      terminal: false,
      user: { uid: APP_UID, gid: APP_UID, umask: 0o022 },
      args: input.argv,
      env: Object.entries(input.env).map(([name, value]) => `${name}=${value}`),
      cwd: input.cwd,
      noNewPrivileges: true,
      capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
      rlimits: [
        {
          type: 'RLIMIT_NOFILE',
          soft: Math.min(OPEN_FILES.soft, input.maxOpenFiles),
          hard: Math.min(OPEN_FILES.hard, input.maxOpenFiles),
        },
        { type: 'RLIMIT_FSIZE', soft: mib(size.diskMb), hard: mib(size.diskMb) },
        { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
        { type: 'RLIMIT_MEMLOCK', soft: 65_536, hard: 65_536 },
        { type: 'RLIMIT_MSGQUEUE', soft: 819_200, hard: 819_200 },
      ],
    },
    mounts: mounts(input),
    linux: {
      namespaces: [
        { type: 'user' },
        { type: 'pid' },
        { type: 'mount' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'cgroup' },
        { type: 'network', path: input.networkNamespace },
      ],
      uidMappings: [{ containerID: 0, hostID: input.uidBase, size: UID_RANGE }],
      gidMappings: [{ containerID: 0, hostID: input.uidBase, size: UID_RANGE }],
      cgroupsPath: input.cgroupPath,
      resources: {
        devices: [
          { allow: false, access: 'rwm' },
          ...devices.map(({ major, minor }) => ({ allow: true, type: 'c', major, minor, access: 'rw' })),
          ...terminals.map(({ major, minor }) => ({
            allow: true,
            type: 'c',
            major,
            ...(minor === undefined ? {} : { minor }),
            access: 'rw',
          })),
          { allow: false, type: 'c', major: 10, minor: 200, access: 'rwm' },
        ],
        memory: { limit: mib(size.memoryMb), swap: mib(size.memoryMb), disableOOMKiller: false },
        // The weight is not here: runtimes convert v1's shares to v2's weight in different ways (see makeInstanceCgroup).
        cpu: { quota: cpuQuota(size.cpuMilli), period: CPU_PERIOD_US },
        pids: { limit: size.pids },
        blockIO: {
          throttleReadBpsDevice: throttle(input),
          throttleWriteBpsDevice: throttle(input),
        },
        hugepageLimits: input.hugePages.map((pageSize) => ({ pageSize, limit: 0 })),
      },
      maskedPaths,
      readonlyPaths,
      seccomp: input.seccomp,
      rootfsPropagation: 'rprivate',
    },
  }
}

function mounts(input: SpecInput): Mount[] {
  return [
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
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${input.shmMb}m`, 'nr_inodes=4096'],
    },
    ...(input.cgroupView ? [cgroupView] : []),
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    ...input.binds.map(({ source, target, readOnly }) => ({
      destination: target,
      type: 'bind',
      source,
      options: ['rbind', 'rprivate', 'nosuid', 'nodev', readOnly ? 'ro' : 'rw'],
    })),
  ]
}

const throttle = ({ disks, ioMbPerSecond }: SpecInput) => disks.map((disk) => ({ ...disk, rate: mib(ioMbPerSecond) }))
/** Its own group is the root of what it sees, by its cgroup namespace. */
const cgroupView: Mount = {
  destination: '/sys/fs/cgroup',
  type: 'cgroup',
  source: 'cgroup',
  options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
}

const mib = (megabytes: number) => megabytes * 1024 * 1024
