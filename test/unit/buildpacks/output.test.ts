import assert from 'node:assert/strict'
import { createLines } from '#buildpacks/output.ts'
import { explainFailure } from '#buildpacks/steps.ts'

describe('The output of a step', () => {
  function linesOf(...chunks: Buffer[]): string[] {
    const seen: string[] = []
    const lines = createLines((line) => seen.push(line))
    for (const chunk of chunks) lines.push(chunk)
    lines.end()
    return seen
  }

  it('comes in whole lines, however it was cut on the way', () => {
    const euro = Buffer.from('one €\r\ntwo\nrest')
    assert.deepEqual(linesOf(euro.subarray(0, 5), euro.subarray(5, 9), euro.subarray(9)), ['one €', 'two', 'rest'])
    assert.deepEqual(linesOf(), [])
  })

  it('is cut when a line has no end, so that it stays bounded', () => {
    const seen = linesOf(Buffer.alloc(10_000, 'x'))
    assert.deepEqual(
      seen.map(({ length }) => length),
      [4096, 4096, 1808],
    )
  })
})

describe('The sentence about a failed step', () => {
  const end = { exitCode: 1, signal: null }

  it('names the command and its exit code', () => {
    assert.equal(explainFailure('npm ci', end), '"npm ci" failed with exit code 1. Its output is above.')
  })

  it('says when the disk was full, or memory probably short', () => {
    assert.match(explainFailure('npm ci', end, true), /disk space \(ENOSPC\)/)
    assert.match(explainFailure('npm run build', { exitCode: 137, signal: null }), /memory/)
    assert.match(explainFailure('npm run build', { exitCode: null, signal: 'SIGKILL' }), /ended by SIGKILL.*memory/)
  })

  it('says when the program could not be started', () => {
    const error = new Error('spawn ENOENT')
    assert.match(
      explainFailure('tar -x', { exitCode: null, signal: null, error }),
      /could not be started: spawn ENOENT/,
    )
  })
})
