import assert from 'node:assert/strict'
import type { TenantId } from '#core/domain/ids.ts'
import { RequestQuota } from '../../../router/quota.ts'

const one = 't-one' as TenantId
const two = 't-two' as TenantId
const rate = { perSecond: 10, burst: 4 }

describe('a tenant’s request quota', () => {
  const admittedOf = (quota: RequestQuota, tenant: TenantId, routers: number, tries: number, now = 0): number =>
    Array.from({ length: tries }, () => quota.admit(tenant, rate, routers, now)).filter(({ admitted }) => admitted)
      .length

  it('admits a burst, then the rate', () => {
    const quota = new RequestQuota()
    assert.equal(admittedOf(quota, one, 1, 10), 4)
    assert.equal(admittedOf(quota, one, 1, 10, 100), 1)
  })

  it('is each tenant’s own', () => {
    const quota = new RequestQuota()
    admittedOf(quota, one, 1, 10)
    assert.equal(admittedOf(quota, two, 1, 10), 4)
  })

  it('Q03: is shared by the routers, and never nothing', () => {
    assert.equal(admittedOf(new RequestQuota(), one, 2, 10), 2)
    assert.equal(admittedOf(new RequestQuota(), one, 100, 10), 1)
    assert.equal(admittedOf(new RequestQuota(), one, 0, 10), 4)
  })

  it('Q01: says after how many whole seconds to try again, at least one and never endless', () => {
    const quota = new RequestQuota()
    admittedOf(quota, one, 1, 10)
    assert.deepEqual(quota.admit(one, rate, 1, 0), { admitted: false, retryAfterSeconds: 1 })
    const never = { perSecond: 0, burst: 0 }
    quota.admit(two, never, 1, 0)
    assert.deepEqual(quota.admit(two, never, 1, 0), { admitted: false, retryAfterSeconds: 3600 })
  })
})
