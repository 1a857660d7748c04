import assert from 'node:assert/strict'
import { CronExpressionParser } from 'cron-parser'
import fc from 'fast-check'
import { lastTick, nextTick, parseSchedule } from '#core/domain/schedule.ts'

const START = Date.parse('2020-01-01T00:00:00Z')
const YEARS = 12 * 366 * 24 * 3600_000

/** What both take: the library refuses a value that is named twice. */
function field(from: number, to: number): fc.Arbitrary<string> {
  const value = fc.integer({ min: from, max: to })
  const range = fc
    .tuple(value, value)
    .filter(([a, b]) => a !== b)
    .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
  const step = fc.integer({ min: 1, max: Math.min(to, 30) })
  const list = fc.uniqueArray(value, { minLength: 1, maxLength: 4 }).map((values) => values.join(','))
  const stepped = fc.tuple(range, step).map(([text, n]) => `${text}/${n}`)
  return fc.oneof(fc.constant('*'), list, range, stepped)
}

const expressions = fc
  .tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6))
  .map((fields) => fields.join(' '))

describe('a schedule, whatever it is', () => {
  it('is due when a widely used library says so, forwards and back', function () {
    this.timeout(60_000)
    fc.assert(
      fc.property(expressions, fc.integer({ min: START, max: START + YEARS }), (text, after) => {
        const parsed = parseSchedule(text)
        if (!parsed.ok) return assert.equal(parsed.problem, 'it names a day that never comes')
        const judge = CronExpressionParser.parse(text, { currentDate: new Date(after), tz: 'UTC' })
        for (let n = 0, at = after; n < 5; n++) {
          const expected = judge.next().getTime()
          const found = nextTick(parsed.schedule, at)
          assert.equal(found, expected)
          at = expected
          assert.equal(lastTick(parsed.schedule, at), at)
        }
        const back = CronExpressionParser.parse(text, { currentDate: new Date(after), tz: 'UTC' })
          .prev()
          .getTime()
        assert.equal(lastTick(parsed.schedule, after - 1), back)
      }),
      { numRuns: 400 },
    )
  })
})
