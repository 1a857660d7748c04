import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { AppId, TenantId } from '#core/domain/ids.ts'
import { noUsage } from '#core/domain/usage.ts'
import type { UsageSample } from '#core/store/usage.ts'
import { isSameMinute, merge, thin } from '../../../../agent/metering/samples.ts'

const aSample = (at: number, cpuSeconds: number, memoryPeakBytes = 0, subject = 'i-one-1'): UsageSample => ({
  subject,
  tenantId: 'acme' as TenantId,
  appId: 'a-one' as AppId,
  at,
  usage: { ...noUsage, cpuSeconds, memoryPeakBytes },
  ended: false,
})

describe('samples that wait', () => {
  it('are one a minute: the sums of the later, the peaks of both', () => {
    const merged = merge(aSample(10_000, 1, 900), { ...aSample(20_000, 2, 500), ended: true })
    assert.deepEqual(merged, { ...aSample(20_000, 2, 900), ended: true })
    assert.ok(isSameMinute(aSample(0, 1), aSample(59_999, 1)))
    assert.ok(!isSameMinute(aSample(59_999, 1), aSample(60_000, 1)))
  })

  it('are thinned without losing the last of a subject, the highest peak, or the order', () => {
    const samples = fc.array(
      fc.record({ subject: fc.constantFrom('a', 'b', 'c'), step: fc.nat(50), peak: fc.nat(100) }),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(samples, fc.constantFrom(10, 100, 1000), (steps, ms) => {
        let at = 0
        const all = steps.map(({ subject, step, peak }) => aSample((at += step), at, peak, subject))
        const kept = thin(all, ms)
        for (const subject of ['a', 'b', 'c']) {
          const of = (list: UsageSample[]) => list.filter((sample) => sample.subject === subject)
          assert.deepEqual(of(kept).at(-1)?.usage.cpuSeconds, of(all).at(-1)?.usage.cpuSeconds)
          const peak = (list: UsageSample[]) => Math.max(0, ...of(list).map(({ usage }) => usage.memoryPeakBytes ?? 0))
          assert.equal(peak(kept), peak(all))
          const stretches = of(kept).map((sample) => Math.floor(sample.at / ms))
          assert.deepEqual(
            stretches,
            [...new Set(stretches)].sort((a, b) => a - b),
          )
        }
      }),
    )
  })
})
