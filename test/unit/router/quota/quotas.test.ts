import assert from 'node:assert/strict'
import type { AppId, AppName, TenantId } from '#core/domain/ids.ts'
import { noCaps, type AppQuota, type TrafficQuota } from '#core/domain/quota.ts'
import { defaultRouteSettings, type AppRoute } from '#core/domain/route.ts'
import { refusalOf } from '../../../../router/quota/answer.ts'
import { NO_CLIENT } from '../../../../router/quota/clients.ts'
import { Quotas, type QuotaCode } from '../../../../router/quota/quotas.ts'

const one = 't-one' as TenantId
const open: TrafficQuota = { ...noCaps, requests: { perSecond: 1e6, burst: 1e6 }, stopped: null }

const route = (name: string, tenantId = one, quota: AppQuota | null = null): AppRoute => ({
  appId: `a-${name}` as AppId,
  name: name as AppName,
  tenantId,
  addresses: [],
  settings: { ...defaultRouteSettings, quota },
  health: 'serving',
  endpoints: [],
})
const shop = route('shop')

const quotasOf = (quota: Partial<TrafficQuota>, routers = 1, wall = 0): Quotas => {
  const quotas = new Quotas(1)
  quotas.setRouters(routers)
  quotas.use(() => ({ ...open, ...quota }), wall, 0)
  return quotas
}

/** Asks so many times, and releases at once. */
const ask = (quotas: Quotas, times: number, now = 0, app = shop, client = NO_CLIENT): (QuotaCode | null)[] =>
  Array.from({ length: times }, () => {
    const standing = quotas.of(app, now)
    const code = quotas.admit(standing, client, 'request', now)
    if (code === null) quotas.release(standing, 'request')
    return code
  })
const admitted = (codes: (QuotaCode | null)[]): number => codes.filter((code) => code === null).length

/** The answer of a store that knows no other router: all is this one's. */
function agree(quotas: Quotas, now = 0): Quotas {
  quotas.admit(quotas.of(shop, now), NO_CLIENT, 'request', now)
  quotas.release(quotas.of(shop, now), 'request')
  for (const report of quotas.reports(now))
    quotas.take(report, {
      othersShort: false,
      flows: report.flows.map(({ burst, tokens }) => ({ share: 1, cap: Math.max(1, burst), grant: burst - tokens })),
      counts: report.counts.map(({ limit }) => ({ allowance: limit })),
    })
  return quotas
}

describe('a tenant’s traffic quota at one router', () => {
  const rate = { perSecond: 10, burst: 4 }

  it('Q01: admits a burst, then the rate', () => {
    const quotas = quotasOf({ requests: rate })
    assert.equal(admitted(ask(quotas, 10)), 4)
    assert.equal(admitted(ask(quotas, 10, 100)), 1)
    assert.equal(admitted(ask(quotas, 10, 10_000)), 4)
  })

  it('is each tenant’s own, and shared by its apps', () => {
    const quotas = quotasOf({ requests: rate })
    assert.equal(admitted(ask(quotas, 3)), 3)
    assert.equal(admitted(ask(quotas, 3, 0, route('blog'))), 1)
    assert.equal(admitted(ask(quotas, 10, 0, route('other', 't-two' as TenantId))), 4)
  })

  it('Q03: is an even part of what several routers share until they have agreed, and never nothing', () => {
    assert.equal(admitted(ask(quotasOf({ requests: rate }, 2), 10)), 2)
    assert.equal(admitted(ask(quotasOf({ requests: rate }, 100), 10)), 1)
    const few = quotasOf({ concurrent: 3 }, 100)
    assert.equal(few.admit(few.of(shop, 0), NO_CLIENT, 'request', 0), null)
  })

  it('Q01: limits requests in flight, WebSockets and connections apart, and gives back what ended', () => {
    const quotas = quotasOf({ concurrent: 2, webSockets: 1, connections: 1 })
    const standing = quotas.of(shop, 0)
    const admit = (kind: 'request' | 'webSocket') => quotas.admit(standing, NO_CLIENT, kind, 0)
    assert.deepEqual([admit('request'), admit('request'), admit('request')], [null, null, 'quota-concurrency'])
    assert.deepEqual([admit('webSocket'), admit('webSocket')], [null, 'quota-websockets'])
    quotas.release(standing, 'request')
    quotas.release(standing, 'webSocket')
    assert.deepEqual([admit('request'), admit('webSocket')], [null, null])
    assert.equal(quotas.attach(null, standing), null)
    assert.equal(quotas.attach(null, standing), 'quota-connections')
    assert.equal(quotas.attach(standing, standing), null, 'a connection that is its own already needs no room')
    quotas.detach(standing)
    assert.equal(quotas.attach(null, standing), null)
  })

  it('a connection counts as those of the tenant of its last request', () => {
    const quotas = quotasOf({ connections: 1 })
    const [mine, theirs] = [quotas.of(shop, 0), quotas.of(route('other', 't-two' as TenantId), 0)]
    assert.equal(quotas.attach(null, mine), null)
    assert.equal(quotas.attach(mine, theirs), null)
    assert.equal(quotas.attach(null, mine), null)
    assert.equal(quotas.attach(mine, theirs), 'quota-connections')
  })

  it('Q03: lets connections in after a rest, even if the others had everything before it', () => {
    const quotas = quotasOf({ connections: 2 }, 3)
    const answer = (now: number, allowance: number) =>
      quotas.reports(now).map((report) => {
        const share = {
          othersShort: false,
          flows: report.flows.map(({ burst, tokens }) => ({
            share: 1,
            cap: Math.max(1, burst),
            grant: burst - tokens,
          })),
          counts: report.counts.map(() => ({ allowance })),
        }
        quotas.take(report, report.mode === 'leave' ? null : share)
        return report.mode
      })
    ask(quotas, 1)
    assert.deepEqual(answer(0, 0), ['join'])
    assert.equal(quotas.attach(null, quotas.of(shop, 2_400)), 'quota-connections')
    assert.deepEqual(answer(2_500, 0), ['renew'], 'who refuses is not at rest')
    assert.deepEqual(answer(3_000, 0), ['leave'])
    assert.equal(quotas.attach(null, quotas.of(shop, 3_100)), null)
  })

  it('Q03: asks at once for more than half of what it may have, but not again and again for the same', () => {
    const quotas = quotasOf({ concurrent: 100 }, 2)
    let hurries = 0
    quotas.onHurry = () => (hurries += 1)
    const standing = quotas.of(shop, 0)
    const admit = () => quotas.admit(standing, NO_CLIENT, 'request', 0)
    for (let i = 0; i < 25; i += 1) assert.equal(admit(), null)
    assert.equal(hurries, 1, 'only that it is there')
    admit()
    assert.equal(hurries, 2)
    assert.equal(quotas.reports(1).length, 1)
    admit()
    assert.equal(hurries, 2)
    assert.equal(quotas.reports(2).length, 0)
  })

  it('an app may be given less than its tenant, and the others keep the rest', () => {
    const quotas = quotasOf({ requests: { perSecond: 10, burst: 10 } })
    const small = route('small', one, { ...noCaps, requests: { perSecond: 1, burst: 2 }, concurrent: 1 })
    assert.equal(admitted(ask(quotas, 10, 0, small)), 2)
    assert.equal(admitted(ask(quotas, 10)), 8)
    const standing = quotas.of(small, 60_000)
    assert.equal(quotas.admit(standing, NO_CLIENT, 'request', 60_000), null)
    assert.equal(quotas.admit(standing, NO_CLIENT, 'request', 60_000), 'quota-concurrency')
  })

  it('takes on a changed quota with the next table, and keeps what is in use', () => {
    const quotas = quotasOf({ concurrent: 1 })
    const standing = quotas.of(shop, 0)
    assert.equal(quotas.admit(standing, NO_CLIENT, 'request', 0), null)
    quotas.use(() => ({ ...open, concurrent: null, requests: { perSecond: 1, burst: 1 } }), 0, 0)
    assert.equal(admitted(ask(quotas, 10, 1)), 1, 'the rest of a larger burst does not outlive it')
    quotas.use(() => ({ ...open, concurrent: 1 }), 0, 0)
    assert.deepEqual(ask(quotas, 1, 2), ['quota-concurrency'])
  })

  it('refuses everything until the month turns, by this router’s own clock', () => {
    const wall = Date.UTC(2026, 10, 30, 23, 59, 50)
    const quotas = quotasOf({ stopped: Date.UTC(2026, 11, 1) }, 1, wall)
    const standing = quotas.of(shop, 0)
    assert.equal(quotas.admit(standing, NO_CLIENT, 'request', 0), 'quota-budget')
    assert.equal(quotas.retryAfterSeconds(standing, 'quota-budget', 0), 10)
    assert.equal(quotas.admit(standing, NO_CLIENT, 'request', 10_000), null)
  })

  it('paces bytes: what has passed is paid for before more may', () => {
    const quotas = agree(quotasOf({ outBytesPerSecond: 1_000_000 }))
    const standing = quotas.of(shop, 0)
    let now = 0
    let passed = 0
    while (now < 10_000) {
      const pause = quotas.pace(standing, 'out', 65_536, now)
      passed += 65_536
      now += Math.max(1, pause)
      while (quotas.pace(standing, 'out', 0, now) > 0) now += 1
    }
    assert.ok(Math.abs(passed - 10_250_000) < 200_000, `${passed} bytes in 10 s`)
    assert.equal(quotas.pace(standing, 'in', 1e9, now), 0, 'the other direction has no limit')
  })
})

describe('one client against a tenant’s quota', () => {
  const quotas = () => agree(quotasOf({ requests: { perSecond: 100, burst: 100 } }))

  it('Q02: that floods leaves the last quarter to those who take little', () => {
    const busy = quotas()
    const codes = ask(busy, 200, 0, shop, 7)
    assert.equal(admitted(codes), 75)
    assert.equal(codes[199], 'quota-client')
    assert.equal(admitted(ask(busy, 5, 0, shop, 8)), 5)
    for (let now = 1; now < 10_000; now += 1) {
      ask(busy, 20, now, shop, 7)
      if (now % 200 === 0) assert.deepEqual(ask(busy, 1, now, shop, 9), [null], `at ${now} ms`)
    }
  })

  it('gets the whole rate when nobody else asks', () => {
    const calm = quotas()
    let count = 0
    for (let now = 0; now < 10_000; now += 1) count += admitted(ask(calm, 1, now, shop, 7))
    assert.ok(count >= 1_070 && count <= 1_100, `${count} of 75 + 1000`)
  })

  it('is forgiven when it stops', () => {
    const busy = quotas()
    ask(busy, 1000, 0, shop, 7)
    assert.equal(admitted(ask(busy, 20, 5_000, shop, 7)), 20)
  })
})

describe('what a refusal says', () => {
  it('Q01: after how many whole seconds to try again, at least one and never endless', () => {
    const quotas = quotasOf({ requests: { perSecond: 0.25, burst: 1 } })
    ask(quotas, 2)
    const standing = quotas.of(shop, 0)
    assert.equal(quotas.retryAfterSeconds(standing, 'quota-requests', 0), 4)
    const never = quotasOf({ requests: { perSecond: 0, burst: 1 } })
    ask(never, 2)
    assert.equal(never.retryAfterSeconds(never.of(shop, 0), 'quota-requests', 0), 3600)
    assert.equal(never.retryAfterSeconds(never.of(shop, 0), 'quota-concurrency', 0), 1)
  })

  it('Q03: a router that has no share of the rate yet sends nobody away for long', () => {
    const quotas = quotasOf({ requests: { perSecond: 10, burst: 4 } }, 2)
    ask(quotas, 10)
    for (const report of quotas.reports(0))
      quotas.take(report, {
        othersShort: false,
        flows: report.flows.map(() => ({ share: 0, cap: 1, grant: 0 })),
        counts: report.counts.map(({ limit }) => ({ allowance: limit })),
      })
    assert.equal(quotas.retryAfterSeconds(quotas.of(shop, 0), 'quota-requests', 0), 1)
  })

  it('names the policy as the IETF draft has it, of the app where that is the tighter one', () => {
    const quotas = quotasOf({ requests: { perSecond: 200, burst: 400 }, concurrent: 30 })
    const small = route('small', one, { ...noCaps, requests: { perSecond: 0.3, burst: 1 }, concurrent: 5 })
    ask(quotas, 1, 0, small)
    const ofTenant = refusalOf(quotas.of(shop, 0), 'quota-requests', 2)
    assert.deepEqual(ofTenant.fields, [
      'RateLimit-Policy',
      '"requests";q=200;w=1;berth-burst=400',
      'RateLimit',
      '"requests";r=0;t=2',
    ])
    assert.equal(refusalOf(quotas.of(small, 0), 'quota-requests', 2).fields[1], '"requests";q=1;w=4;berth-burst=1')
    const full = refusalOf(quotas.of(small, 0), 'quota-concurrency', 1)
    assert.equal(full.status, 503)
    assert.equal(full.fields[1], '"concurrent";q=5;qu="concurrent-requests"')
  })
})
