import assert from 'node:assert/strict'
import type { AppId, AppName, InstanceId, TenantId } from '#core/domain/ids.ts'
import { defaultRequestRate } from '#core/domain/quota.ts'
import type { AppRoute, Endpoint } from '#core/domain/route.ts'
import { emptyTable, endpointKey, indexTable, isOwnHost, normaliseHost } from '../../../router/table.ts'

const endpoint: Endpoint = { instanceId: 'i-one' as InstanceId, epoch: 3, host: '10.0.0.1', port: 5000 }
const route: AppRoute = {
  appId: 'a-one' as AppId,
  name: 'one' as AppName,
  tenantId: 't-one' as TenantId,
  hosts: ['one.localhost', 'www.one.example'],
  health: 'serving',
  endpoints: [endpoint],
}
const table = indexTable({ version: 4, apps: [route], rates: { ['t-one' as TenantId]: { perSecond: 1, burst: 2 } } })

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

  it('gives a tenant its rate, and one without the default', () => {
    assert.deepEqual(table.rateOf('t-one' as TenantId), { perSecond: 1, burst: 2 })
    assert.deepEqual(table.rateOf('t-two' as TenantId), defaultRequestRate)
    assert.deepEqual(table.rateOf('constructor' as TenantId), defaultRequestRate)
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
