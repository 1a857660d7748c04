import assert from 'node:assert/strict'
import fc from 'fast-check'
import { decide, type Level, type Reading } from '../../../../controller/alerts/decide.ts'
import type { Alert, Standing } from '#core/domain/alert.ts'

const MINUTE = 60_000
const subject = { appId: null, appName: null, tenantId: null, hostId: null }
const reading = (level: Level, over: Partial<Reading> = {}): Reading => ({
  key: 'memory:a-one',
  kind: 'memory',
  subject,
  level,
  mark: 0,
  text: 'web.1 uses 95 %',
  forMs: 2 * MINUTE,
  easeMs: 2 * MINUTE,
  ...over,
})

/** Looks every 10 s, with what is read each time. */
function watcher() {
  let standings = new Map<string, Standing>()
  let count = 0
  const told: { news: string; at: number; alert: Alert }[] = []
  return {
    told,
    now: 0,
    news: () => told.map(({ news }) => news),
    standings: () => standings,
    look(...readings: Reading[]): void {
      const { changed, gone, changes } = decide(standings, readings, this.now, () => `al-${++count}`)
      standings = new Map([...standings, ...changed])
      for (const key of gone) standings.delete(key)
      told.push(...changes.map(({ news, alert }) => ({ news, alert, at: this.now })))
    },
    for(ms: number, ...readings: Reading[]): void {
      for (const end = this.now + ms; this.now < end; this.now += 10_000) this.look(...readings)
    },
  }
}

describe('an alert', () => {
  it('begins when its limit is passed for a while, and says since when', () => {
    const watch = watcher()
    watch.for(MINUTE, reading('under'))
    watch.for(2 * MINUTE, reading('over'))
    assert.deepEqual(watch.news(), [])
    watch.for(MINUTE, reading('over', { text: 'later' }))
    assert.deepEqual(watch.news(), ['began'])
    const [{ alert } = assert.fail()] = watch.told
    assert.deepEqual([alert.since, alert.until, alert.text], [MINUTE, null, 'later'])
  })

  it('does not begin over a value that comes back in between', () => {
    const watch = watcher()
    for (let round = 0; round < 10; round++) {
      watch.for(MINUTE, reading('over'))
      watch.for(10_000, reading('near'))
    }
    assert.deepEqual(watch.news(), [])
    assert.equal(watch.standings().size, 0)
  })

  it('does not end until the value is well below for a while', () => {
    const watch = watcher()
    watch.for(3 * MINUTE, reading('over'))
    watch.for(20 * MINUTE, reading('near'))
    for (let round = 0; round < 10; round++) {
      watch.for(MINUTE, reading('under'))
      watch.for(10_000, reading('near'))
    }
    assert.deepEqual(watch.news(), ['began'])
    watch.for(3 * MINUTE, reading('under'))
    assert.deepEqual(watch.news(), ['began', 'ended'])
    assert.equal(watch.told[0]?.alert.id, watch.told[1]?.alert.id)
    assert.ok((watch.told[1]?.alert.until ?? 0) > 0)
    assert.equal(watch.standings().size, 0)
  })

  it('is told again when it becomes worse, and only then', () => {
    const watch = watcher()
    const quota = (mark: number) => reading('over', { mark, text: `${mark} %`, forMs: 0, easeMs: 0 })
    for (const mark of [75, 75, 90, 75, 90, 100]) watch.look(quota(mark))
    assert.deepEqual(watch.news(), ['began', 'worsened', 'worsened'])
    assert.deepEqual(
      watch.told.map(({ alert }) => alert.text),
      ['75 %', '90 %', '100 %'],
    )
    assert.equal(new Set(watch.told.map(({ alert }) => alert.id)).size, 1)
  })

  it('ends with what it is about', () => {
    const watch = watcher()
    watch.for(3 * MINUTE, reading('over'))
    watch.look()
    assert.deepEqual(watch.news(), ['began', 'ended'])
  })

  it('waits while its value cannot be read, but not for ever', () => {
    const watch = watcher()
    watch.for(3 * MINUTE, reading('over'))
    watch.for(5 * MINUTE, reading('unknown'))
    assert.deepEqual(watch.news(), ['began'])
    watch.for(10 * MINUTE, reading('unknown'))
    assert.deepEqual(watch.news(), ['began', 'ended'])
  })

  it('does not count the time in which nobody looked', () => {
    const watch = watcher()
    watch.for(MINUTE, reading('over'))
    watch.now += 60 * MINUTE
    watch.for(MINUTE, reading('over'))
    assert.deepEqual(watch.news(), [])
    watch.for(2 * MINUTE, reading('over'))
    assert.deepEqual(watch.news(), ['began'])
    watch.for(MINUTE, reading('under'))
    watch.now += 60 * MINUTE
    watch.for(MINUTE, reading('under'))
    assert.deepEqual(watch.news(), ['began'])
  })

  it('goes on over a change of who leads: what is written down is enough', () => {
    const watch = watcher()
    watch.for(2 * MINUTE, reading('over'))
    const copy = JSON.parse(JSON.stringify([...watch.standings()])) as [string, Standing][]
    const { changes } = decide(new Map(copy), [reading('over')], watch.now + 20_000, () => 'al-x')
    assert.deepEqual(
      changes.map(({ news, alert }) => [news, alert.since]),
      [['began', 0]],
    )
  })

  it('begins and ends by turns, whatever is read: never two at a time, never an end without a beginning', () => {
    const levels = fc.array(fc.tuple(fc.constantFrom<Level>('over', 'near', 'under', 'unknown'), fc.nat(3)), {
      maxLength: 200,
    })
    fc.assert(
      fc.property(levels, fc.constantFrom(0, MINUTE), (steps, forMs) => {
        const watch = watcher()
        for (const [level, mark] of steps) {
          watch.look(reading(level, { mark, forMs, easeMs: forMs }))
          watch.now += 10_000
        }
        const turns = watch.news().filter((news) => news !== 'worsened')
        assert.ok(turns.every((news, index) => news === (index % 2 === 0 ? 'began' : 'ended')))
        const going = [...watch.standings().values()].filter(({ alert }) => alert !== null).length
        assert.equal(going, turns.length % 2)
        // Two beginnings are apart by at least what an end takes.
        const begins = watch.told.filter(({ news }) => news === 'began').map(({ at }) => at)
        assert.ok(begins.every((at, index) => index === 0 || at - (begins[index - 1] ?? 0) >= forMs))
      }),
    )
  })
})
