import assert from 'node:assert/strict'
import {
  countAfter,
  escapeControls,
  formatBytes,
  formatCores,
  formatDuration,
  formatMegabytes,
  formatSince,
  parseAssignment,
  parseCpu,
  parseMemory,
  parseScaleTerm,
  parseVersion,
  renderTable,
  toJson,
} from '../../../cli/text.ts'

const usage = (pattern: RegExp) => ({ exitCode: 2, message: pattern })

describe('What the CLI prints', () => {
  it('shows control characters as escapes, and keeps tabs', () => {
    assert.equal(escapeControls('a\tb\x1b[2Jc\r\n\x00\x7f\x9b'), 'a\tb\\x1b[2Jc\\r\\n\\x00\\x7f\\x9b')
  })

  it('shows bidirectional controls as escapes, so that text reads in the order it has', () => {
    assert.equal(escapeControls('a\u202eb\u2066'), 'a\\u{202e}b\\u{2066}')
  })

  it('leaves letters of all scripts and emoji alone', () => {
    assert.equal(escapeControls('žluťoučký 日本 🚢'), 'žluťoučký 日本 🚢')
  })

  it('keeps the newlines of a value that asks for them', () => {
    assert.equal(escapeControls('one\ntwo\x1b', '\n'), 'one\ntwo\\x1b')
  })

  it('prints JSON that means the same and drives no terminal', () => {
    const value = { line: 'a\x1b\x9b\x7f\u202eb' }
    const text = toJson(value)
    assert.deepEqual(JSON.parse(text), value)
    assert.doesNotMatch(text, /[\x7f-\x9f\u202e]/)
  })

  it('aligns the columns of a table without trailing blanks', () => {
    assert.deepEqual(
      renderTable(
        ['NAME', 'STATE'],
        [
          ['web.1', 'running'],
          ['clock.12', ''],
        ],
        false,
      ),
      ['NAME      STATE', 'web.1     running', 'clock.12'],
    )
  })

  it('aligns coloured and escaped cells by what is seen', () => {
    const rows = [[{ text: 'up\x07', colour: 'green' as const }, 'x']]
    assert.deepEqual(renderTable(['A', 'B'], rows, true), [
      '\x1b[90mA\x1b[0m       \x1b[90mB\x1b[0m',
      '\x1b[32mup\\x07\x1b[0m  x',
    ])
    assert.deepEqual(renderTable(['A', 'B'], rows, false), ['A       B', 'up\\x07  x'])
  })

  it('writes sizes in binary units', () => {
    assert.equal(formatBytes(0), '0 B')
    assert.equal(formatBytes(999), '999 B')
    assert.equal(formatBytes(1000), '0.98 KiB')
    assert.equal(formatBytes(101_082_726), '96.4 MiB')
    assert.equal(formatMegabytes(512), '512 MiB')
    assert.equal(formatMegabytes(24_576), '24.0 GiB')
  })

  it('writes thousandths of a core as cores', () => {
    assert.deepEqual([250, 1000, 3].map(formatCores), ['0.25', '1', '0'])
  })

  it('writes durations in at most two units', () => {
    assert.deepEqual([0, 120, 2400, 65_000, 12_000_000, 86_400_000].map(formatDuration), [
      '0 ms',
      '120 ms',
      '2.4 s',
      '1 min 5 s',
      '3 h 20 min',
      '1 d',
    ])
  })

  it('writes times as ages, and as dates after a week', () => {
    const now = Date.parse('2026-03-20T12:00:00Z')
    assert.equal(formatSince('2026-03-20T12:00:00.500Z', now), 'just now')
    assert.equal(formatSince('2026-03-20T11:59:54Z', now), '6 s ago')
    assert.equal(formatSince('2026-03-20T08:30:00Z', now), '3 h ago')
    assert.equal(formatSince('2026-01-01T00:00:00Z', now), '2026-01-01')
    assert.equal(formatSince('never', now), 'never')
  })
})

describe('What the CLI is told', () => {
  it('reads web=2, web+1 and web-1', () => {
    assert.deepEqual(parseScaleTerm('web=2'), { type: 'web', sign: '=', count: 2 })
    assert.equal(countAfter(parseScaleTerm('web=2'), 7), 2)
    assert.equal(countAfter(parseScaleTerm('web+1'), 7), 8)
    assert.equal(countAfter(parseScaleTerm('web-1'), 7), 6)
  })

  it('never scales below zero', () => {
    assert.equal(countAfter(parseScaleTerm('web-9'), 2), 0)
  })

  it('refuses what is no number of instances', () => {
    for (const text of ['web', 'web=', 'web=-1', 'web=1.5', 'Web=1', '=1', 'web:2', 'web=99999'])
      assert.throws(() => parseScaleTerm(text), usage(/web=2/), text)
  })

  it('splits KEY=VALUE at the first equals sign, and takes an empty value', () => {
    assert.deepEqual(parseAssignment('URL=a=b&c=d'), { name: 'URL', value: 'a=b&c=d' })
    assert.deepEqual(parseAssignment('EMPTY='), { name: 'EMPTY', value: '' })
  })

  it('refuses names that no environment has', () => {
    assert.throws(() => parseAssignment('KEY'), usage(/KEY=VALUE/))
    assert.throws(() => parseAssignment('1A=x'), usage(/"1A" cannot be/))
    assert.throws(() => parseAssignment('a-b=x'), usage(/"a-b" cannot be/))
  })

  it('reads sizes', () => {
    assert.deepEqual(
      ['256M', '256', '1G', '1.5g', '512MiB', '2GB', '1T'].map(parseMemory),
      [256, 256, 1024, 1536, 512, 2048, 1048576],
    )
    for (const text of ['', '0', '-1', '1K', 'M']) assert.throws(() => parseMemory(text), usage(/256M or 1G/), text)
  })

  it('reads cores', () => {
    assert.deepEqual(['0.5', '2', '500m'].map(parseCpu), [500, 2000, 500])
    for (const text of ['', '0', 'x', '-1', '1k']) assert.throws(() => parseCpu(text), usage(/--cpu/), text)
  })

  it('reads releases with and without the v', () => {
    assert.deepEqual(['v12', '12'].map(parseVersion), [12, 12])
    for (const text of ['v0', 'v', 'latest', 'v1.2']) assert.throws(() => parseVersion(text), usage(/v12/), text)
  })
})
