import assert from 'node:assert/strict'
import { countTicks, lastTick, nextTick, parseSchedule, type Schedule } from '#core/domain/schedule.ts'

function schedule(text: string): Schedule {
  const parsed = parseSchedule(text)
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem)
  return parsed.schedule
}
const problem = (text: string) => {
  const parsed = parseSchedule(text)
  return parsed.ok ? null : parsed.problem
}
const at = (text: string) => Date.parse(`${text}Z`)
const next = (text: string, after: string) => {
  const tick = nextTick(schedule(text), at(after))
  return tick === null ? null : new Date(tick).toISOString().slice(0, 16)
}

describe('A schedule', () => {
  it('is due in UTC, at the first moment after now', () => {
    assert.equal(next('*/15 * * * *', '2026-11-21T10:00'), '2026-11-21T10:15')
    assert.equal(next('0 3 * * *', '2026-11-21T03:00'), '2026-11-22T03:00')
    assert.equal(next('30 22 * * mon-fri', '2026-11-20T23:00'), '2026-11-23T22:30')
    assert.equal(next('0 0 1 jan,JUL *', '2026-11-21T00:00'), '2027-01-01T00:00')
    assert.equal(next('5-10/5 1 * * 7', '2026-11-21T00:00'), '2026-11-22T01:05')
  })

  it('knows its shorthands', () => {
    assert.deepEqual(schedule('@hourly'), schedule('0 * * * *'))
    assert.deepEqual(schedule('@weekly'), schedule('0 0 * * sun'))
    assert.match(problem('@reboot') ?? '', /"@reboot" is none of @hourly, @daily/)
  })

  it('takes a day of the month or of the week where both are restricted, as crontab(5) does', () => {
    assert.equal(next('0 0 13 * 5', '2026-11-21T00:00'), '2026-11-27T00:00')
    assert.equal(next('0 0 13 * *', '2026-11-21T00:00'), '2026-12-13T00:00')
  })

  it('finds the next 29th of February, and says when a day never comes', () => {
    assert.equal(next('0 0 29 2 *', '2096-03-01T00:00'), '2104-02-29T00:00')
    assert.equal(problem('0 0 30 2 *'), 'it names a day that never comes')
  })

  it('names the field that is wrong, and what it may be', () => {
    assert.match(problem('61 * * * *') ?? '', /its minute must be of 0 to 59, .*; got "61"/)
    assert.match(problem('* 25 * * *') ?? '', /its hour/)
    assert.match(problem('* * 0 * *') ?? '', /its day of the month/)
    assert.match(problem('* * * foo *') ?? '', /its month .* got "foo"/)
    assert.match(problem('* * * * 8') ?? '', /its day of the week/)
    for (const text of [
      '5/2 * * * *',
      '*/0 * * * *',
      '9-3 * * * *',
      '1-2-3 * * * *',
      ', * * * *',
      '-1 * * * *',
      '* * * * constructor',
    ])
      assert.ok(problem(text), text)
    assert.match(problem('* * * *') ?? '', /it has 4 fields instead of five/)
    assert.match(problem('* * * * * *') ?? '', /it has 6 fields/)
    assert.match(problem('') ?? '', /it has no fields/)
  })

  it('counts what was due, and ends that soon after a limit', () => {
    const minutely = schedule('* * * * *')
    assert.equal(countTicks(minutely, at('2026-11-21T10:00'), at('2026-11-21T10:05:30'), 100), 5)
    assert.equal(countTicks(minutely, 0, at('2026-11-21T10:05'), 100), 24 * 60 - 1)
    assert.equal(countTicks(schedule('0 3 * * *'), at('2026-11-01T03:00'), at('2026-11-21T02:59'), 100), 19)
    assert.equal(lastTick(minutely, at('2026-11-21T10:05:30')), at('2026-11-21T10:05'))
    assert.equal(lastTick(minutely, at('2026-11-21T10:05')), at('2026-11-21T10:05'))
  })
})
