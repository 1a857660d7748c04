import assert from 'node:assert/strict'
import { appendFile, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { followOutput, type Batch } from '../../../agent/logs.ts'
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

describe('Following the output of a sandbox', function () {
  this.timeout(20_000)
  const row = (text: string, second = 0) =>
    `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000000Z stdout F ${text}\n`
  const unread = { file: null, offset: 0 }
  let folder: string
  let file: string
  let lines: OutputLine[]
  let read: { file: string | null; offset: number }
  let dropped: number
  let answer: 'taken' | 'away'
  const take = (batch: Batch): Promise<'taken' | 'away'> => {
    if (answer === 'away') return Promise.resolve(answer)
    lines.push(...batch.lines)
    read = { file: batch.file, offset: batch.lines.at(-1)?.end ?? 0 }
    dropped += batch.dropped
    return Promise.resolve(answer)
  }
  const until = async (there: () => boolean): Promise<void> => {
    while (!there()) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const texts = () => lines.map(({ line }) => line)
  const next = async (text: string): Promise<void> => {
    await writeFile(`${file}.tmp`, text)
    await rename(`${file}.tmp`, file)
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-output-'))
    file = join(folder, 'output.log')
    lines = []
    read = unread
    dropped = 0
    answer = 'taken'
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('hands on what is printed, from where another left off', async () => {
    await writeFile(file, row('stored') + row('new'))
    const from = { file: row('').split(' ')[0] ?? '', offset: row('stored').length }
    const follower = followOutput(file, { from, kbPerSecond: 64 }, take)
    await until(() => lines.length === 1)
    await appendFile(file, row('newer'))
    await until(() => lines.length === 2)
    await follower.stop()
    assert.deepEqual(texts(), ['new', 'newer'])
    assert.deepEqual(follower.last(), ['new', 'newer'])
    assert.equal(read.offset, row('stored').length + row('new').length + row('newer').length)
    assert.equal(follower.bytes(), row('new').length + row('newer').length)
  })

  it('waits for a file that is not there yet', async () => {
    const follower = followOutput(file, { from: unread, kbPerSecond: 64 }, take)
    await writeFile(file, row('first'))
    await until(() => lines.length === 1)
    await follower.stop()
  })

  it('goes on behind the last whole line, so that one whose end had not come is not cut for whoever takes over', async () => {
    await writeFile(file, row('whole') + row('par').replace(' F ', ' P '))
    const first = followOutput(file, { from: unread, kbPerSecond: 64 }, take)
    await until(() => lines.length === 1)
    await first.stop()
    await appendFile(file, row('tial'))
    const second = followOutput(file, { from: read, kbPerSecond: 64 }, take)
    await until(() => lines.length === 2)
    await second.stop()
    assert.deepEqual(texts(), ['whole', 'partial'])
  })

  it('reads a file to its end when conmon has begun the next one', async () => {
    await writeFile(file, row('one'))
    const follower = followOutput(file, { from: unread, kbPerSecond: 64 }, take)
    await until(() => lines.length === 1)
    await appendFile(file, row('two'))
    await next(row('three', 3))
    await until(() => lines.length === 3)
    await follower.stop()
    assert.deepEqual(texts(), ['one', 'two', 'three'])
  })

  it('begins a file at its start, however long it is, when the one before it was read by another', async () => {
    await writeFile(file, row('a new file, of another second', 7))
    const follower = followOutput(
      file,
      { from: { file: row('').split(' ')[0] ?? '', offset: 10 }, kbPerSecond: 64 },
      take,
    )
    await until(() => lines.length === 1)
    await follower.stop()
    assert.deepEqual(texts(), ['a new file, of another second'])
  })

  it('offers what was not taken again, and reads no further meanwhile; nothing is lost, nothing comes twice', async () => {
    answer = 'away'
    await writeFile(file, row('one') + row('two'))
    const follower = followOutput(file, { from: unread, kbPerSecond: 64 }, take)
    await until(() => follower.last().length === 2)
    await appendFile(file, row('three'))
    answer = 'taken'
    await until(() => lines.length === 3)
    await follower.stop()
    assert.deepEqual(texts(), ['one', 'two', 'three'])
  })

  it('tells what was printed and overwritten while nobody took it', async () => {
    answer = 'away'
    await writeFile(file, row('one'))
    const follower = followOutput(file, { from: unread, kbPerSecond: 64 }, take)
    await until(() => follower.last().length === 1)
    await next(row('lost', 1))
    const { size } = await stat(file)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    await next(row('three', 2))
    answer = 'taken'
    await until(() => lines.length === 3)
    await follower.stop()
    assert.deepEqual(texts(), [
      'one',
      `More than ${size} bytes of output dropped: they were printed while the log was away.`,
      'three',
    ])
  })

  it('S46: drops what exceeds the rate after two seconds’ worth, keeps the newest, and says how many lines that were', async () => {
    const kbPerSecond = 4
    const all = Array.from({ length: 4000 }, (_, n) => row(`line ${n}`)).join('')
    await writeFile(file, all)
    const follower = followOutput(file, { from: unread, kbPerSecond }, take)
    await until(() => lines.some(({ line }) => line === 'line 3999'))
    await follower.stop()
    const [notice] = lines
    assert.equal(notice?.source, 'platform')
    const told = Number(
      /^(\d+) lines dropped: it printed more than 4 KiB a second \(\d+ bytes\)\.$/.exec(notice?.line ?? '')?.[1],
    )
    assert.equal(told + lines.length - 1, 4000)
    assert.equal(dropped, told)
    assert.equal(follower.bytes(), all.length)
    assert.ok(lines.slice(1).every(({ source }) => source === 'app'))
  })
})
