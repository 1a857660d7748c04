import assert from 'node:assert/strict'
import type { AppId, TenantId } from '#core/domain/ids.ts'
import {
  advance,
  beginLife,
  cpuMilliBetween,
  nextLook,
  sampleOf,
  type Life,
  type Owner,
} from '../../../../agent/metering/life.ts'
import type { Sample, SandboxHandle } from '../../../../agent/sandbox/index.ts'

const MIB = 1024 * 1024
const owner: Owner = { tenantId: 'acme' as TenantId, appId: 'a-one' as AppId, instanceId: null, kind: 'build' }
const sandbox = { id: 'i-one', startedAt: 1000 } as SandboxHandle
const begun = beginLife(owner, sandbox, null, { at: 1_000_000, uptimeMs: 0 })

const aSample = (over: Partial<Sample> = {}): Sample => ({
  cpuSeconds: 0,
  cpuUserSeconds: 0,
  cpuSystemSeconds: 0,
  throttledSeconds: 0,
  memoryBytes: 10 * MIB,
  memoryPeakBytes: 10 * MIB,
  ioReadBytes: 0,
  ioWriteBytes: 0,
  pids: 1,
  pidsPeak: 1,
  oomKills: 0,
  diskBytes: 0,
  networkInBytes: 0,
  networkOutBytes: 0,
  ...over,
})

/** Looks at these seconds after the beginning. */
const lifeOf = (looks: [seconds: number, sample: Partial<Sample>][]): Life =>
  looks.reduce(
    (life, [seconds, sample]) =>
      advance(life, aSample(sample), { at: 1_000_000 + seconds * 1000, uptimeMs: seconds * 1000 }, 0),
    begun,
  )

describe('one life, as it is metered', () => {
  it('takes the kernel’s sums as they are, since they hold everything from the beginning', () => {
    const { usage } = lifeOf([
      [10, { cpuSeconds: 1, networkOutBytes: 5 }],
      [20, { cpuSeconds: 3, networkOutBytes: 9 }],
    ])
    assert.deepEqual([usage.cpuSeconds, usage.networkOutBytes], [3, 9])
  })

  it('integrates memory and disk over the time between two looks', () => {
    const { usage } = lifeOf([
      [10, { memoryBytes: 20 * MIB, diskBytes: 4 * MIB }],
      [20, { memoryBytes: 40 * MIB, diskBytes: 8 * MIB }],
    ])
    assert.equal(usage.memoryMbSeconds, 20 * 10 + 30 * 10)
    assert.equal(usage.diskMbSeconds, 4 * 10 + 6 * 10)
  })

  it('counts the memory that its processes held until they died', () => {
    const seen = lifeOf([
      [10, { memoryBytes: 20 * MIB }],
      [15, { memoryBytes: 0, pids: 0 }],
    ])
    assert.equal(seen.usage.memoryMbSeconds, 20 * 10 + 20 * 5)
    const brief = lifeOf([[2, { memoryBytes: 0, pids: 0, memoryPeakBytes: 30 * MIB }]])
    assert.equal(brief.usage.memoryMbSeconds, 15 * 2)
  })

  it('counts a build apart as well: how long it ran, and its CPU time', () => {
    const { usage } = lifeOf([
      [10, { cpuSeconds: 4 }],
      [15, { cpuSeconds: 9 }],
    ])
    assert.deepEqual([usage.buildSeconds, usage.buildCpuSeconds, usage.cpuSeconds], [15, 9, 9])
    const running = { ...begun, owner: { ...owner, kind: 'instance' as const } }
    const instance = advance(running, aSample({ cpuSeconds: 4 }), { at: 1_010_000, uptimeMs: 10_000 }, 0)
    assert.deepEqual([instance.usage.buildSeconds, instance.usage.buildCpuSeconds], [0, 0])
  })

  it('does not count time that only the wall clock saw', () => {
    const life = advance(begun, aSample(), { at: 1_000_000 + 3600_000, uptimeMs: 10_000 }, 0)
    assert.equal(life.usage.memoryMbSeconds, 100)
  })

  it('takes a peak of the kernel’s for the stretch in which it rose, and for no other', () => {
    const looks: [number, Partial<Sample>][] = [
      [10, { memoryBytes: 20 * MIB, memoryPeakBytes: 90 * MIB, pids: 2, pidsPeak: 7 }],
      [20, { memoryBytes: 30 * MIB, memoryPeakBytes: 90 * MIB, pids: 3, pidsPeak: 7 }],
    ]
    const first = lifeOf(looks.slice(0, 1)).usage
    const second = lifeOf(looks).usage
    assert.deepEqual([first.memoryPeakBytes, first.pidsPeak], [90 * MIB, 7])
    assert.deepEqual([second.memoryPeakBytes, second.pidsPeak], [30 * MIB, 3])
  })

  it('is named by its sandbox and its start, so that a next life counts from nothing', () => {
    const { subject, ended, at } = sampleOf(lifeOf([[10, {}]]), true)
    assert.deepEqual([subject, ended, at], ['i-one-1000', true, 1_010_000])
  })

  it('says how much CPU it takes, in thousandths of a core', () => {
    const before = lifeOf([[10, { cpuSeconds: 1 }]])
    const after = lifeOf([
      [10, { cpuSeconds: 1 }],
      [20, { cpuSeconds: 3.5 }],
    ])
    assert.equal(cpuMilliBetween(before, after), 250)
    assert.equal(cpuMilliBetween(begun, before), null)
  })
})

describe('when a sandbox is looked at', () => {
  it('is every ten seconds, at a second of its own', () => {
    const first = nextLook(1_234_567, 'i-one')
    assert.ok(first > 1_234_567 && first <= 1_244_567)
    assert.equal(nextLook(first, 'i-one'), first + 10_000)
    assert.equal(nextLook(first + 400, 'i-one'), first + 10_000)
  })

  it('is spread evenly over a host', () => {
    const seconds = new Map<number, number>()
    for (let n = 0; n < 300; n++) {
      const at = nextLook(0, `i-${n.toString(32)}aq${(n * 7919).toString(32)}`)
      seconds.set(at, (seconds.get(at) ?? 0) + 1)
    }
    assert.equal(seconds.size, 10)
    assert.ok(Math.max(...seconds.values()) < 60, [...seconds.values()].join(' '))
  })
})
