/**
 * What the files of a cgroup are called and say, on v1 and on v2
 * (Documentation/admin-guide/cgroup-v1/ and cgroup-v2.rst of the kernel). Pure: v2 is tested where only v1 runs.
 */
export type CgroupVersion = 'v1' | 'v2'

/** A block device. */
export type Device = { major: number; minor: number }

/** One file to write. v1 has a hierarchy per controller; on v2 all files lie in one folder. */
export type Write = { controller: string; file: string; value: string }
const write = (controller: string, file: string, value: string | number): Write => ({
  controller,
  file,
  value: String(value),
})

// ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export const ORDINARY_WEIGHT = 100
const V1_ORDINARY_SHARES = 1024

/** CPU time against siblings when the CPU is short; ORDINARY_WEIGHT is the kernel's default. */
export function weightWrites(version: CgroupVersion, weight: number): Write[] {
  return version === 'v2'
    ? [write('cpu', 'cpu.weight', clamp(Math.round(weight), 1, 10_000))]
    : [write('cpu', 'cpu.shares', clamp(Math.round((weight * V1_ORDINARY_SHARES) / ORDINARY_WEIGHT), 2, 262_144))]
}

export const CPU_PERIOD_US = 100_000

/** @returns µs of CPU time per period; the kernel takes no less than 1 ms */
export const cpuQuota = (cpuMilli: number): number => Math.max(1000, Math.round((cpuMilli * CPU_PERIOD_US) / 1000))

/** @param cpuMilli null: no ceiling */
export function cpuWrites(version: CgroupVersion, cpuMilli: number | null): Write[] {
  return version === 'v2'
    ? [write('cpu', 'cpu.max', `${cpuMilli === null ? 'max' : cpuQuota(cpuMilli)} ${CPU_PERIOD_US}`)]
    : [write('cpu', 'cpu.cfs_quota_us', cpuMilli === null ? -1 : cpuQuota(cpuMilli))]
}

export const pidsWrites = (pids: number): Write[] => [write('pids', 'pids.max', pids)]

/** Reading and writing, each, of each device. */
export function ioWrites(version: CgroupVersion, bytesPerSecond: number, devices: Device[]): Write[] {
  return devices.flatMap(({ major, minor }) => {
    const device = `${major}:${minor}`
    return version === 'v2'
      ? [write('io', 'io.max', `${device} rbps=${bytesPerSecond} wbps=${bytesPerSecond}`)]
      : ['read', 'write'].map((way) =>
          write('blkio', `blkio.throttle.${way}_bps_device`, `${device} ${bytesPerSecond}`),
        )
  })
}

/**
 * Memory, and no swap beyond it. v1 holds memory ≤ memory+swap at every moment, so the order depends on the direction; it
 * refuses what is in use. v2 would kill instead, so there `memory.high` comes first: it takes back what can be taken and
 * kills nobody (see adjustMemory). It is not left in force: a process held there would crawl instead of ending with a reason.
 */
export function memoryWrites(version: CgroupVersion, bytes: number, before: number): Write[] {
  if (version === 'v2')
    return [
      write('memory', 'memory.high', bytes),
      write('memory', 'memory.max', bytes),
      write('memory', 'memory.high', 'max'),
    ]
  const limit = write('memory', 'memory.limit_in_bytes', bytes)
  const withSwap = write('memory', 'memory.memsw.limit_in_bytes', bytes)
  return bytes < before ? [limit, withSwap] : [withSwap, limit]
}

/** What an instance's cgroup has before its process comes: with one process out of memory, all of them end. */
export const wholeOomWrites = (version: CgroupVersion): Write[] =>
  version === 'v2' ? [write('memory', 'memory.oom.group', 1)] : []

/** Freezing goes for everything below, too; it takes a moment until all have stopped (see parseFrozen). */
export const freezerWrites = (version: CgroupVersion, frozen: boolean): Write[] =>
  version === 'v2'
    ? [write('', 'cgroup.freeze', frozen ? 1 : 0)]
    : [write('freezer', 'freezer.state', frozen ? 'FROZEN' : 'THAWED')]

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value))

// ── counters ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * What an instance used. Seconds, bytes of I/O and kills are cumulative since its start. Memory now is without file cache
 * that can be given back at any time; the peak is the kernel's own and with it. v1 keeps no peak of pids: it is that of now.
 */
export type CgroupSample = {
  cpuSeconds: number
  cpuUserSeconds: number
  cpuSystemSeconds: number
  throttledSeconds: number
  memoryBytes: number
  memoryPeakBytes: number
  ioReadBytes: number
  ioWriteBytes: number
  pids: number
  pidsPeak: number
  oomKills: number
}

export type ReadText = (controller: string, file: string) => string

/** proc(5): USER_HZ is 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100

export const parseSample = (version: CgroupVersion, read: ReadText, optional: ReadText): CgroupSample =>
  version === 'v2' ? parseSampleV2(read, optional) : parseSampleV1(read)

/** @param optional for files that older kernels lack: memory.peak came with 5.19, pids.peak with 6.1 */
function parseSampleV2(read: ReadText, optional: ReadText): CgroupSample {
  const cpu = read('cpu', 'cpu.stat')
  const memory = Number(read('memory', 'memory.current'))
  const pids = Number(read('pids', 'pids.current'))
  const io = parseIoV2(optional('io', 'io.stat'))
  return {
    cpuSeconds: field(cpu, 'usage_usec') / 1e6,
    cpuUserSeconds: field(cpu, 'user_usec') / 1e6,
    cpuSystemSeconds: field(cpu, 'system_usec') / 1e6,
    throttledSeconds: field(cpu, 'throttled_usec') / 1e6,
    memoryBytes: Math.max(0, memory - field(read('memory', 'memory.stat'), 'inactive_file')),
    memoryPeakBytes: Number(optional('memory', 'memory.peak')) || memory,
    ...io,
    pids,
    pidsPeak: Number(optional('pids', 'pids.peak')) || pids,
    oomKills: field(read('memory', 'memory.events'), 'oom_kill'),
  }
}

function parseSampleV1(read: ReadText): CgroupSample {
  const ticks = read('cpuacct', 'cpuacct.stat')
  const pids = Number(read('pids', 'pids.current'))
  const memory = Number(read('memory', 'memory.usage_in_bytes'))
  return {
    cpuSeconds: Number(read('cpuacct', 'cpuacct.usage')) / 1e9,
    cpuUserSeconds: field(ticks, 'user') / TICKS_PER_SECOND,
    cpuSystemSeconds: field(ticks, 'system') / TICKS_PER_SECOND,
    throttledSeconds: field(read('cpu', 'cpu.stat'), 'throttled_time') / 1e9,
    memoryBytes: Math.max(0, memory - field(read('memory', 'memory.stat'), 'total_inactive_file')),
    memoryPeakBytes: Number(read('memory', 'memory.max_usage_in_bytes')),
    ...parseIoV1(read('blkio', 'blkio.throttle.io_service_bytes_recursive')),
    pids,
    pidsPeak: pids,
    oomKills: field(read('memory', 'memory.oom_control'), 'oom_kill'),
  }
}

/** Bytes that a shrinking limit cannot take back: all but file cache. */
export function parseUsed(version: CgroupVersion, read: ReadText): number {
  const stat = read('memory', 'memory.stat')
  return version === 'v2'
    ? Number(read('memory', 'memory.current')) - field(stat, 'inactive_file') - field(stat, 'active_file')
    : Number(read('memory', 'memory.usage_in_bytes')) -
        field(stat, 'total_inactive_file') -
        field(stat, 'total_active_file')
}

export const parseOomKills = (version: CgroupVersion, read: ReadText): number =>
  field(read('memory', version === 'v2' ? 'memory.events' : 'memory.oom_control'), 'oom_kill')

export const parseFrozen = (version: CgroupVersion, read: ReadText): boolean =>
  version === 'v2'
    ? field(read('', 'cgroup.events'), 'frozen') === 1
    : read('freezer', 'freezer.state').trim() === 'FROZEN'

type Io = { ioReadBytes: number; ioWriteBytes: number }
type Traffic = { major: number; read: number; write: number }

/** Lines like `254:0 rbytes=1 wbytes=2 rios=…`. */
function parseIoV2(text: string): Io {
  return sumIo(
    rows(text).map((row) => ({
      major: Number(/^\d+/.exec(row)?.[0]),
      read: Number(/ rbytes=(\d+)/.exec(row)?.[1] ?? 0),
      write: Number(/ wbytes=(\d+)/.exec(row)?.[1] ?? 0),
    })),
  )
}

/** Lines like `7:2 Read 4096`. */
function parseIoV1(text: string): Io {
  return sumIo(
    rows(text).flatMap((row) => {
      const match = /^(\d+):\d+ (Read|Write) (\d+)$/.exec(row)
      if (!match) return []
      const bytes = Number(match[3])
      return [
        { major: Number(match[1]), read: match[2] === 'Read' ? bytes : 0, write: match[2] === 'Write' ? bytes : 0 },
      ]
    }),
  )
}

const LOOP_MAJOR = 7

/** What goes through a loop device is counted there and, if it reaches the disk, again below: the larger sum counts. */
function sumIo(all: Traffic[]): Io {
  const sum = (way: 'read' | 'write', loop: boolean) =>
    all.filter(({ major }) => (major === LOOP_MAJOR) === loop).reduce((total, traffic) => total + traffic[way], 0)
  const larger = (way: 'read' | 'write') => Math.max(sum(way, true), sum(way, false))
  return { ioReadBytes: larger('read'), ioWriteBytes: larger('write') }
}

const rows = (text: string): string[] => (text === '' ? [] : text.trim().split('\n'))

/** The number after a name at the start of a line. Plain search: it runs for each instance of a host every few seconds. */
function field(text: string, name: string): number {
  const at = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1
  return at === 0 && !text.startsWith(`${name} `) ? 0 : parseInt(text.slice(at + name.length + 1), 10)
}
