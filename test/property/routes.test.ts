import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { AppId, AppName, InstanceId, TenantId } from '#core/domain/ids.ts'
import { defaultTraffic, type TrafficQuota } from '#core/domain/quota.ts'
import { defaultRouteSettings, type AppRoute, type RouteRows } from '#core/domain/route.ts'
import { endpointKey, indexTable, RouteIndex } from '../../router/table.ts'

const hosts = ['a.example', 'b.a.example', '*.a.example', 'c.example', '*.example']
const paths = ['/', '/x', '/x/y', '/x/yz']
const ids = ['a-one', 'a-two', 'a-three', 'a-four'] as AppId[]
const tenants = ['t-one', 't-two'] as TenantId[]
const instances = ['i-one', 'i-two', 'i-three'] as InstanceId[]

const route: fc.Arbitrary<AppRoute> = fc
  .record({
    appId: fc.constantFrom(...ids),
    addresses: fc.uniqueArray(fc.record({ host: fc.constantFrom(...hosts), path: fc.constantFrom(...paths) }), {
      maxLength: 4,
      selector: ({ host, path }) => host + path,
    }),
    endpoints: fc.array(
      fc.record({
        instanceId: fc.constantFrom(...instances),
        epoch: fc.integer({ min: 1, max: 2 }),
        host: fc.constant('10.0.0.1'),
        port: fc.constant(5000),
      }),
      { maxLength: 3 },
    ),
  })
  .map((fields) => ({
    ...fields,
    name: fields.appId.slice(2) as AppName,
    tenantId: 't-one' as TenantId,
    settings: defaultRouteSettings,
    health: 'serving',
  }))

const quota: fc.Arbitrary<TrafficQuota | null> = fc.option(
  fc.integer({ min: 1, max: 9 }).map((perSecond) => ({ ...defaultTraffic, requests: { perSecond, burst: 10 } })),
)
const rows: fc.Arbitrary<RouteRows> = fc.record({
  changed: fc.array(route, { maxLength: 3 }),
  removed: fc.subarray(ids),
  tenants: fc.dictionary(fc.constantFrom(...tenants), quota),
})

/** All that a table can be asked. */
function answers(table: RouteIndex): unknown {
  const asked = ['a.example', 'b.a.example', 'z.a.example', 'c.example', 'z.example', 'example', 'z.z.example']
  return {
    found: asked.flatMap((host) => ['/', '/x', '/x/y', '/x/yz/1', '/q'].map((path) => table.find(host, path))),
    quotas: tenants.map((tenant) => table.quotaOf(tenant)),
    instances: instances.map((id) => table.hasInstance(id)),
    endpoints: instances.flatMap((instanceId) =>
      [1, 2].map((epoch) => table.hasEndpoint(endpointKey({ instanceId, epoch }))),
    ),
    size: table.size,
    version: table.version,
  }
}

describe('a route table that takes in changes', () => {
  it('answers as one that was built whole from what is left', function () {
    this.timeout(20_000)
    fc.assert(
      fc.property(fc.array(rows, { maxLength: 12 }), (changes) => {
        const table = new RouteIndex()
        const apps = new Map<AppId, AppRoute>()
        const quotas = new Map<string, TrafficQuota>()
        for (const [version, change] of changes.entries()) {
          table.merge(change, { version, mark: '' })
          for (const id of change.removed) apps.delete(id)
          for (const app of change.changed) apps.set(app.appId, app)
          for (const [id, given] of Object.entries(change.tenants)) {
            if (given === null) quotas.delete(id)
            else quotas.set(id, given)
          }
          const whole = { version, apps: [...apps.values()], tenants: Object.fromEntries(quotas) }
          assert.deepEqual(answers(table), answers(indexTable(whole)))
        }
      }),
      { numRuns: 500 },
    )
  })
})
