import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  addUsage,
  bucketsOf,
  fromLedger,
  groupsBetween,
  nextStep,
  noUsage,
  resolutionFor,
  resolutions,
  startOfStep,
  toLedger,
  usageFields,
} from '#core/domain/usage.ts'

const [minute, hour, day] = resolutions
const at = (text: string) => Date.parse(text)

describe('use, as the ledger holds it', () => {
  it('is the same when it is read back, to a microsecond of CPU and a whole number of the rest', () => {
    const values = fc.record(
      Object.fromEntries(
        usageFields.map(({ name, perUnit }) => [name, fc.integer({ min: 0, max: 2 ** 40 }).map((n) => n / perUnit)]),
      ),
    )
    fc.assert(fc.property(values, (usage) => assert.deepEqual(fromLedger(toLedger(usage)), { ...usage })))
  })

  it('leaves out the zeros at the end, and nothing else', () => {
    assert.equal(toLedger({}), '')
    assert.equal(toLedger({ cpuSeconds: 0.00001 }), '10')
    assert.equal(toLedger({ cpuUserSeconds: 0.0001, memoryMbSeconds: 20 }), '0 100 0 0 20')
    assert.equal(fromLedger('').requests, 0)
  })

  it('adds sums up and keeps the higher peak', () => {
    const one = { ...noUsage, cpuSeconds: 1, memoryPeakBytes: 300 }
    const sum = addUsage(one, { ...noUsage, cpuSeconds: 2, memoryPeakBytes: 200 })
    assert.deepEqual([sum.cpuSeconds, sum.memoryPeakBytes], [3, 300])
  })
})

describe('buckets of use', () => {
  it('one of each length holds any time, and outlives its newest minute by what it is kept for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), (time) => {
        for (const { resolution, index, group, expiresAt } of bucketsOf(time)) {
          assert.ok(index * resolution.ms <= time && time < (index + 1) * resolution.ms)
          assert.deepEqual(groupsBetween(resolution, time, time + 1), [group])
          assert.ok(expiresAt >= (index + 1) * resolution.ms + resolution.keepMs)
        }
      }),
    )
  })

  it('of a stretch of time lie in the groups from its beginning to just before its end', () => {
    const start = at('2026-11-01T00:00:00Z')
    assert.equal(groupsBetween(minute, start, start + 3600_000).length, 1)
    assert.equal(groupsBetween(minute, start, start + 3600_001).length, 2)
    assert.deepEqual(groupsBetween(minute, start, start), [])
  })

  it('are chosen as coarse as they fit, and as fine as they are kept otherwise', () => {
    const now = at('2026-11-21T10:17:33Z')
    assert.equal(resolutionFor(at('2026-11-01T00:00:00Z'), now, now), day)
    assert.equal(resolutionFor(at('2026-11-21T07:00:00Z'), now, now), hour)
    assert.equal(resolutionFor(at('2026-11-21T07:00:00Z'), at('2026-11-21T07:05:00Z'), now), minute)
    assert.equal(resolutionFor(at('2026-11-20T10:17:33Z'), now, now), minute)
    assert.equal(resolutionFor(at('2026-11-10T07:05:00Z'), now, now), hour)
    assert.equal(resolutionFor(at('2026-01-10T07:05:00Z'), now, now), day)
  })

  it('months begin and end as the calendar has them, in UTC', () => {
    assert.equal(startOfStep('month', at('2026-02-28T23:59:59Z')), at('2026-02-01T00:00:00Z'))
    assert.equal(nextStep('month', at('2026-12-31T12:00:00Z')), at('2027-01-01T00:00:00Z'))
    assert.equal(startOfStep('hour', at('2026-02-28T23:59:59Z')), at('2026-02-28T23:00:00Z'))
  })
})
