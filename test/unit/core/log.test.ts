import assert from 'node:assert/strict'
import { describeDropped, passes } from '#core/domain/log.ts'

describe('which lines of a log are shown', () => {
  const line = { at: '2026-01-01T00:00:10Z', source: 'app' as const, ps: 'web.1', line: 'GET /a.*b took 3 ms' }

  it('takes a process type for all its instances', () => {
    assert.equal(passes(line, { ps: 'web' }), true)
    assert.equal(passes(line, { ps: 'web.1' }), true)
    assert.equal(passes(line, { ps: 'we' }), false)
    assert.equal(passes(line, { ps: 'web.10' }), false)
    assert.equal(passes(line, { source: 'build' }), false)
  })

  it('looks for text as it stands: what a pattern would match is not meant', () => {
    assert.equal(passes(line, { grep: '/a.*b' }), true)
    assert.equal(passes(line, { grep: 'GET .*ms' }), false)
  })

  it('goes by when a line was printed, the end not included', () => {
    const at = Date.parse(line.at)
    assert.equal(passes(line, { since: at }), true)
    assert.equal(passes(line, { since: at + 1 }), false)
    assert.equal(passes(line, { until: at }), false)
    assert.equal(passes(line, { since: at - 1, until: at + 1 }), true)
  })

  it('says how many lines are not there', () => {
    assert.equal(describeDropped(1, 'why.'), '1 line dropped: why.')
    assert.equal(describeDropped(20, 'why.'), '20 lines dropped: why.')
  })
})
