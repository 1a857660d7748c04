import assert from 'node:assert/strict'
import { commitTimeIn } from '../../../agent/source-time.ts'

const now = 1_800_000_000

/** The first block of an archive, as git archive begins one. */
function block(time: number, kind = 'g'): Buffer {
  const made = Buffer.alloc(512)
  made.write('pax_global_header', 0, 'latin1')
  made.write(`${time.toString(8).padStart(11, '0')}\0`, 136, 'latin1')
  made.write(kind, 156, 'latin1')
  return made
}

describe('The time of an app’s files', () => {
  it('is that of the commit', () => {
    assert.equal(commitTimeIn(block(1_700_000_000), now), 1_700_000_000)
  })

  it('is not taken from an archive that git has not made, nor one that programs cannot handle or that lies ahead', () => {
    assert.equal(commitTimeIn(block(1_700_000_000, '0'), now), null)
    assert.equal(commitTimeIn(block(0), now), null)
    assert.equal(commitTimeIn(block(now + 2 * 24 * 3600), now), null)
    assert.equal(commitTimeIn(Buffer.alloc(512), now), null)
  })
})
