import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { AppId, TenantId } from '../../../core/domain/ids.ts'
import {
  afterAttempt,
  chooseDue,
  concerns,
  DISABLE_AFTER_MS,
  isEventPattern,
  OLD_SECRET_MS,
  rotated,
  untried,
  validSecrets,
  wants,
  webhookEventNames,
  type Attempt,
  type Delivery,
  type Due,
  type InFlight,
  type WebhookHealth,
} from '../../../core/domain/webhook.ts'

const HOUR = 3600_000
const delivery = (over: Partial<Delivery> = {}): Delivery => ({
  id: 'msg-1-0',
  type: 'deploy.succeeded',
  body: '{}',
  createdAt: 0,
  state: 'pending',
  attempts: [],
  attemptCount: 0,
  since: 0,
  nextAt: 0,
  ...over,
})
const attempt = (at: number, status: number | null = 500): Attempt => ({ at, status, error: null, tookMs: 1 })
const end = (at: number, status: number | null = 500) => ({ attempt: attempt(at, status), waitMs: null, chance: 0 })

describe('what a webhook is told', () => {
  it('is what it names, by name, by topic, or all of it', () => {
    assert.ok(wants({ events: ['deploy.*'] }, 'deploy.failed'))
    assert.ok(!wants({ events: ['deploy.*'] }, 'domain.added'))
    assert.ok(wants({ events: ['domain.added'] }, 'domain.added'))
    assert.ok(wants({ events: ['domain.added'] }, 'webhook.test'))
    for (const name of webhookEventNames) assert.ok(wants({ events: ['*'] }, name))
  })

  it('can be named only if it is there', () => {
    for (const good of ['*', 'deploy.*', 'alert.began']) assert.ok(isEventPattern(good), good)
    for (const bad of ['', 'deploy', 'deploy.', 'deploy.*.x', '.*', 'nothing.*', 'constructor', '**', 'toString.*'])
      assert.ok(!isEventPattern(bad), bad)
  })

  it('C02 is about its own app, its own tenant, or for the platform everything', () => {
    const [app, other] = ['a-one', 'a-two'] as AppId[]
    const [tenant, stranger] = ['alpha', 'beta'] as TenantId[]
    const about = { appId: app ?? null, tenantId: tenant ?? null }
    assert.ok(concerns(about, about))
    assert.ok(concerns({ appId: null, tenantId: tenant ?? null }, about))
    assert.ok(concerns({ appId: null, tenantId: null }, about))
    assert.ok(!concerns({ ...about, appId: other ?? null }, about))
    assert.ok(!concerns({ appId: null, tenantId: stranger ?? null }, about))
    // What is a tenant's, or the platform's, is no app's.
    assert.ok(!concerns(about, { appId: null, tenantId: tenant ?? null }))
    assert.ok(!concerns({ appId: null, tenantId: tenant ?? null }, { appId: null, tenantId: null }))
  })
})

describe('a delivery that fails', () => {
  it('is tried again later and later, for a day', () => {
    let now = 0
    let current = delivery()
    let health: WebhookHealth = untried
    const waits: number[] = []
    while (current.state === 'pending') {
      const after = afterAttempt(current, health, end(now))
      if (after.delivery.nextAt !== null) waits.push((after.delivery.nextAt - now) / 1000)
      current = after.delivery
      health = after.health
      now = current.nextAt ?? now
    }
    assert.deepEqual(waits, [5, 20, 80, 320, 1280, 5120, 20480, 21600, 21600])
    assert.deepEqual([current.state, current.attemptCount], ['failed', 10])
    assert.ok(now <= 24 * HOUR && now > 18 * HOUR)
    assert.equal(health.disabled, null)
  })

  it('waits as long as the receiver asks, within an hour, and never past the day', () => {
    fc.assert(
      fc.property(fc.nat(24 * HOUR), fc.nat(1e9), fc.double({ min: 0, max: 1, noNaN: true }), (at, waitMs, chance) => {
        const { nextAt } = afterAttempt(delivery(), untried, { attempt: attempt(at), waitMs, chance }).delivery
        if (nextAt === null) return assert.ok(at > 22 * HOUR)
        assert.ok(nextAt >= at + Math.min(waitMs, HOUR) && nextAt <= 24 * HOUR)
      }),
    )
  })

  it('begins anew when somebody asks for it again', () => {
    const attempts = Array.from({ length: 9 }, (_, index) => attempt(index))
    const again = delivery({ attempts, attemptCount: 9, since: 1000 })
    assert.equal(afterAttempt(again, untried, end(1000)).delivery.nextAt, 1000 + 5_000)
  })

  it('ends with the first success, and so does its webhook’s bad time', () => {
    const failing = { ...untried, failingSince: 5, lastError: 'x' }
    const { delivery: after, health } = afterAttempt(delivery(), failing, end(10, 204))
    assert.deepEqual([after.state, after.nextAt], ['delivered', null])
    assert.deepEqual(health, { failingSince: null, lastSuccess: 10, lastError: null, disabled: null })
  })

  it('C12 takes a redirect for a failure', () => {
    assert.equal(afterAttempt(delivery(), untried, end(1, 302)).delivery.state, 'pending')
  })

  it('disables its webhook after days without any success, or at once where the receiver is gone', () => {
    const since = { ...untried, failingSince: 0 }
    assert.equal(afterAttempt(delivery(), since, end(DISABLE_AFTER_MS)).health.disabled, null)
    const late = afterAttempt(delivery({ since: DISABLE_AFTER_MS }), since, end(DISABLE_AFTER_MS + 1))
    assert.match(late.health.disabled?.why ?? '', /nothing has arrived for 5 days; the last time it answered 500/)
    assert.equal(late.delivery.state, 'failed')
    const gone = afterAttempt(delivery(), untried, end(1, 410)).health
    assert.match(gone.disabled?.why ?? '', /410/)
    assert.deepEqual(afterAttempt(delivery(), gone, end(2, 500)).health.disabled, gone.disabled)
  })
})

describe('the choice of what to send now', () => {
  const alpha = 'alpha' as TenantId
  const limits = { perWebhook: 2, perTenant: 3, inAll: 10 }
  const due = (webhookId: string, count: number, tenant = alpha): Due => ({
    webhookId,
    tenant,
    deliveries: Array.from({ length: count }, (_, index) => `m-${index}`),
  })
  const written = (chosen: InFlight[]) => chosen.map(({ webhookId, id }) => `${webhookId} ${id}`)

  it('gives no receiver and no tenant more than its part, and begins nothing twice', () => {
    const all = [due('w-a', 4), due('w-b', 4), due('w-c', 1, 'beta' as TenantId)]
    assert.deepEqual(written(chooseDue(all, [], limits)), ['w-a m-0', 'w-a m-1', 'w-b m-0', 'w-c m-0'])
    const flying = { webhookId: 'w-a', tenant: alpha, id: 'm-0' }
    assert.deepEqual(written(chooseDue([due('w-a', 4)], [flying], limits)), ['w-a m-1'])
    const full = ['m-0', 'm-1'].map((id) => ({ webhookId: 'w-a', tenant: alpha, id }))
    assert.deepEqual(written(chooseDue(all, full, { ...limits, inAll: 3 })), ['w-b m-0'])
  })

  it('keeps its limits whatever is due', () => {
    const any = fc.array(fc.tuple(fc.nat(5), fc.nat(6), fc.constantFrom('alpha', 'beta') as fc.Arbitrary<TenantId>))
    fc.assert(
      fc.property(any, fc.nat(8), (queues, inAll) => {
        const names = new Set<string>()
        const all = queues.flatMap(([webhook, count, tenant]) => {
          const id = `w-${webhook}`
          if (names.has(id)) return []
          names.add(id)
          return [due(id, count, tenant)]
        })
        const chosen = chooseDue(all, [], { ...limits, inAll })
        assert.ok(chosen.length <= inAll)
        assert.equal(new Set(written(chosen)).size, chosen.length)
        for (const { webhookId, tenant } of all) {
          assert.ok(chosen.filter((one) => one.webhookId === webhookId).length <= limits.perWebhook)
          assert.ok(chosen.filter((one) => one.tenant === tenant).length <= limits.perTenant)
        }
      }),
    )
  })
})

describe('the rotation of a secret', () => {
  it('leaves two that are valid for a day, and then one', () => {
    const first = [{ sealed: 'one', since: 0, until: null }]
    const second = rotated(first, 'two', 1000)
    assert.deepEqual(
      validSecrets(second, 1000).map(({ sealed }) => sealed),
      ['two', 'one'],
    )
    assert.deepEqual(
      validSecrets(second, 1000 + OLD_SECRET_MS).map(({ sealed }) => sealed),
      ['two'],
    )
    const third = rotated(second, 'three', 2000)
    assert.deepEqual(
      third.map(({ sealed }) => sealed),
      ['three', 'two'],
    )
  })
})
