import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  bytesOf,
  indexAt,
  offsetOf,
  packPoint,
  ringBytes,
  ringOf,
  rollUp,
  seriesNames,
  seriesSteps,
  unpackPoints,
  type Point,
} from '#core/domain/series.ts'

const value = fc.option(fc.double({ min: 0, max: 1e14, noNaN: true }))
const aPoint: fc.Arbitrary<Point> = fc.record(Object.fromEntries(seriesNames.map((name) => [name, value])))
const aRing = fc.constantFrom(...seriesSteps).map(ringOf)
const anIndex = fc.nat({ max: 400_000_000 })

describe('points of a time series', () => {
  it('come back to three digits, whole numbers below a thousand exactly, and what is not known as not known', () => {
    fc.assert(
      fc.property(aRing, anIndex, aPoint, (ring, index, point) => {
        const [back] = unpackPoints(ring, packPoint(ring, index, point), index, 1)
        for (const name of seriesNames) {
          const [was, is] = [point[name] ?? null, back?.[name] ?? null]
          if (was === null) assert.equal(is, null, name)
          else if (was < 0.001) assert.ok((is ?? 1) < 0.0011, `${name}: ${is} for ${was}`)
          else assert.ok(Math.abs((is ?? 0) / was - 1) < 0.006, `${name}: ${is} for ${was}`)
        }
      }),
    )
    const ring = ringOf('10s')
    for (let whole = 0; whole < 1000; whole++)
      assert.equal(unpackPoints(ring, packPoint(ring, 7, { instances: whole }), 7, 1)[0]?.instances, whole)
  })

  it('are not taken for those of another round, nor what was never written for a point', () => {
    fc.assert(
      fc.property(aRing, anIndex, fc.integer({ min: 1, max: 1000 }), (ring, index, rounds) => {
        const bytes = packPoint(ring, index, { cpuMilli: 1 })
        assert.deepEqual(unpackPoints(ring, bytes, index + rounds * ring.points, 1), [null])
        assert.deepEqual(unpackPoints(ring, new Uint8Array(bytesOf(2)), index, 3), [null, null, null])
      }),
    )
  })

  it('lie in their ring so that each coarser one is made of one piece of the finer', () => {
    fc.assert(
      fc.property(fc.constantFrom('1m' as const, '1h' as const), anIndex, (step, index) => {
        const { finer, ms } = ringOf(step)
        assert.ok(finer)
        const fine = ringOf(finer.step)
        assert.equal(fine.ms * finer.count, ms)
        const start = offsetOf(fine, index * finer.count)
        assert.ok(start + bytesOf(finer.count) <= ringBytes(fine))
        assert.equal(indexAt(fine, index * ms), index * finer.count)
      }),
    )
  })

  it('are made coarser to the average of rates, the highest of gauges and the sum of counts, of what is known', () => {
    const points: (Point | null)[] = [
      { requestsPerSecond: 1, memoryBytes: 10, restarts: 1, p95Ms: null },
      null,
      { requestsPerSecond: 4, memoryBytes: 30, restarts: 2, p95Ms: 7 },
      { requestsPerSecond: 1, memoryBytes: 20 },
    ]
    const { requestsPerSecond, memoryBytes, restarts, p95Ms, cpuMilli } = rollUp(points) ?? {}
    assert.deepEqual([requestsPerSecond, memoryBytes, restarts, p95Ms, cpuMilli], [2, 30, 3, 7, null])
    assert.equal(rollUp([null, null]), null)
  })

  it('made coarser lie between the lowest and the highest', () => {
    fc.assert(
      fc.property(fc.array(aPoint, { minLength: 1, maxLength: 60 }), (points) => {
        const whole = rollUp(points)
        for (const name of ['requestsPerSecond', 'cpuMilli'] as const) {
          const values = points.map((point) => point[name] ?? null).filter((one) => one !== null)
          const is = whole?.[name] ?? null
          assert.equal(is === null, values.length === 0)
          const slack = 1e-9 * (is ?? 0)
          if (is !== null) assert.ok(is >= Math.min(...values) - slack && is <= Math.max(...values) + slack)
        }
      }),
    )
  })
})
