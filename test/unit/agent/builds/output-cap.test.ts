import assert from 'node:assert/strict'
import { capOutput } from '../../../../agent/builds/output-cap.ts'

describe('B04: what is kept of the output of a build', () => {
  it('is all of it, as it comes, up to the limit', () => {
    const cap = capOutput({ maxBytes: 20, lastLines: 2 })
    assert.deepEqual(cap.take(['123456789', '123456789']), ['123456789', '123456789'])
    assert.deepEqual(cap.end(), [])
  })

  it('is its beginning and its end when it is longer, and says what is missing', () => {
    const cap = capOutput({ maxBytes: 1024 * 1024, lastLines: 2 })
    const line = 'x'.repeat(1024 * 1024 - 1)
    assert.deepEqual(cap.take([line, 'one']), [
      line,
      ' !     The output is longer than 1 MB: from here on only its end is kept.',
    ])
    assert.deepEqual(cap.take(['two', 'three', 'four']), [])
    assert.deepEqual(cap.end(), [' !     2 lines of output were left out here.', 'three', 'four'])
    assert.deepEqual(cap.end(), [])
  })
})
