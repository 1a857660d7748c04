import assert from 'node:assert/strict'
import { fullBucket, take, takeUpTo } from '#core/domain/bucket.ts'

const rate = { perSecond: 2, burst: 3 }

describe('a token bucket', () => {
  it('starts full and gives its burst at once', () => {
    let bucket = fullBucket(rate, 0)
    for (const taken of [true, true, true, false]) {
      const result = take(bucket, rate, 0)
      assert.equal(result.taken, taken)
      bucket = result.bucket
    }
  })

  it('says when a refused caller finds a token, and it is there then and not before', () => {
    const refused = take({ tokens: 0, at: 1000 }, rate, 1000)
    assert.deepEqual([refused.taken, refused.retryAfterMs], [false, 500])
    assert.equal(take(refused.bucket, rate, 1499).taken, false)
    assert.equal(take(refused.bucket, rate, 1500).taken, true)
  })

  it('holds no more than its burst, however long it rests', () => {
    assert.equal(take({ tokens: 0, at: 0 }, rate, 1e9).bucket.tokens, rate.burst - 1)
  })

  it('gains nothing when the clock goes back', () => {
    const result = take({ tokens: 0.5, at: 1000 }, rate, 0)
    assert.deepEqual([result.taken, result.bucket], [false, { tokens: 0.5, at: 1000 }])
  })

  it('never has a token at a rate of nothing', () => {
    assert.equal(take({ tokens: 0, at: 0 }, { perSecond: 0, burst: 1 }, 1e9).retryAfterMs, Infinity)
  })

  it('gives of an amount what it has, and the rest as it flows in', () => {
    const first = takeUpTo(fullBucket(rate, 0), rate, 0, 10)
    assert.deepEqual(first, { taken: 3, bucket: { tokens: 0, at: 0 } })
    assert.deepEqual(takeUpTo(first.bucket, rate, 1000, 10).taken, 2)
    assert.deepEqual(takeUpTo(first.bucket, rate, 1000, 1), { taken: 1, bucket: { tokens: 1, at: 1000 } })
  })
})
