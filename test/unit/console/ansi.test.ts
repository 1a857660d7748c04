import assert from 'node:assert/strict'
import { plainText, readAnsi } from '../../../console/src/text/ansi.ts'

const ESC = '\u001b'

describe('What an app printed, in the console', () => {
  it('has its colours as names of classes', () => {
    assert.deepEqual(readAnsi(`${ESC}[1;31mfailed${ESC}[0m at once`), [
      { text: 'failed', look: 'ansi-red ansi-bold' },
      { text: ' at once', look: '' },
    ])
    assert.deepEqual(readAnsi(`${ESC}[93mbright${ESC}[39m plain`), [
      { text: 'bright', look: 'ansi-yellow' },
      { text: ' plain', look: '' },
    ])
  })

  it('leaves figures of colours that have no name out', () => {
    assert.deepEqual(readAnsi(`${ESC}[38;5;196mred${ESC}[48;2;1;2;3m still`), [
      { text: 'red', look: '' },
      { text: ' still', look: '' },
    ])
  })

  it('cannot move the cursor, set a title, make a link or leave a half sequence behind (C09)', () => {
    assert.equal(plainText(`a${ESC}[2J${ESC}[10;20Hb`), 'ab')
    assert.equal(plainText(`a${ESC}]0;title\u0007b`), 'ab')
    assert.equal(plainText(`a${ESC}]8;;https://evil.example${ESC}\\link${ESC}]8;;${ESC}\\b`), 'alinkb')
    assert.equal(plainText(`a${ESC}P1;2|data${ESC}\\b`), 'ab')
    assert.equal(plainText(`a${ESC}`), 'a')
  })

  it('shows characters that hide or reorder text as what they are (C09)', () => {
    assert.equal(plainText('user\u202Enimda'), 'user\\u202enimda')
    assert.equal(plainText('a\u200Bb\u0000c\rd'), 'a\\u200bb\\u0000c\\u000dd')
  })

  it('is text, whatever it says: markup stays markup’s text (C09)', () => {
    const line = '<img src=x onerror=alert(1)>'
    assert.deepEqual(readAnsi(line), [{ text: line, look: '' }])
  })

  it('takes a hostile line of a megabyte in no time that anybody would notice', () => {
    const began = performance.now()
    for (const piece of [`${ESC}[`, `${ESC}]`, `${ESC}[1;`, `${ESC}P`]) plainText(piece.repeat(250_000))
    assert.ok(performance.now() - began < 10_000)
  })
})
