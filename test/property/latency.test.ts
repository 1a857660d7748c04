import assert from 'node:assert/strict'
import fc from 'fast-check'
import { mergeFigures, packFigures, unpackFigures, type Figures } from '#core/domain/figures.ts'
import { bucketOf, LATENCY_BUCKETS, quantile, QUANTILE_ERROR, upperBoundOf } from '#core/domain/latency.ts'

const times = fc.array(fc.double({ min: 0.5, max: 600_000, noNaN: true }), { minLength: 1, maxLength: 300 })

const countsOf = (all: readonly number[]): Uint32Array => {
  const counts = new Uint32Array(LATENCY_BUCKETS)
  for (const ms of all) counts[bucketOf(ms)] = (counts[bucketOf(ms)] ?? 0) + 1
  return counts
}
const figuresOf = (all: readonly number[]): Figures => ({
  requests: all.length,
  errors: all.filter((ms) => ms > 1000).length,
  inBytes: 1,
  outBytes: 2 ** 40,
  latency: countsOf(all),
})

describe('how long requests took', () => {
  it('is counted in the bucket whose bounds it lies between', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (ms) => {
        const bucket = bucketOf(ms)
        const slack = 1 + 1e-12
        assert.ok(bucket === LATENCY_BUCKETS - 1 || ms <= upperBoundOf(bucket) * slack, `${ms} in ${bucket}`)
        assert.ok(bucket === 0 || ms * slack >= upperBoundOf(bucket - 1), `${ms} in ${bucket}`)
      }),
    )
  })

  it('loses nothing when routers are merged, in whatever order, and on its way through the store', () => {
    fc.assert(
      fc.property(times, times, times, (one, two, three) => {
        const whole = figuresOf([...one, ...two, ...three])
        const merged = mergeFigures([figuresOf(three), mergeFigures([figuresOf(one), figuresOf(two)])])
        assert.deepEqual(merged, { ...whole, inBytes: 3, outBytes: 3 * 2 ** 40 })
        assert.deepEqual(unpackFigures(packFigures(merged)), merged)
      }),
    )
  })

  it('has quantiles that are off by no more than the stated part', () => {
    fc.assert(
      fc.property(times, fc.constantFrom(0.5, 0.9, 0.95, 0.99, 1), (all, part) => {
        const sorted = all.toSorted((a, b) => a - b)
        const exact = sorted[Math.max(1, Math.ceil(part * sorted.length)) - 1] ?? 0
        const told = quantile(countsOf(all), part) ?? 0
        assert.ok(Math.abs(told / exact - 1) <= QUANTILE_ERROR + 1e-9, `${told} for ${exact}`)
      }),
    )
  })

  it('is not known where nothing was counted', () => {
    assert.equal(quantile(new Uint32Array(LATENCY_BUCKETS), 0.5), null)
    assert.equal(bucketOf(NaN), 0)
    assert.equal(bucketOf(Infinity), LATENCY_BUCKETS - 1)
  })
})
