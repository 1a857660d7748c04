import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { createOutput } from '../../../cli/output.ts'

const terminal = () => Object.assign(new PassThrough(), { isTTY: true, columns: 30 })
const written = (stream: PassThrough) => {
  let text = ''
  for (let part: Buffer | null; (part = stream.read() as Buffer | null) !== null;) text += part.toString()
  return text
}

describe('Progress', () => {
  it('is a line for each phase where there is no terminal', () => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const progress = createOutput(stdout, stderr, {}).progress()
    for (const phase of ['web: 0 of 2', 'web: 0 of 2', 'web: 2 of 2']) progress.say(phase)
    progress.end()
    assert.equal(written(stderr), 'web: 0 of 2\nweb: 2 of 2\n')
    assert.equal(written(stdout), '')
  })

  it('is one line on a terminal, above which results are written, and which leaves nothing behind', () => {
    const [stdout, stderr] = [terminal(), terminal()]
    let now = 0
    const out = createOutput(stdout, stderr, { TERM: 'xterm' }, () => now)
    const progress = out.progress()
    progress.say('Building')
    assert.equal(written(stderr), '\r\x1b[K| Building')
    now = 5_000
    out.line('a result')
    assert.equal(written(stdout), 'a result\n')
    assert.equal(written(stderr), '\r\x1b[K\r\x1b[K| Building (5 s)')
    progress.end()
    assert.equal(written(stderr), '\r\x1b[K')
    out.note('after')
    assert.equal(written(stderr), 'after\n')
  })

  it('never takes more than the terminal’s width, and drives it by nothing that was said', () => {
    const stderr = terminal()
    const progress = createOutput(terminal(), stderr, { TERM: 'xterm' }).progress()
    progress.say(`\x1b[2J${'long '.repeat(20)}`)
    const [, line = ''] = written(stderr).split('\r\x1b[K')
    progress.end()
    assert.equal(line.length, 29)
    assert.match(line, /^\| \\x1b\[2Jlong/)
  })

  it('is plain lines on a terminal that cannot take a line back, and in a build machine', () => {
    for (const env of [{ TERM: 'dumb' }, { TERM: 'xterm', CI: 'true' }]) {
      const stderr = terminal()
      const progress = createOutput(terminal(), stderr, env).progress()
      progress.say('Building')
      progress.end()
      assert.equal(written(stderr), 'Building\n')
    }
  })
})
