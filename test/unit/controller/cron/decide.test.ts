import assert from 'node:assert/strict'
import type { CronJob, CronStanding } from '#core/domain/cron.ts'
import type { InstanceId } from '#core/domain/ids.ts'
import { parseSchedule } from '#core/domain/schedule.ts'
import {
  begun,
  decide,
  MADE_UP_WITHIN_MS,
  refused,
  REPLACED_WITHIN_MS,
  type CronDecision,
  type CronFacts,
} from '../../../../controller/cron/decide.ts'

const aJob = (over: Partial<CronJob> = {}): CronJob => ({
  name: 'cleanup',
  command: 'node cleanup.js',
  schedule: '* * * * *',
  timeoutMs: 60_000,
  overlap: 'skip',
  ...over,
})
const START = Date.parse('2026-11-21T10:00:30Z')
const MINUTE = 60_000
const [first, second, third] = ['10:01', '10:02', '10:03'].map((time) => Date.parse(`2026-11-21T${time}:00Z`))
const running = { id: 'i-before' as InstanceId, name: 'run.7' }

/** A clock and its keeper: what is decided is written, and what is begun is done, as the loop does it. */
function aClock(job = aJob()) {
  let made = 0
  const clock = {
    job,
    standing: null as CronStanding | null,
    ran: [] as number[],
    news: [] as string[],
    facts: { now: START, liveSince: START, isPaused: false, halted: null, open: [], isBegun: false } as Omit<
      CronFacts,
      'nextId'
    >,
    decide(over: Partial<CronFacts> = {}): CronDecision {
      const parsed = parseSchedule(clock.job.schedule)
      assert.ok(parsed.ok)
      const nextId = `i-${++made}` as InstanceId
      return decide(clock.job, parsed.schedule, clock.standing, { ...clock.facts, nextId, ...over })
    },
    /** @param now ms since 1970 */
    look(now: number, over: Partial<CronFacts> = {}): CronDecision {
      const decision = clock.decide({ now, ...over })
      clock.standing = decision.standing
      if (decision.news) clock.news.push(`${decision.news.why} ${decision.news.count}`)
      if (decision.begin) {
        clock.ran.push(decision.begin.tick)
        clock.standing = begun(clock.standing, decision.begin)
      }
      return decision
    },
  }
  clock.look(START)
  return clock
}

describe('The clock of a job', () => {
  it('runs each tick once, and none from before its release went live', () => {
    const clock = aClock()
    assert.deepEqual(clock.ran, [])
    for (let now = START; now <= START + 3 * MINUTE; now += 5_000) clock.look(now)
    assert.deepEqual(clock.ran, [first, second, third])
    assert.deepEqual(clock.news, [])
  })

  it('runs a tick that came in the seconds before it was first looked at', () => {
    const clock = aClock()
    clock.standing = null
    clock.look(START + 33_000)
    assert.deepEqual(clock.ran, [first])
  })

  it('writes a tick down before it is run, and goes on with the same run after a kill', () => {
    const clock = aClock()
    const claimed = clock.decide({ now: START + MINUTE })
    assert.deepEqual(claimed.begin, claimed.standing.due)
    clock.standing = claimed.standing
    const again = clock.decide({ now: START + MINUTE + 5_000 })
    assert.equal(again.begin?.run, claimed.begin?.run)
    const after = clock.decide({ now: START + MINUTE + 5_000, isBegun: true })
    assert.equal(after.begin, null)
    assert.deepEqual([after.standing.due, after.standing.last?.run], [null, claimed.begin?.run])
  })

  it('makes up for the last of those that were missed while no controller was there, and says how many were not', () => {
    const clock = aClock()
    clock.look(START + 10 * MINUTE)
    assert.equal(clock.ran.length, 1)
    assert.deepEqual(clock.news, ['away 9'])
    clock.look(START + 10 * MINUTE + 1000)
    assert.equal(clock.ran.length, 1)
  })

  it('makes up for nothing after an hour', () => {
    const clock = aClock(aJob({ schedule: '1 10 * * *' }))
    clock.look(START + MADE_UP_WITHIN_MS + 2 * MINUTE)
    assert.deepEqual([clock.ran, clock.news], [[], ['away 1']])
    const claimed = aClock(aJob({ schedule: '1 10 * * *' }))
    claimed.standing = claimed.decide({ now: START + MINUTE }).standing
    claimed.look(START + MADE_UP_WITHIN_MS + 2 * MINUTE)
    assert.deepEqual([claimed.ran, claimed.news], [[], ['away 1']])
  })

  it('runs nothing twice when the time is set back, and no storm when it is set forward', () => {
    const clock = aClock()
    clock.look(START + MINUTE)
    clock.look(START - 10 * MINUTE)
    clock.look(START + MINUTE)
    assert.deepEqual(clock.ran, [first])
    clock.look(START + 30 * 24 * 60 * MINUTE)
    assert.equal(clock.ran.length, 2)
    assert.match(clock.news.join(), /^away 1\d{4}$/)
  })

  it('says once that a halted app runs nothing, and counts what was missed', () => {
    const clock = aClock()
    const halted = { why: 'paused', detail: 'shop is paused' } as const
    for (let n = 1; n <= 5; n++) clock.look(START + n * MINUTE, { halted })
    assert.deepEqual([clock.ran, clock.news, clock.standing?.missed?.count], [[], ['paused 1'], 5])
    clock.look(START + 6 * MINUTE)
    assert.equal(clock.ran.length, 1)
    clock.look(START + 7 * MINUTE, { halted })
    assert.deepEqual(clock.news, ['paused 1', 'paused 1'])
  })

  it('leaves out what is due while it is paused itself, without a word', () => {
    const clock = aClock()
    for (let n = 1; n <= 3; n++) clock.look(START + n * MINUTE, { isPaused: true })
    assert.deepEqual([clock.ran, clock.news], [[], []])
    clock.look(START + 4 * MINUTE)
    assert.equal(clock.ran.length, 1)
  })

  it('begins anew with another schedule, from when that went live', () => {
    const clock = aClock(aJob({ schedule: '0 3 * * *' }))
    clock.job = aJob({ schedule: '* * * * *' })
    clock.look(START + 600 * MINUTE, { liveSince: START + 599 * MINUTE })
    assert.deepEqual([clock.ran.length, clock.news], [1, []])
  })

  it('leaves out a run while the one before is under way: skip', () => {
    const clock = aClock()
    clock.look(START + MINUTE, { open: [running] })
    clock.look(START + 2 * MINUTE, { open: [running] })
    assert.deepEqual([clock.ran, clock.news, clock.standing?.missed?.count], [[], ['overlap 1'], 2])
    assert.match(clock.standing?.missed?.detail ?? '', /run\.7/)
  })

  it('runs beside the one before: allow', () => {
    const clock = aClock(aJob({ overlap: 'allow' }))
    clock.look(START + MINUTE, { open: [running] })
    assert.deepEqual(clock.ran, [first])
  })

  it('ends the one before first, and waits for that: replace', () => {
    const clock = aClock(aJob({ overlap: 'replace' }))
    assert.deepEqual(clock.look(START + MINUTE, { open: [running] }).stop, ['i-before'])
    assert.deepEqual(clock.ran, [])
    clock.look(START + MINUTE + 500, { open: [running] })
    clock.look(START + MINUTE + 1000)
    assert.deepEqual(clock.ran, [first])
    clock.look(START + 2 * MINUTE, { open: [running] })
    clock.look(START + 2 * MINUTE + REPLACED_WITHIN_MS + 1, { open: [running] })
    assert.deepEqual([clock.ran, clock.news], [[first], ['overlap 1']])
  })

  it('tells a refusal of the plan once for each row of them', () => {
    const clock = aClock()
    const refuse = (now: number) => {
      const claimed = clock.decide({ now })
      assert.ok(claimed.begin)
      const decision = refused(claimed.standing, claimed.begin, 'quota', 'no room')
      clock.standing = decision.standing
      if (decision.news) clock.news.push(`${decision.news.why} ${decision.news.count}`)
    }
    refuse(START + MINUTE)
    refuse(START + 2 * MINUTE)
    assert.deepEqual(clock.news, ['quota 1'])
    clock.look(START + 3 * MINUTE)
    refuse(START + 4 * MINUTE)
    assert.deepEqual(clock.news, ['quota 1', 'quota 1'])
  })
})
