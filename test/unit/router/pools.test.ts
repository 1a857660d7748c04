import assert from 'node:assert/strict'
import type { AppId, AppName, InstanceId, TenantId } from '#core/domain/ids.ts'
import { defaultRouteSettings, type AppRoute, type Endpoint } from '#core/domain/route.ts'
import type { Pool } from '../../../router/app/pool.ts'
import { Pools } from '../../../router/app/pools.ts'
import { Clock } from '../../../router/clock.ts'
import { indexTable } from '../../../router/table.ts'

const anEndpoint = (id: string, epoch = 1): Endpoint => ({
  instanceId: id as InstanceId,
  epoch,
  host: '10.0.0.1',
  port: 8000 + epoch,
})
const aRoute = (endpoints: Endpoint[]): AppRoute => ({
  appId: 'a-shop' as AppId,
  name: 'shop' as AppName,
  tenantId: 't-one' as TenantId,
  addresses: [{ host: 'shop.test', path: '/' }],
  settings: defaultRouteSettings,
  health: 'serving',
  endpoints,
})
const tableOf = (route: AppRoute) => indexTable({ version: 1, apps: [route], tenants: {} })

describe('what instances answered', () => {
  it('is told once, by instance whatever its epoch, and also of one that has left the table meanwhile', () => {
    const route = aRoute([anEndpoint('i-1'), anEndpoint('i-1', 2), anEndpoint('i-2'), anEndpoint('i-idle')])
    const pools = new Pools(tableOf(route), new Clock(), () => {})
    const [one, again, two] = pools.of(route) as [Pool, Pool, Pool]
    const count = () => {
      one.answered += 2
      again.answered += 1
      two.answered += 4
    }
    count()
    assert.deepEqual(Object.fromEntries(pools.takeAnswered()), { 'i-1': 3, 'i-2': 4 })
    assert.equal(pools.takeAnswered().size, 0)

    count()
    pools.useRoutes(tableOf(aRoute([anEndpoint('i-1', 2)])))
    assert.deepEqual(Object.fromEntries(pools.takeAnswered()), { 'i-1': 3, 'i-2': 4 })

    pools.begin(again)
    pools.useRoutes(tableOf(aRoute([])))
    again.answered += 1
    pools.end(again)
    assert.deepEqual(Object.fromEntries(pools.takeAnswered()), { 'i-1': 1 })
    pools.stop()
    assert.equal(pools.takeAnswered().size, 0)
  })
})
