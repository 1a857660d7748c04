import assert from 'node:assert/strict'
import type { AllUsageView, AppView, TenantUsageView, UsageView } from '#core/contract/api.ts'
import type { AppId, TenantId } from '#core/domain/ids.ts'
import { recordUsage } from '#core/store/usage.ts'
import { startApi, type TestApi } from '#test/helpers/api.ts'

describe('what was used, as the API says it', function () {
  this.timeout(20_000)
  let api: TestApi
  let member: string
  let shop: AppView
  const now = Date.now()

  before(async () => {
    api = await startApi()
    member = await api.member('alpha')
    const other = await api.member('beta')
    const make = async (token: string, name: string) =>
      (await api.call(token, 'POST', '/v1/apps', { name })).body as AppView
    shop = await make(member, 'shop')
    await make(member, 'quiet')
    const gone = await make(member, 'gone')
    const foreign = await make(other, 'foreign')
    await use(shop.id, 'alpha', now, 3)
    await use(shop.id, 'alpha', now - 2 * 3600_000, 4)
    await use(gone.id, 'alpha', now, 10)
    await use(foreign.id, 'beta', now, 100)
    await api.call(member, 'DELETE', '/v1/apps/gone?confirm=gone')
  })
  after(() => api.stop())

  let lives = 0
  const use = (app: string, tenant: string, at: number, cpuSeconds: number) =>
    recordUsage(api.context.store, [
      {
        subject: `i-${lives++}-1`,
        tenantId: tenant as TenantId,
        appId: app as AppId,
        at,
        usage: { cpuSeconds, memoryMbSeconds: 3600 },
        ended: true,
      },
    ])
  const ask = async <T>(token: string, path: string) => {
    const { status, body } = await api.call(token, 'GET', `/v1${path}`)
    assert.equal(status, 200, JSON.stringify(body))
    return body as T
  }
  const since = (hours: number) => `from=${new Date(now - hours * 3600_000).toISOString()}`

  it('of an app: in all, and divided into steps in which anything was used', async () => {
    const view = await ask<UsageView>(member, `/apps/shop/usage?${since(20)}&by=hour`)
    assert.deepEqual(
      [view.app, view.tenant, view.by, view.usage.cpuSeconds, view.memoryMbHours],
      ['shop', 'alpha', 'hour', 7, 2],
    )
    assert.deepEqual(
      view.buckets.map(({ usage }) => usage.cpuSeconds),
      [4, 3],
    )
    assert.ok(view.buckets.every(({ from }) => from.endsWith(':00:00.000Z')))
  })

  it('of a tenant: its apps, those destroyed meanwhile too, and their sum', async () => {
    const view = await ask<TenantUsageView>(member, `/tenants/alpha/usage?${since(20)}`)
    assert.deepEqual(
      view.apps.map(({ app, destroyed, usage }) => [app, destroyed, usage.cpuSeconds]),
      [
        ['gone', true, 10],
        ['quiet', false, 0],
        ['shop', false, 7],
      ],
    )
    assert.equal(view.usage.cpuSeconds, 17)
  })

  it('of all that the caller may see: a member its own tenant, an operator every one', async () => {
    const mine = await ask<AllUsageView>(member, `/usage?${since(20)}&by=day`)
    assert.deepEqual(
      mine.tenants.map(({ tenant }) => tenant),
      ['alpha'],
    )
    const all = await ask<AllUsageView>(api.operator, `/usage?${since(20)}`)
    assert.deepEqual(
      all.tenants.map(({ tenant, usage }) => [tenant, usage.cpuSeconds]),
      [
        ['alpha', 17],
        ['beta', 100],
        ['default', 0],
      ],
    )
    assert.equal(all.usage.cpuSeconds, 117)
    assert.equal((await api.call(member, 'GET', '/v1/tenants/beta/usage')).status, 404)
  })

  it('and says what is wrong with a question', async () => {
    const detail = async (query: string) => {
      const { status, body } = await api.call(member, 'GET', `/v1/apps/shop/usage?${query}`)
      assert.equal(status, 400)
      return (body as { detail: string }).detail
    }
    assert.match(await detail('from=yesterday'), /from: must be a day like 2026-11-01/)
    assert.match(await detail('by=week'), /by: .*minute/)
    assert.match(await detail('form=2026-11-01'), /form/)
    assert.match(await detail(`${since(48)}&by=minute`), /kept by the minute for 26 hours/)
  })
})

describe('the controller’s metrics', function () {
  this.timeout(20_000)
  let api: TestApi
  before(async () => (api = await startApi()))
  after(() => api.stop())

  it('are for operators, in Prometheus’ format', async () => {
    const member = await api.member('alpha')
    await api.call(member, 'POST', '/v1/apps', { name: 'shop' })
    assert.equal((await api.call(null, 'GET', '/metrics')).status, 401)
    assert.equal((await api.call(member, 'GET', '/metrics')).status, 403)
    await api.call(member, 'PROPFIND', '/v1/apps')
    const { status, body, headers } = await api.call(api.operator, 'GET', '/metrics')
    assert.equal(status, 200)
    assert.match(headers.get('content-type') ?? '', /^text\/plain; .*version=0\.0\.4/)
    const text = body as string
    assert.match(text, /^# TYPE berth_apps gauge\nberth_apps 1$/m)
    assert.match(text, /^berth_tenants 2$/m)
    assert.match(text, /^berth_instances\{state="running"\} 0$/m)
    assert.match(text, /^berth_api_requests_total\{method="GET",status="403"\} 1$/m)
    assert.match(text, /^berth_api_requests_total\{method="other",status="405"\} 1$/m)
    assert.match(text, /^process_resident_memory_bytes \d+$/m)
  })
})
