import assert from 'node:assert/strict'
import {
  cpuWrites,
  freezerWrites,
  ioWrites,
  memoryWrites,
  parseFrozen,
  parseOomKills,
  parseSample,
  parseUsed,
  pidsWrites,
  weightWrites,
  wholeOomWrites,
  type Write,
} from '../../../agent/sandbox/cgroup-files.ts'

const said = (writes: Write[]) => writes.map(({ file, value }) => `${file}=${value}`)
/** Files of a cgroup as the kernel would show them; one that is not there is an error, as on a machine. */
const reader = (files: Record<string, string>) => (_controller: string, file: string) => {
  const text = files[file]
  if (text === undefined) throw new Error(`no ${file}`)
  return text
}

describe('What is written to cgroups', () => {
  it('gives weight in both units, within what the kernel takes', () => {
    assert.deepEqual(said(weightWrites('v2', 100)), ['cpu.weight=100'])
    assert.deepEqual(said(weightWrites('v1', 100)), ['cpu.shares=1024'])
    assert.deepEqual(said(weightWrites('v2', 0.1)), ['cpu.weight=1'])
    assert.deepEqual(said(weightWrites('v2', 1e6)), ['cpu.weight=10000'])
    assert.deepEqual(said(weightWrites('v1', 0)), ['cpu.shares=2'])
  })

  it('S45: bounds CPU time per period, or takes the bound away', () => {
    assert.deepEqual(said(cpuWrites('v2', 500)), ['cpu.max=50000 100000'])
    assert.deepEqual(said(cpuWrites('v2', null)), ['cpu.max=max 100000'])
    assert.deepEqual(said(cpuWrites('v1', 1500)), ['cpu.cfs_quota_us=150000'])
    assert.deepEqual(said(cpuWrites('v1', null)), ['cpu.cfs_quota_us=-1'])
    assert.deepEqual(said(cpuWrites('v1', 1)), ['cpu.cfs_quota_us=1000'])
  })

  it('S42: keeps memory at most memory+swap on v1 in every step, whichever way it goes', () => {
    assert.deepEqual(said(memoryWrites('v1', 200, 100)), [
      'memory.memsw.limit_in_bytes=200',
      'memory.limit_in_bytes=200',
    ])
    assert.deepEqual(said(memoryWrites('v1', 100, 200)), [
      'memory.limit_in_bytes=100',
      'memory.memsw.limit_in_bytes=100',
    ])
  })

  it('S41: takes memory back on v2 before it limits it, so that lowering a limit kills nobody', () => {
    assert.deepEqual(said(memoryWrites('v2', 100, 200)), ['memory.high=100', 'memory.max=100', 'memory.high=max'])
  })

  it('S40, S41, S51: bounds processes and each disk, and ends an instance as a whole on v2', () => {
    assert.deepEqual(said(pidsWrites(64)), ['pids.max=64'])
    assert.deepEqual(said(ioWrites('v2', 1000, [{ major: 7, minor: 3 }])), ['io.max=7:3 rbps=1000 wbps=1000'])
    assert.deepEqual(said(ioWrites('v1', 1000, [{ major: 254, minor: 0 }])), [
      'blkio.throttle.read_bps_device=254:0 1000',
      'blkio.throttle.write_bps_device=254:0 1000',
    ])
    assert.deepEqual(said(wholeOomWrites('v2')), ['memory.oom.group=1'])
    assert.deepEqual(wholeOomWrites('v1'), [])
  })

  it('freezes and thaws, and knows when all have stopped', () => {
    assert.deepEqual(said(freezerWrites('v2', true)), ['cgroup.freeze=1'])
    assert.deepEqual(said(freezerWrites('v2', false)), ['cgroup.freeze=0'])
    assert.deepEqual(said(freezerWrites('v1', true)), ['freezer.state=FROZEN'])
    assert.deepEqual(said(freezerWrites('v1', false)), ['freezer.state=THAWED'])
    assert.equal(parseFrozen('v2', reader({ 'cgroup.events': 'populated 1\nfrozen 0\n' })), false)
    assert.equal(parseFrozen('v2', reader({ 'cgroup.events': 'populated 1\nfrozen 1\n' })), true)
    assert.equal(parseFrozen('v1', reader({ 'freezer.state': 'FREEZING\n' })), false)
    assert.equal(parseFrozen('v1', reader({ 'freezer.state': 'FROZEN\n' })), true)
  })
})

describe('What is read from cgroups', () => {
  const v2 = {
    'cpu.stat':
      'usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnr_periods 10\nnr_throttled 3\nthrottled_usec 1250000\n',
    'memory.current': '1000\n',
    'memory.stat': 'anon 700\nfile 300\ninactive_file 100\nactive_file 150\n',
    'memory.events': 'low 0\nhigh 0\nmax 4\noom 1\noom_kill 2\noom_group_kill 1\n',
    'memory.peak': '1500\n',
    'pids.current': '3\n',
    'pids.peak': '9\n',
    'io.stat':
      '7:3 rbytes=300 wbytes=50 rios=1 wios=1 dbytes=0 dios=0\n254:0 rbytes=200 wbytes=70 rios=1 wios=1 dbytes=0 dios=0\n',
  }

  it('reads all counters of v2; what goes through a loop device counts once', () => {
    assert.deepEqual(parseSample('v2', reader(v2), reader(v2)), {
      cpuSeconds: 2.5,
      cpuUserSeconds: 2,
      cpuSystemSeconds: 0.5,
      throttledSeconds: 1.25,
      memoryBytes: 900,
      memoryPeakBytes: 1500,
      ioReadBytes: 300,
      ioWriteBytes: 70,
      pids: 3,
      pidsPeak: 9,
      oomKills: 2,
    })
  })

  it('does without the peaks that an older kernel does not keep', () => {
    const sample = parseSample('v2', reader(v2), () => '')
    assert.equal(sample.memoryPeakBytes, 1000)
    assert.equal(sample.pidsPeak, 3)
    assert.equal(sample.ioReadBytes, 0)
  })

  const v1 = {
    'cpuacct.usage': '2500000000\n',
    'cpuacct.stat': 'user 200\nsystem 50\n',
    'cpu.stat': 'nr_periods 10\nnr_throttled 3\nthrottled_time 1250000000\n',
    'memory.usage_in_bytes': '1000\n',
    'memory.stat': 'cache 300\ninactive_file 1\nactive_file 2\ntotal_inactive_file 100\ntotal_active_file 150\n',
    'memory.max_usage_in_bytes': '1500\n',
    'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
    'pids.current': '3\n',
    'blkio.throttle.io_service_bytes_recursive':
      '254:0 Read 200\n254:0 Write 70\n254:0 Total 270\n7:3 Read 300\n7:3 Write 50\n7:3 Total 350\nTotal 620\n',
  }

  it('reads all counters of v1', () => {
    assert.deepEqual(parseSample('v1', reader(v1), reader(v1)), {
      cpuSeconds: 2.5,
      cpuUserSeconds: 2,
      cpuSystemSeconds: 0.5,
      throttledSeconds: 1.25,
      memoryBytes: 900,
      memoryPeakBytes: 1500,
      ioReadBytes: 300,
      ioWriteBytes: 70,
      pids: 3,
      pidsPeak: 3,
      oomKills: 2,
    })
  })

  it('takes file cache for what a lower limit can take back', () => {
    assert.equal(parseUsed('v2', reader(v2)), 750)
    assert.equal(parseUsed('v1', reader(v1)), 750)
  })

  it('S41: counts processes killed for want of memory', () => {
    assert.equal(parseOomKills('v2', reader(v2)), 2)
    assert.equal(parseOomKills('v1', reader(v1)), 2)
  })
})
