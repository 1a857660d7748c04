import assert from 'node:assert/strict'
import { nextDelay } from '../../../router/workers.ts'

describe('The wait before a worker is started again', () => {
  it('doubles while workers end soon after their start, up to ten seconds', () => {
    const delays = [nextDelay(200, 50)]
    while (delays.length < 7) delays.push(nextDelay(delays.at(-1) ?? 0, 50))
    assert.deepEqual(delays, [400, 800, 1600, 3200, 6400, 10_000, 10_000])
  })

  it('is short again after one that ran for a while', () => {
    assert.equal(nextDelay(10_000, 60_000), 200)
  })
})
