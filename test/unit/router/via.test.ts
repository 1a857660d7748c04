import assert from 'node:assert/strict'
import { joinedVia, passesIn, viaText } from '../../../router/wire/via.ts'
import { sortRequestFields } from '../../../router/wire/fields.ts'
import { emptyRequestHead, scanRequestHead } from '../../../router/wire/request-head.ts'

describe('the proxies that a request came through', () => {
  it('H66: are counted as this one by the whole of its name alone', () => {
    assert.equal(passesIn('1.1 berth'), 1)
    assert.equal(passesIn('1.0 fred, HTTP/1.1 Berth (a comment),1.1\tberth ,2 berth'), 3)
    assert.equal(passesIn('1.1 berth.example, 1.1 not-berth, berth, , 1.1'), 0)
  })

  it('keep what they said, and this one comes last, by the protocol that it was asked in', () => {
    assert.equal(viaText({ via: '', version: '1.1' }), '1.1 berth')
    assert.equal(viaText({ via: '1.1 cdn', version: '1.0' }), '1.1 cdn, 1.0 berth')
    assert.equal(viaText({ via: '', version: '2.0' }), '2.0 berth')
    assert.equal(joinedVia('1.1 a', ''), '1.1 a')
  })

  it('H66: are read by every lane, and cannot be nominated away', () => {
    const head = emptyRequestHead()
    const bytes = Buffer.from(
      'GET / HTTP/1.1\r\nHost: a.test\r\nVIA: 1.1 a, 1.1 berth\r\nVia: 1.1 b\r\nAccept: c\r\n\r\n',
    )
    assert.equal(scanRequestHead(bytes, 0, bytes.length, head), bytes.length)
    assert.deepEqual([head.via, head.fields], ['1.1 a, 1.1 berth, 1.1 b', 'Accept: c\r\n'])
    const sorted = sortRequestFields(['Connection', 'via', 'Via', '1.1 a, 1.1 berth', 'via', '1.1 b', 'Accept', 'c'])
    assert.deepEqual(sorted, { fields: 'Accept: c\r\n', relayed: '', via: '1.1 a, 1.1 berth, 1.1 b' })
  })
})
