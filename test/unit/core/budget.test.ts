import assert from 'node:assert/strict'
import { describeBudget, judgeBudget, monthOf, type BudgetStanding } from '#core/domain/budget.ts'
import { parseCores, suspensionOf, usualSize, defaultPlan } from '#core/domain/quota.ts'

const now = Date.UTC(2026, 10, 21)
const budget = { cpuSeconds: 1000, egressBytes: 100 * 1024 ** 3, requests: null }
const use = (cpuSeconds: number, egressGib = 0) => ({ cpuSeconds, egressBytes: egressGib * 1024 ** 3, requests: 0 })
const at = (mark: BudgetStanding['mark'], month = '2026-11'): BudgetStanding => ({
  month,
  mark,
  of: 'cpuSeconds',
  used: mark * 10,
  limit: 1000,
  at: 1,
})

describe('a monthly budget', () => {
  it('counts by calendar months of UTC', () => {
    const december = monthOf(Date.UTC(2026, 11, 31, 23, 59))
    assert.deepEqual(december, { name: '2026-12', from: Date.UTC(2026, 11, 1), to: Date.UTC(2027, 0, 1) })
  })

  it('tells each mark once, as it is reached', () => {
    let standing: BudgetStanding | null = null
    const told: string[] = []
    for (const seconds of [0, 740, 750, 800, 899, 900, 990, 1000, 1500]) {
      const look = judgeBudget(standing, budget, use(seconds), now)
      if (look.news) told.push(`${look.news} ${look.standing?.mark} at ${seconds}`)
      standing = look.standing
    }
    assert.deepEqual(told, ['reached 75 at 750', 'reached 90 at 900', 'reached 100 at 1000'])
  })

  it('goes by the budget that is nearer its end', () => {
    const { standing } = judgeBudget(null, budget, use(800, 95), now)
    assert.deepEqual([standing?.of, standing?.mark], ['egressBytes', 90])
    assert.equal(standing && describeBudget(standing), '90 % of 100 GB egress in 2026-11 is used')
  })

  it('says nothing again, and writes nothing again, while nothing changes', () => {
    const before = at(75)
    assert.deepEqual(judgeBudget(before, budget, use(780), now), { standing: before, news: null })
    assert.equal(judgeBudget(before, budget, use(780), now).standing, before)
  })

  it('lifts a stop when the month turns, when the plan is raised, and when it has no budget any more', () => {
    assert.deepEqual(judgeBudget(at(100, '2026-10'), budget, use(10), now), { standing: null, news: 'lifted' })
    const raised = judgeBudget(at(100), { ...budget, cpuSeconds: 1300 }, use(1000), now)
    assert.deepEqual([raised.news, raised.standing?.mark], ['lifted', 75])
    const none = { cpuSeconds: null, egressBytes: null, requests: null }
    assert.deepEqual(judgeBudget(at(100), none, use(5000), now), { standing: null, news: 'lifted' })
  })

  it('tells a mark of a new month that is reached at once, also after a stop', () => {
    const look = judgeBudget(at(100, '2026-10'), budget, use(1000), now)
    assert.deepEqual([look.news, look.standing?.month, look.standing?.mark], ['reached', '2026-11', 100])
  })

  it('of nothing is used up from the start', () => {
    assert.equal(judgeBudget(null, { ...budget, egressBytes: 0 }, use(0), now).standing?.mark, 100)
  })
})

describe('a tenant', () => {
  it('is suspended by an operator, or by its budget at 100 %', () => {
    const suspended = { at: 5, by: 'ops', reason: 'sends spam' }
    assert.equal(suspensionOf({ suspended: null, budget: at(90) }), null)
    assert.equal(suspensionOf({ suspended, budget: at(100) }), suspended)
    assert.equal(
      suspensionOf({ suspended: null, budget: at(100) })?.reason,
      'budget: 100 % of 0.278 CPU hours in 2026-11 is used',
    )
  })

  it('gets instances that fit its plan where nobody asked for a size', () => {
    const tiny = { ...defaultPlan, memoryMb: 1024, instanceMemoryMb: 256, cpuMilli: 500, diskMb: 4096 }
    assert.deepEqual(usualSize(tiny), { memoryMb: 256, cpuMilli: 500, pids: 256, diskMb: 1024 })
    assert.deepEqual(usualSize(defaultPlan), { memoryMb: 512, cpuMilli: 1000, pids: 256, diskMb: 1024 })
  })

  it('reserves cores by the list format of the kernel', () => {
    assert.deepEqual(parseCores('2-3,5'), [2, 3, 5])
    assert.deepEqual(parseCores('0'), [0])
    for (const text of ['', '3-2', '1,', 'a', '1-2-3', ' 1', '1;2', '-1', '0x1', '1'.repeat(9)])
      assert.equal(parseCores(text), null, text)
  })
})
