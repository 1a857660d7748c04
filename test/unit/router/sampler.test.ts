import assert from 'node:assert/strict'
import { RefusalSampler } from '../../../router/sampler.ts'

describe('the access log’s lines for refusals', () => {
  it('Q08: are a few a second of each app and code, and say how many were left out', () => {
    const sampler = new RefusalSampler(3)
    const logged = (app: string, times: number, now: number) =>
      Array.from({ length: times }, () => sampler.take(app, 'quota-requests', now)).filter(({ log }) => log)
    assert.equal(logged('a-one', 100, 0).length, 3)
    assert.equal(logged('a-two', 2, 0).length, 2, 'another app’s are not hidden by it')
    assert.deepEqual(
      logged('a-one', 10, 1_000).map(({ leftOut }) => leftOut),
      [97, 0, 0],
    )
  })

  it('Q08: tell what was left out when the flood has ended, and forget it', () => {
    const sampler = new RefusalSampler(1)
    for (let i = 0; i < 10; i += 1) sampler.take('a-one', 'quota-client', 500)
    assert.deepEqual(sampler.silent(1_500), [])
    assert.deepEqual(sampler.silent(2_500), [{ app: 'a-one', code: 'quota-client', leftOut: 9 }])
    assert.deepEqual(sampler.silent(2_500), [])
  })

  it('Q08: take no more memory for any number of apps', () => {
    const sampler = new RefusalSampler(1)
    let lines = 0
    for (let i = 0; i < 10_000; i += 1) if (sampler.take(`a-${i}`, 'unknown-host', 0).log) lines += 1
    assert.equal(lines, 2_001)
  })
})
