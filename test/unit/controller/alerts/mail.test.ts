import assert from 'node:assert/strict'
import {
  afterFailure,
  afterMail,
  BETWEEN_MAILS_MS,
  GATHER_MS,
  mailDueAt,
} from '../../../../controller/alerts/mail-due.ts'
import { mailLineOf, mailOf, oneLine } from '../../../../controller/alerts/mail-text.ts'
import { neverWritten } from '#core/store/mails.ts'

const HOUR = 3600_000

describe('a mail about alerts', () => {
  it('waits a moment for more to tell, and some minutes after the one before', () => {
    const lines = [
      { at: 5_000, text: 'b' },
      { at: 1_000, text: 'a' },
    ]
    assert.equal(mailDueAt(lines, neverWritten), 1_000 + GATHER_MS)
    assert.equal(mailDueAt(lines, afterMail(0)), BETWEEN_MAILS_MS)
    assert.equal(mailDueAt(lines, { ...neverWritten, nextAt: 10 * HOUR }), 10 * HOUR)
  })

  it('that cannot be handed over is tried later and later, and given up after a day', () => {
    const lines = new Map([
      ['1', { at: 0, text: 'old' }],
      ['2', { at: 20 * HOUR, text: 'new' }],
    ])
    let standing = neverWritten
    const waits: number[] = []
    for (let count = 0; count < 10; count++) {
      const after = afterFailure(lines, standing, 25 * HOUR)
      waits.push(((after.standing.nextAt ?? 0) - 25 * HOUR) / 1000)
      standing = after.standing
      assert.deepEqual(after.givenUp, ['1'])
    }
    assert.deepEqual(waits.slice(0, 3), [30, 60, 120])
    assert.equal(waits.at(-1), 3600)
  })

  it('tells one thing in its subject, and several in their order', () => {
    const one = { at: Date.parse('2026-11-21T12:00:00Z'), text: 'memory began: web.1 uses 95 %' }
    assert.equal(mailOf('shop', [one]).subject, '[Berth] shop: memory began: web.1 uses 95 %')
    const { subject, text } = mailOf('shop', [{ ...one, at: one.at + 1000, text: 'second' }, one])
    assert.equal(subject, '[Berth] shop: 2 alerts')
    assert.match(
      text,
      /^2026-11-21 12:00:00 UTC {2}memory began: web\.1 uses 95 %\n2026-11-21 12:00:01 UTC {2}second\n/,
    )
    const many = Array.from({ length: 80 }, (_, at) => ({ at, text: `line ${at}` }))
    assert.match(mailOf('shop', many).text, /… and 30 more\./)
  })

  it('C19 has one line for each thing, whatever a text holds', () => {
    const evil = 'x\r\nBcc: victim@example.com\u2028y\u202ez\0'
    assert.doesNotMatch(oneLine(evil), /[\r\n\0\u2028\u202e]/)
    const alert = {
      id: 'al-1',
      kind: 'memory' as const,
      appId: null,
      appName: null,
      tenantId: null,
      hostId: null,
      since: 0,
      until: null,
      mark: 0,
      text: evil,
    }
    const line = mailLineOf({ kind: 'alert', news: 'began', alert, at: 0 })
    const { subject, text } = mailOf(evil, [line ?? assert.fail()])
    assert.doesNotMatch(subject, /[\r\n]/)
    assert.ok(subject.length <= 120)
    assert.doesNotMatch(text, /^Bcc/m)
  })
})
