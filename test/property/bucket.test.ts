import assert from 'node:assert/strict'
import fc from 'fast-check'
import { fullBucket, take } from '#core/domain/bucket.ts'

const rates = fc.record({
  perSecond: fc.double({ min: 0.01, max: 10_000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 10_000 }),
})
/** Times between calls, in ms; a clock may also step back. */
const waits = fc.array(fc.integer({ min: -1000, max: 5000 }), { maxLength: 200 })

describe('a token bucket, whatever is asked of it', () => {
  it('never grants more than the burst plus what the time that passed is worth', () => {
    fc.assert(
      fc.property(rates, waits, (rate, steps) => {
        let bucket = fullBucket(rate, 0)
        let now = 0
        let latest = 0
        let granted = 0
        for (const step of steps) {
          now += step
          latest = Math.max(latest, now)
          const result = take(bucket, rate, now)
          bucket = result.bucket
          if (result.taken) granted += 1
          assert.ok(bucket.tokens >= 0 && bucket.tokens <= rate.burst)
          assert.ok(granted <= rate.burst + (latest * rate.perSecond) / 1000 + 1e-6)
        }
      }),
    )
  })

  it('grants to whoever waits as long as it was told, and not a whole token earlier', () => {
    fc.assert(
      fc.property(rates, fc.double({ min: 0, max: 0.999, noNaN: true }), (rate, tokens) => {
        const refused = take({ tokens, at: 0 }, rate, 0)
        assert.equal(refused.taken, false)
        assert.equal(take(refused.bucket, rate, refused.retryAfterMs + 1).taken, true)
        assert.ok(tokens + ((refused.retryAfterMs - 1) * rate.perSecond) / 1000 < 1 + 1e-9)
      }),
    )
  })

  it('never refuses a caller who stays below the rate', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 200 }), (rate, calls) => {
        const everyMs = Math.ceil(1000 / rate.perSecond) + 1
        let bucket = fullBucket(rate, 0)
        for (let i = 0; i < calls; i += 1) {
          const result = take(bucket, rate, i * everyMs)
          assert.equal(result.taken, true)
          bucket = result.bucket
        }
      }),
    )
  })
})
