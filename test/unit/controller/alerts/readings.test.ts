import assert from 'node:assert/strict'
import type { Reading } from '../../../../controller/alerts/decide.ts'
import type { AlertFacts, WatchedApp } from '../../../../controller/alerts/facts.ts'
import { readingsOf } from '../../../../controller/alerts/readings.ts'
import { defaultRules, isMuted, noSettings, recipientsFrom, rulesFrom, type AlertRules } from '#core/domain/alert.ts'
import type { BudgetStanding } from '#core/domain/budget.ts'
import type { CronStanding, MissedWhy } from '#core/domain/cron.ts'
import type { AppId, AppName, HostId, TenantId } from '#core/domain/ids.ts'
import type { Instance } from '#core/domain/instance.ts'
import { aCertificate } from '../../../helpers/certificates.ts'
import { anInstance } from '../../../helpers/cluster.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const MIB = 1024 ** 2
const now = Date.parse('2026-11-21T12:00:00Z')

const app = (over: Partial<WatchedApp> = {}): WatchedApp => ({
  id: 'a-shop' as AppId,
  name: 'shop' as AppName,
  tenantId: 'alpha' as TenantId,
  rules: defaultRules,
  instances: [],
  traffic: null,
  clocks: new Map(),
  ...over,
})
const facts = (over: Partial<AlertFacts> = {}): AlertFacts => ({
  now,
  apps: [],
  tenants: [],
  hosts: [],
  certificates: [],
  orders: [],
  rules: defaultRules,
  ...over,
})
const readApp = (over: Partial<WatchedApp>, kind: Reading['kind']): Reading | undefined =>
  readingsOf(facts({ apps: [app(over)] })).find((reading) => reading.kind === kind)
const levelOf = (over: Partial<WatchedApp>, kind: Reading['kind']) => readApp(over, kind)?.level

const withLimit = (kind: keyof AlertRules, limit: number): AlertRules => ({
  ...defaultRules,
  [kind]: { ...defaultRules[kind], limit },
})

describe('what is read of an app’s answers', () => {
  const traffic = (errorsPerSecond: number, p95Ms: number | null = 100, requestsPerSecond = 10) => ({
    traffic: { requestsPerSecond, errorsPerSecond, p95Ms },
  })

  it('is the part of errors among them', () => {
    assert.equal(levelOf(traffic(1), 'errorRate'), 'over')
    assert.equal(levelOf(traffic(0.45), 'errorRate'), 'near')
    assert.equal(levelOf(traffic(0.1), 'errorRate'), 'under')
    assert.equal(levelOf({ ...traffic(1), rules: withLimit('errorRate', 20) }, 'errorRate'), 'under')
    assert.equal(
      readApp(traffic(1.234), 'errorRate')?.text,
      '12.3 % of the answers of shop are errors (5xx); the limit is 5 %',
    )
  })

  it('is how long the slowest twentieth takes', () => {
    assert.equal(levelOf(traffic(0, 6000), 'slow'), 'over')
    assert.equal(levelOf(traffic(0, 4500), 'slow'), 'near')
    assert.equal(levelOf(traffic(0, null), 'slow'), 'under')
    assert.match(readApp(traffic(0, 6000), 'slow')?.text ?? '', /6000 ms or longer; the limit is 5000 ms/)
  })

  it('says nothing over a handful of requests, and is unknown where nobody counts', () => {
    assert.equal(levelOf(traffic(0.1, 9000, 0.2), 'errorRate'), 'under')
    assert.equal(levelOf(traffic(0.1, 9000, 0.2), 'slow'), 'under')
    assert.equal(levelOf({}, 'errorRate'), 'unknown')
    assert.equal(levelOf({}, 'slow'), 'unknown')
  })
})

describe('what is read of an app’s instances', () => {
  const instance = (over: {
    memoryMb?: number
    diskMb?: number
    at?: number
    restarts?: number
    since?: number
    state?: 'running' | 'starting'
  }): Instance => {
    const plain = anInstance('i-one')
    assert.ok(plain.reported)
    return {
      desired: {
        ...plain.desired,
        once: null,
        intent: 'run',
        size: { ...plain.desired.size, memoryMb: 100, diskMb: 1000 },
      },
      reported: {
        ...plain.reported,
        applied: null,
        state: over.state ?? 'running',
        restarts: over.restarts ?? 0,
        since: over.since ?? 0,
        detail: 'It ended with exit code 1',
      },
      stats: {
        at: over.at ?? now,
        cpuMilli: 1,
        memoryBytes: (over.memoryMb ?? 10) * MIB,
        diskBytes: (over.diskMb ?? 0) * MIB,
      },
    }
  }
  const having = (...instances: Instance[]) => ({ instances })

  it('is the memory of the fullest', () => {
    assert.equal(levelOf(having(instance({}), instance({ memoryMb: 95 })), 'memory'), 'over')
    assert.equal(levelOf(having(instance({ memoryMb: 88 })), 'memory'), 'near')
    assert.equal(levelOf(having(instance({ memoryMb: 80 })), 'memory'), 'under')
    assert.match(
      readApp(having(instance({ memoryMb: 95 })), 'memory')?.text ?? '',
      /web\.1 of shop uses 95 % of its 100 MB of memory; the limit is 90 %/,
    )
  })

  it('is unknown when its figures are old, and under when nothing runs', () => {
    assert.equal(levelOf(having(instance({ memoryMb: 95, at: now - 2 * MINUTE })), 'memory'), 'unknown')
    assert.equal(levelOf({}, 'memory'), 'under')
  })

  it('is the disk of the fullest', () => {
    assert.equal(levelOf(having(instance({ diskMb: 950 })), 'disk'), 'over')
    assert.equal(levelOf(having(instance({ diskMb: 100 })), 'disk'), 'under')
  })

  it('is a crash loop from the third restart on, until it has run for five minutes', () => {
    assert.equal(levelOf(having(instance({ restarts: 2, state: 'starting' })), 'crashLoop'), 'under')
    assert.equal(levelOf(having(instance({ restarts: 3, state: 'starting' })), 'crashLoop'), 'over')
    assert.equal(levelOf(having(instance({ restarts: 3, since: now - MINUTE })), 'crashLoop'), 'over')
    assert.equal(levelOf(having(instance({ restarts: 3, since: now - 6 * MINUTE })), 'crashLoop'), 'under')
    const two = having(instance({ restarts: 3, state: 'starting' }), instance({ restarts: 7, state: 'starting' }))
    assert.match(
      readApp(two, 'crashLoop')?.text ?? '',
      /and 1 more of shop crashes again and again, 7 times so far: It ended with exit code 1/,
    )
  })
})

describe('what is read of an app’s jobs', () => {
  const clock = (why: MissedWhy, last: number, ranAt: number | null = null): CronStanding => ({
    schedule: '* * * * *',
    handled: last,
    due: null,
    last: ranAt === null ? null : { tick: ranAt, run: 'i-one' as never },
    missed: { why, detail: 'no controller was there to begin it', first: last, last, count: 1 },
  })
  const jobs = (standing: CronStanding) => ({ clocks: new Map([['cleanup', standing]]) })

  it('is a fault of the platform or the plan, until it has run again, a day at most', () => {
    assert.equal(levelOf(jobs(clock('away', now - MINUTE)), 'cronMissed'), 'over')
    assert.equal(levelOf(jobs(clock('quota', now - MINUTE)), 'cronMissed'), 'over')
    assert.equal(levelOf(jobs(clock('away', now - MINUTE, now)), 'cronMissed'), 'under')
    assert.equal(levelOf(jobs(clock('away', now - 2 * DAY)), 'cronMissed'), 'under')
    for (const why of ['paused', 'suspended', 'overlap'] as const)
      assert.equal(levelOf(jobs(clock(why, now - MINUTE)), 'cronMissed'), undefined)
  })
})

describe('what is read of the platform', () => {
  const kindsOver = (over: Partial<AlertFacts>) =>
    readingsOf(facts(over)).flatMap(({ kind, level, mark }) => (level === 'over' ? [`${kind} ${mark}`] : []))

  it('is a host without a sign of life, but not one that was cordoned, and a disk that is nearly full', () => {
    const host = { id: 'host-1' as HostId, live: true, cordoned: false, disk: { usedBytes: 50, totalBytes: 100 } }
    assert.deepEqual(kindsOver({ hosts: [host] }), [])
    assert.deepEqual(kindsOver({ hosts: [{ ...host, live: false }] }), ['hostLost 0'])
    assert.deepEqual(kindsOver({ hosts: [{ ...host, live: false, cordoned: true }] }), [])
    assert.deepEqual(kindsOver({ hosts: [{ ...host, disk: { usedBytes: 95, totalBytes: 100 } }] }), ['disk 0'])
    assert.deepEqual(kindsOver({ hosts: [{ ...host, disk: null }] }), [])
  })

  it('C16 is a job that a host’s agent ignored because the controller did not send it, for ten minutes', () => {
    const host = { id: 'host-1' as HostId, live: true, cordoned: false, disk: null }
    const refused = (count: number, at: number | null) => ({
      ...host,
      refusedJobs: { count, last: at === null ? null : { at, reason: 'forged' } },
    })
    assert.deepEqual(kindsOver({ hosts: [refused(0, null)] }), [])
    assert.deepEqual(kindsOver({ hosts: [refused(2, now - MINUTE)] }), ['forgedJob 0'])
    assert.deepEqual(kindsOver({ hosts: [refused(2, now - 11 * MINUTE)] }), [])
    const [told] = readingsOf(facts({ hosts: [refused(2, now)] })).filter(({ kind }) => kind === 'forgedJob')
    assert.match(told?.text ?? '', /^The host host-1 ignored 2 jobs .*\(forged\)/)
  })

  it('is a budget that is used up, by its marks', () => {
    const standing = (mark: BudgetStanding['mark']): BudgetStanding => ({
      month: '2026-11',
      mark,
      of: 'cpuSeconds',
      used: 1,
      limit: 3600,
      at: now,
    })
    const tenant = (mark: BudgetStanding['mark'], rules = defaultRules) => ({
      tenants: [{ id: 'alpha' as TenantId, rules, budget: standing(mark), requestBudget: null }],
    })
    for (const mark of [75, 90, 100] as const) assert.deepEqual(kindsOver(tenant(mark)), [`quota ${mark}`])
    assert.deepEqual(kindsOver(tenant(0)), [])
    assert.deepEqual(kindsOver(tenant(75, withLimit('quota', 90))), [])
    assert.match(
      readingsOf(facts(tenant(100)))[0]?.text ?? '',
      /^100 % of 1 CPU hours in 2026-11 is used by alpha: it is stopped until the month turns$/,
    )
  })

  it('is a certificate that expires soon, unless another one takes its place', () => {
    const expiring = aCertificate({
      id: 'c-one',
      hosts: ['shop.example'],
      notBefore: now - 80 * DAY,
      notAfter: now + 5 * DAY,
    })
    const newer = aCertificate({ id: 'c-two', hosts: ['shop.example'], notAfter: now + 80 * DAY })
    const owned = (...all: (typeof expiring)[]) => ({
      certificates: all.map((certificate) => ({ certificate, owner: null })),
    })
    assert.deepEqual(kindsOver(owned(expiring)), ['certificate 0'])
    assert.deepEqual(kindsOver(owned(expiring, newer)), [])
    assert.deepEqual(kindsOver(owned({ ...expiring, hosts: [] })), [])
    assert.deepEqual(kindsOver(owned({ ...expiring, notAfter: now - 1 })), ['certificate 2'])
    assert.deepEqual(kindsOver(owned({ ...expiring, notAfter: now + DAY / 2 })), ['certificate 1'])
    // Six days from an authority that gives no longer ones: renewal is due after four.
    const short = { ...expiring, source: 'acme' as const, notBefore: now - 3 * DAY, notAfter: now + 3 * DAY }
    assert.deepEqual(kindsOver(owned(short)), [])
  })

  it('is an authority that refuses again and again', () => {
    const order = (failures: number) => ({
      orders: [
        {
          standing: { host: 'shop.example', nextAt: now, failures, problem: { at: now, text: 'DNS has no address' } },
          owner: null,
        },
      ],
    })
    assert.deepEqual(kindsOver(order(1)), [])
    assert.deepEqual(kindsOver(order(3)), ['certificate 0'])
    assert.match(
      readingsOf(facts(order(3)))[0]?.text ?? '',
      /No certificate for shop\.example after 3 tries: DNS has no address/,
    )
  })
})

describe('the rules of alerts', () => {
  it('are those of the narrowest that says something', () => {
    const platform = { ...noSettings, rules: { memory: { limit: 80 }, slow: { on: false } } }
    const own = { ...noSettings, rules: { memory: { forMs: 5 } } }
    const rules = rulesFrom([platform, own])
    assert.deepEqual(rules.memory, { on: true, limit: 80, forMs: 5 })
    assert.equal(rules.slow.on, false)
    assert.deepEqual(rules.disk, defaultRules.disk)
  })

  it('leave out what is turned off, so that its alert ends', () => {
    const rules = { ...defaultRules, crashLoop: { ...defaultRules.crashLoop, on: false } }
    assert.equal(readApp({ rules }, 'crashLoop'), undefined)
  })

  it('are silent until the end of a mute, for one kind or for all', () => {
    const muted = (kind: 'memory' | null) => [{ ...noSettings, mutes: [{ kind, until: now + 1, by: 'ann' }] }]
    assert.ok(isMuted('memory', muted('memory'), now))
    assert.ok(!isMuted('slow', muted('memory'), now))
    assert.ok(isMuted('slow', muted(null), now))
    assert.ok(!isMuted('slow', muted(null), now + 1))
  })

  it('write to the narrowest that names somebody, which may be nobody', () => {
    const mail = (to: string[] | null) => ({ ...noSettings, mail: to })
    assert.deepEqual(recipientsFrom([mail(['a@x']), mail(['b@x'])]), ['b@x'])
    assert.deepEqual(recipientsFrom([mail(['a@x']), mail(null)]), ['a@x'])
    assert.deepEqual(recipientsFrom([mail(['a@x']), mail([])]), [])
    assert.equal(recipientsFrom([mail(null)]), null)
  })
})
