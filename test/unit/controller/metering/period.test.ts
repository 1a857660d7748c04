import assert from 'node:assert/strict'
import { periodOf } from '../../../../controller/metering/period.ts'

const at = (text: string) => Date.parse(text)
const now = at('2026-11-21T10:17:33Z')
const shown = (query: Parameters<typeof periodOf>[0]) => {
  const { from, to, by, resolution } = periodOf(query, now)
  return [new Date(from).toISOString(), new Date(to).toISOString(), by, resolution.name]
}

describe('the time that a question about use means', () => {
  it('is the current month, if nothing is said', () => {
    assert.deepEqual(shown({}), ['2026-11-01T00:00:00.000Z', '2026-11-21T10:17:33.000Z', null, 'day'])
  })

  it('begins and ends at the edges of what is asked for, and not in the future', () => {
    const from = at('2026-11-03T05:30:00Z')
    assert.deepEqual(shown({ from, to: at('2026-11-05T00:00:00Z'), by: 'day' }), [
      '2026-11-03T00:00:00.000Z',
      '2026-11-05T00:00:00.000Z',
      'day',
      'day',
    ])
    assert.deepEqual(shown({ from, to: at('2030-01-01T00:00:00Z'), by: 'month' }), [
      '2026-11-01T00:00:00.000Z',
      '2026-11-21T10:17:33.000Z',
      'month',
      'day',
    ])
  })

  it('says what to ask instead when it is not kept so far back, or is empty', () => {
    assert.throws(() => periodOf({ from: at('2026-11-20T00:00:00Z'), by: 'minute' }, now), {
      code: 'BAD_REQUEST',
      message:
        'What was used is kept by the minute for 26 hours: ask for a from after 2026-11-20T08:17:33.000Z, or for coarser steps.',
    })
    assert.throws(() => periodOf({ from: at('2025-01-01T00:00:00Z') }, now), /by the day for 400 days/)
    assert.throws(() => periodOf({ from: now + 1000 }, now), /no time between/)
    assert.throws(() => periodOf({ from: now - 1000, to: now - 2000 }, now), /no time between/)
  })
})
