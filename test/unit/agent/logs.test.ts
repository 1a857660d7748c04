import assert from 'node:assert/strict'
import { lineAssembler } from '../../../agent/logs.ts'

describe('Reading the output of a sandbox', () => {
  it('puts lines together across chunks and partial writes', () => {
    const assemble = lineAssembler()
    const lines = [
      ...assemble('2026-01-01T00:00:00Z stdout P he'),
      ...assemble('l\n2026-01-01T00:00:01Z stdout F lo\n2026-01-01T00:00:02Z std'),
      ...assemble('err F oops\n'),
    ]
    assert.deepEqual(lines, [
      { at: '2026-01-01T00:00:01Z', line: 'hello' },
      { at: '2026-01-01T00:00:02Z', line: 'oops' },
    ])
  })

  it('S46: cuts a line that is too long and keeps no more of it in memory', () => {
    const assemble = lineAssembler()
    for (let i = 0; i < 1000; i++) assemble(`2026-01-01T00:00:00Z stdout P ${'x'.repeat(8000)}\n`)
    const [line] = assemble('2026-01-01T00:00:00Z stdout F end\n')
    assert.equal(line?.line.length, 2049)
  })

  it('S46: a line cannot pretend to be another stream’s', () => {
    const [line] = lineAssembler()('2026-01-01T00:00:00Z stdout F 2026-01-01T00:00:00Z stderr F forged\n')
    assert.equal(line?.line, '2026-01-01T00:00:00Z stderr F forged')
  })
})
