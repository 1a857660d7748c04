import assert from 'node:assert/strict'
import type { Domain } from '#core/domain/domain.ts'
import type { AppId, AppName, TenantId } from '#core/domain/ids.ts'
import { hostsOfApp, wantedOf } from '../../../../controller/certificates/wanted.ts'

const app = { id: 'a-shop' as AppId, tenantId: 't-ann' as TenantId, name: 'shop' as AppName }
const aDomain = (host: string, path: string, state: Domain['state']): Domain => ({
  host,
  path,
  state,
  appId: app.id,
  tenantId: app.tenantId,
  createdAt: 0,
  token: 'x',
  verified: null,
  check: null,
})
const domains = [
  aDomain('shop.example', '/', 'verified'),
  aDomain('shop.example', '/api', 'verified'),
  aDomain('*.shop.example', '/', 'verified'),
  aDomain('stolen.example', '/', 'pending'),
]

describe('the hosts that an app may have certificates for', () => {
  it('are its own name and those that it has shown to be its own, each once', () => {
    const hosts = hostsOfApp({ ...app, domains }, 'berth.test')
    assert.deepEqual(hosts, ['shop.berth.test', 'shop.example', '*.shop.example'])
  })

  it('are asked of an authority, wildcards only where DNS can prove them', () => {
    const hosts = (byDns: boolean) => wantedOf({ ...app, domains }, byDns).map(({ host }) => host)
    assert.deepEqual(hosts(false), ['shop.example'])
    assert.deepEqual(hosts(true), ['shop.example', '*.shop.example'])
  })
})
