import assert from 'node:assert/strict'
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { followOutput } from '../../../agent/logs.ts'
import { lineAssembler, printable, type OutputLine } from '../../../agent/output.ts'

describe('Reading the output of a sandbox', () => {
  it('puts lines together across chunks and partial writes', () => {
    const assemble = lineAssembler()
    const lines = [
      ...assemble('2026-01-01T00:00:00Z stdout P he'),
      ...assemble('l\n2026-01-01T00:00:01Z stdout F lo\n2026-01-01T00:00:02Z std'),
      ...assemble('err F oops\n'),
    ]
    assert.deepEqual(lines, [
      { at: '2026-01-01T00:00:01Z', source: 'app', line: 'hello' },
      { at: '2026-01-01T00:00:02Z', source: 'app', line: 'oops' },
    ])
  })

  it('S46: cuts a line that is too long and keeps no more of it in memory', () => {
    const assemble = lineAssembler()
    for (let i = 0; i < 1000; i++) assemble(`2026-01-01T00:00:00Z stdout P ${'x'.repeat(8000)}\n`)
    const [line] = assemble('2026-01-01T00:00:00Z stdout F end\n')
    assert.equal(line?.line.length, 2049)
  })

  it('S46: a line cannot pretend to be another stream’s, or the platform’s', () => {
    const [line] = lineAssembler()('2026-01-01T00:00:00Z stdout F 2026-01-01T00:00:00Z stderr F forged\n')
    assert.equal(line?.line, '2026-01-01T00:00:00Z stderr F forged')
    assert.equal(line?.source, 'app')
  })

  it('S46: shows control characters instead of sending them to a terminal, and lets colours end with the line', () => {
    assert.equal(printable('a\u0000b\u0007\u001b[2K\u001b[1Gc\rd\u009bm\u007f'), 'a␀b␇␛[2K␛[1Gc␍d\ufffdm␡')
    assert.equal(printable('\u001b]0;title\u0007'), '␛]0;title␇')
    assert.equal(printable('\u001b[8mhidden'), '\u001b[8mhidden\u001b[0m')
    assert.equal(printable('left \u202e right'), 'left \ufffd right')
    assert.equal(printable('tab\tand end\r'), 'tab\tand end')
  })
})

describe('Following the output of a sandbox', () => {
  const row = (text: string) => `2026-01-01T00:00:00Z stdout F ${text}\n`
  let folder: string
  let file: string
  let lines: OutputLine[]
  let offset: number
  const onLines = (some: OutputLine[], at: number): Promise<void> => {
    lines.push(...some)
    offset = at
    return Promise.resolve()
  }
  const until = async (there: () => boolean): Promise<void> => {
    while (!there()) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const texts = () => lines.map(({ line }) => line)

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-output-'))
    file = join(folder, 'output.log')
    lines = []
    offset = 0
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('hands on what is printed, from where another left off', async () => {
    await writeFile(file, row('stored') + row('new'))
    const follower = followOutput(file, { offset: row('stored').length, kbPerSecond: 64 }, onLines)
    await until(() => lines.length === 1)
    await appendFile(file, row('newer'))
    await until(() => lines.length === 2)
    await follower.stop()
    assert.deepEqual(texts(), ['new', 'newer'])
    assert.deepEqual(follower.last(), ['new', 'newer'])
    assert.equal(offset, row('stored').length + row('new').length + row('newer').length)
    assert.equal(follower.bytes(), row('new').length + row('newer').length)
  })

  it('waits for a file that is not there yet', async () => {
    const follower = followOutput(file, { offset: 0, kbPerSecond: 64 }, onLines)
    await writeFile(file, row('first'))
    await until(() => lines.length === 1)
    await follower.stop()
  })

  it('reads a file to its end when conmon has begun the next one', async () => {
    await writeFile(file, row('one'))
    const follower = followOutput(file, { offset: 0, kbPerSecond: 64 }, onLines)
    await until(() => lines.length === 1)
    await appendFile(file, row('two'))
    await writeFile(`${file}.tmp`, row('three'))
    await rename(`${file}.tmp`, file)
    await until(() => lines.length === 3)
    await follower.stop()
    assert.deepEqual(texts(), ['one', 'two', 'three'])
  })

  it('S46: drops what exceeds the rate after two seconds’ worth, keeps the newest, and says so as the platform', async () => {
    const kbPerSecond = 4
    const all = Array.from({ length: 4000 }, (_, n) => row(`line ${n}`)).join('')
    await writeFile(file, all)
    const follower = followOutput(file, { offset: 0, kbPerSecond }, onLines)
    await until(() => lines.some(({ line }) => line === 'line 3999'))
    await follower.stop()
    const [notice] = lines
    assert.equal(notice?.source, 'platform')
    const dropped = Number(
      /^(\d+) bytes of output dropped: it printed more than 4 KiB a second\.$/.exec(notice?.line ?? '')?.[1],
    )
    assert.equal(dropped, all.length - kbPerSecond * 1024 * 2)
    assert.equal(follower.bytes(), all.length)
    assert.ok(lines.slice(1).every(({ source }) => source === 'app'))
  })
})
