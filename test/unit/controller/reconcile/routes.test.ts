import assert from 'node:assert/strict'
import type { Domain } from '#core/domain/domain.ts'
import type { AppId, AppName, TenantId } from '#core/domain/ids.ts'
import { defaultRouteSettings, type StoredTable } from '#core/domain/route.ts'
import { anApp, aRouter, aServingApp, anInstance, aTenant, tenant } from '#test/helpers/cluster.ts'
import { changeTable } from '#test/helpers/simulated-cluster.ts'
import { nextTable } from '../../../../controller/reconcile/routes.ts'
import { newMemory, see, type Snapshot } from '../../../../controller/reconcile/world.ts'

const nothing: Snapshot = {
  apps: [],
  processes: new Map(),
  instances: [],
  hosts: [],
  routers: [],
  tenants: [],
  stack: null,
  plans: new Map(),
  table: null,
  runs: [],
}
const change = (over: Partial<Snapshot>, leaving: string[] = []) =>
  nextTable(see({ ...nothing, ...over }, newMemory(0), 0), 'localhost', new Set(leaving) as never)
const named = (name: string, over = {}) => anApp({ id: `a-${name}` as AppId, name: name as AppName, ...over })
/** The table after everything in the snapshot was stored. */
const stored = (over: Partial<Snapshot>): StoredTable => {
  const first = change(over)
  assert.ok(first)
  // As it comes back from the store: equal, and not the same objects.
  return JSON.parse(JSON.stringify(changeTable(null, first))) as StoredTable
}
const aDomain = (host: string, over: Partial<Domain> = {}): Domain => ({
  host,
  path: '/',
  appId: 'a-shop' as AppId,
  tenantId: tenant,
  createdAt: 0,
  token: 't',
  state: 'verified',
  verified: { at: 0, by: 'dns' },
  check: null,
  ...over,
})

describe('the next route table', () => {
  it('is none when the stored one says the same, in whatever order', () => {
    const apps = [named('one'), named('two')]
    const table = stored({ apps, tenants: [aTenant()] })
    assert.equal(change({ apps: [...apps].reverse(), tenants: [aTenant()], table }), null)
  })

  it('names only what changed, what left, and the table that it is made on', () => {
    const apps = [named('one'), named('two'), named('three')]
    const table = stored({ apps, tenants: [aTenant()] })
    const paused = named('two', { paused: { at: 0, by: 'ann' } })
    const next = change({ apps: [named('one'), paused], tenants: [aTenant()], table })
    assert.equal(next?.from, table.mark)
    assert.equal(next.version, 2)
    assert.deepEqual(
      next.changed.map(({ name, health }) => [name, health]),
      [['two', 'paused']],
    )
    assert.deepEqual(next.removed, ['a-three'])
    assert.deepEqual(next.tenants, {})
  })

  it('names a tenant whose rate changed, and one that is gone', () => {
    const other = aTenant({ id: 't-other' as TenantId })
    const table = stored({ tenants: [aTenant(), other] })
    const requestRate = { perSecond: 1, burst: 2 }
    const next = change({ tenants: [aTenant({ requestRate })], table })
    assert.deepEqual(next?.tenants[tenant]?.requests, requestRate)
    assert.equal(next.tenants['t-other' as TenantId], null)
    assert.deepEqual(next.changed, [])
  })

  it('has an app’s own address, its verified domains, and its settings', () => {
    const routing = { ...defaultRouteSettings, sticky: true, access: { allow: ['10.0.0.0/8'], users: [] } }
    const domains = [
      aDomain('*.shop.example'),
      aDomain('shop.example', { path: '/api' }),
      aDomain('pending.example', { state: 'pending', verified: null }),
    ]
    const next = change({ apps: [anApp({ domains, routing })] })
    assert.deepEqual(next?.changed[0]?.addresses, [
      { host: 'shop.localhost', path: '/' },
      { host: '*.shop.example', path: '/' },
      { host: 'shop.example', path: '/api' },
    ])
    assert.deepEqual(next.changed[0].settings, routing)
    const table = stored({ apps: [anApp({ domains, routing })] })
    assert.equal(change({ apps: [anApp({ domains, routing: { ...routing } })], table }), null)
    assert.equal(change({ apps: [anApp({ domains, routing: { ...routing, idleMs: 1 } })], table })?.changed.length, 1)
  })

  it('has the endpoints of what runs, less what is leaving', () => {
    const apps = [aServingApp(1, { web: 2 })]
    const instances = [anInstance('i-one'), anInstance('i-two')]
    const ids = (leaving: string[]) =>
      change({ apps, instances }, leaving)?.changed[0]?.endpoints.map((e) => e.instanceId)
    assert.deepEqual(ids([]), ['i-one', 'i-two'])
    assert.deepEqual(ids(['i-one']), ['i-two'])
  })

  it('is a new one although nothing changed, where a router has a newer one than is stored', () => {
    const apps = [named('one')]
    const table = stored({ apps })
    const next = change({ apps, table, routers: [aRouter(7)] })
    assert.deepEqual(next, { from: table.mark, version: 8, changed: [], removed: [], tenants: {} })
    assert.equal(change({ apps, routers: [aRouter(7)] })?.version, 8)
  })
})
