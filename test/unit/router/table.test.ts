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

const anApp = (name: string, addresses: string[]): AppRoute => ({
  ...route,
  appId: `a-${name}` as AppId,
  name: name as AppName,
  addresses: addresses.map((address) => ({
    host: address.slice(0, address.indexOf('/')),
    path: address.slice(address.indexOf('/')),
  })),
  endpoints: [],
})
const tableOf = (...apps: AppRoute[]) => indexTable({ version: 1, apps, tenants: {} })

describe('the route table', () => {
  it('finds an app by each of its hosts, and nothing else', () => {
    assert.equal(table.find('one.localhost', '/'), route)
    assert.equal(table.find('www.one.example', '/x?y'), route)
    for (const host of ['localhost', 'two.localhost', 'x.one.localhost', 'constructor', '__proto__', ''])
      assert.equal(table.find(host, '/'), null, host)
    assert.equal(indexTable(emptyTable).find('one.localhost', '/'), null)
  })

  it('prefers an exact host to a wildcard, which stands for exactly one label', () => {
    const exact = anApp('exact', ['a.shop.example/'])
    const wild = anApp('wild', ['*.shop.example/'])
    const index = tableOf(exact, wild)
    assert.equal(index.find('a.shop.example', '/'), exact)
    assert.equal(index.find('b.shop.example', '/'), wild)
    for (const host of ['shop.example', '.shop.example', 'x.a.shop.example', 'xshop.example', '*.shop.example.evil'])
      assert.equal(index.find(host, '/'), null, host)
  })

  it('prefers the longest path, and ends it only where a segment ends', () => {
    const [site, api, v2] = [
      anApp('site', ['h.example/']),
      anApp('api', ['h.example/api']),
      anApp('v2', ['h.example/api/v2']),
    ]
    const index = tableOf(api, v2, site)
    const whose: Record<string, AppRoute> = {
      '/': site,
      '/apis': site,
      '/ap': site,
      '/api': api,
      '/api?a=/api/v2': api,
      '/api/': api,
      '/api/v22': api,
      '/api/v2': v2,
      '/api/v2/x': v2,
      '*': site,
    }
    for (const [path, app] of Object.entries(whose)) assert.equal(index.find('h.example', path)?.name, app.name, path)
  })

  it('takes a path as the bytes that came, and decodes nothing', () => {
    const [site, api] = [anApp('site', ['h.example/']), anApp('api', ['h.example/api'])]
    const index = tableOf(site, api)
    for (const path of ['//api', '/%61pi', '/x/../api', '/./api', '/API', '/api%2fx', '/?/api', '/api;x'])
      assert.equal(index.find('h.example', path), site, path)
    for (const path of ['/api/../', '/api//x', '/api/%2e%2e/x']) assert.equal(index.find('h.example', path), api, path)
  })

  it('leaves what no path of an exact host claims to the wildcard above it', () => {
    const [api, wild] = [anApp('api', ['a.h.example/api']), anApp('wild', ['*.h.example/'])]
    const index = tableOf(api, wild)
    assert.equal(index.find('a.h.example', '/api'), api)
    assert.equal(index.find('a.h.example', '/'), wild)
    assert.equal(tableOf(api).find('a.h.example', '/'), null)
  })

  it('lets an address move from one app to another in one change', () => {
    const before = anApp('before', ['h.example/', 'i.example/'])
    const after = anApp('after', ['h.example/'])
    const index = tableOf(before)
    const smaller = anApp('before', ['i.example/'])
    index.merge({ changed: [after, smaller], removed: [], tenants: {} }, { version: 2, mark: 'b' })
    assert.equal(index.find('h.example', '/'), after)
    assert.equal(index.find('i.example', '/'), smaller)
    assert.equal(index.version, 2)
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
