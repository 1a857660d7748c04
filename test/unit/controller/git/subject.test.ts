import assert from 'node:assert/strict'
import { MAX_SUBJECT_LENGTH, subjectIn } from '../../../../controller/git/subject.ts'

describe('What a commit says of itself', () => {
  it('is its first line with text', () => {
    assert.equal(subjectIn('Fix the totals\n\nThey were wrong.'), 'Fix the totals')
    assert.equal(subjectIn('\n  \r\n Fix   the\ttotals \r\n'), 'Fix the totals')
    for (const nothing of ['', '\n', ' \u200b\u202e\u0007 \n\t']) assert.equal(subjectIn(nothing), null)
  })

  it('is cut at 72 characters, and never within one', () => {
    const whole = 'é'.repeat(MAX_SUBJECT_LENGTH)
    assert.equal(subjectIn(whole), whole)
    assert.equal(subjectIn('😀'.repeat(73)), `${'😀'.repeat(71)}…`)
    assert.equal(subjectIn(`${'a'.repeat(70)} ${'b'.repeat(9)}`), `${'a'.repeat(70)}…`)
  })

  it('G10 moves no cursor and turns no text around', () => {
    assert.equal(subjectIn('\u001b]0;root\u0007 \u202eevil\u2066\u200f \u009b31m\ufeff\u{e0041}'), ']0;root evil 31m')
    assert.equal(subjectIn('one\u2028two'), 'one')
    assert.equal(subjectIn('<script>alert(1)</script> $(id)'), '<script>alert(1)</script> $(id)')
  })
})
