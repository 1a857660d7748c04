import assert from 'node:assert/strict'
import type { AppId, AppName, InstanceId, TenantId } from '#core/domain/ids.ts'
import { defaultTraffic, type TrafficQuota } from '#core/domain/quota.ts'
import { defaultRouteSettings, type AppRoute, type Endpoint } from '#core/domain/route.ts'
import { emptyTable, endpointKey, indexTable, isOwnHost, normaliseHost } from '../../../router/table.ts'

const endpoint: Endpoint = { instanceId: 'i-one' as InstanceId, epoch: 3, host: '10.0.0.1', port: 5000 }
const route: AppRoute = {
  appId: 'a-one' as AppId,
  name: 'one' as AppName,
  tenantId: 't-one' as TenantId,
  addresses: [
    { host: 'one.localhost', path: '/' },
    { host: 'www.one.example', path: '/' },
  ],
  settings: defaultRouteSettings,
  health: 'serving',
  endpoints: [endpoint],
}
const quota: TrafficQuota = { ...defaultTraffic, requests: { perSecond: 1, burst: 2 } }
const table = indexTable({ version: 4, apps: [route], tenants: { ['t-one' as TenantId]: quota } })

describe('the route table', () => {
  it('finds an app by each of its hosts, and nothing else', () => {
    assert.equal(table.find('one.localhost'), route)
    assert.equal(table.find('www.one.example'), route)
    for (const host of ['localhost', 'two.localhost', 'x.one.localhost', 'constructor', '__proto__', ''])
      assert.equal(table.find(host), null, host)
    assert.equal(indexTable(emptyTable).find('one.localhost'), null)
  })

  it('knows an instance, and an endpoint only at its epoch', () => {
    assert.equal(table.hasInstance(endpoint.instanceId), true)
    assert.equal(table.hasInstance('i-two' as InstanceId), false)
    assert.equal(table.hasEndpoint(endpointKey(endpoint)), true)
    assert.equal(table.hasEndpoint(endpointKey({ ...endpoint, epoch: 4 })), false)
  })

  it('gives a tenant its quota, and one without the default', () => {
    assert.deepEqual(table.quotaOf('t-one' as TenantId), quota)
    assert.deepEqual(table.quotaOf('t-two' as TenantId), defaultTraffic)
    assert.deepEqual(table.quotaOf('constructor' as TenantId), defaultTraffic)
  })

  it('H42, H73: compares hosts in one spelling', () => {
    const spellings: Record<string, string> = {
      'APP.Test': 'app.test',
      'app.test:8080': 'app.test',
      'app.test.': 'app.test',
      'APP.TEST.:80': 'app.test',
      'app.test..': 'app.test.',
      '127.0.0.1:80': '127.0.0.1',
      '[::1]:80': '[::1]',
      '[2001:DB8::1]': '[2001:db8::1]',
    }
    for (const [host, normal] of Object.entries(spellings)) assert.equal(normaliseHost(host), normal)
  })

  it('tells the router’s own hosts from apps’', () => {
    for (const host of ['localhost', '127.0.0.1', '10.1.2.3', '[::1]']) assert.equal(isOwnHost(host), true, host)
    for (const host of ['one.localhost', '1.2.3', '1.2.3.4.example', 'localhost.example'])
      assert.equal(isOwnHost(host), false, host)
  })
})
