import assert from 'node:assert/strict'
import { homeOf, judge, type Act, type Caller, type Need, type Role, type Target } from '#core/domain/access.ts'
import type { AppId, TenantId } from '#core/domain/ids.ts'

const alpha = 'alpha' as TenantId
const app = { tenantId: alpha, appId: 'a-1' as AppId }
const tenant = { tenantId: alpha, appId: null }

const caller = (about: Partial<Caller>): Caller => ({
  tokenId: null,
  userId: null,
  kind: 'member',
  memberships: [],
  app: null,
  readOnly: false,
  actor: 'somebody',
  ...about,
})
const inAlpha = (role: Role, about: Partial<Caller> = {}) =>
  caller({ memberships: [{ tenantId: alpha, role }], ...about })
const stranger = caller({ memberships: [{ tenantId: 'beta' as TenantId, role: 'owner' }] })
const operator = caller({ kind: 'operator' })

const acts: Act[] = ['read', 'write', 'own', 'operate']
const verdicts = (who: Caller, of: 'app' | 'tenant', target: Target) =>
  acts.map((act) => judge(who, `${of}:${act}`, target)).join(' ')

describe('the rule about who may what', () => {
  it('C03 gives each role of a tenant what the one before it may, and operators all', () => {
    for (const [of, target] of [
      ['app', app],
      ['tenant', tenant],
    ] as const) {
      assert.equal(verdicts(inAlpha('viewer'), of, target), 'allowed forbidden forbidden forbidden')
      assert.equal(verdicts(inAlpha('member'), of, target), 'allowed allowed forbidden forbidden')
      assert.equal(verdicts(inAlpha('owner'), of, target), 'allowed allowed allowed forbidden')
      assert.equal(verdicts(operator, of, target), 'allowed allowed allowed allowed')
    }
  })

  it('C02 hides from strangers and nobodies that anything is there', () => {
    for (const who of [stranger, caller({})])
      for (const [of, target] of [
        ['app', app],
        ['tenant', tenant],
      ] as const)
        assert.equal(verdicts(who, of, target), 'hidden hidden hidden hidden')
    assert.equal(judge(caller({}), 'app:read', { tenantId: null, appId: null }), 'hidden')
  })

  it('C04 hides every other app of the tenant from a token that is for one', () => {
    const narrow = inAlpha('owner', { app: 'a-1' as AppId })
    assert.equal(verdicts(narrow, 'app', app), 'allowed allowed allowed forbidden')
    assert.equal(verdicts(narrow, 'app', { ...app, appId: 'a-2' as AppId }), 'hidden hidden hidden hidden')
    assert.equal(verdicts(narrow, 'tenant', tenant), 'allowed forbidden forbidden forbidden')
    assert.equal(judge(narrow, 'anyone:read'), 'allowed')
    assert.equal(judge(narrow, 'anyone:write'), 'forbidden')
  })

  it('lets a token that is for looking change nothing, whosever it is', () => {
    const needs: Need[] = ['anyone:write', 'platform:write', 'app:write', 'tenant:write', 'tenant:own', 'app:operate']
    for (const who of [inAlpha('owner', { readOnly: true }), { ...operator, readOnly: true }])
      for (const need of needs) assert.equal(judge(who, need, app), 'forbidden', need)
    assert.equal(judge({ ...operator, readOnly: true }, 'platform:read'), 'allowed')
  })

  it('leaves the platform to operators', () => {
    for (const who of [inAlpha('owner'), stranger, caller({})]) {
      assert.equal(judge(who, 'platform:read'), 'forbidden')
      assert.equal(judge(who, 'platform:write'), 'forbidden')
      assert.equal(judge(who, 'anyone:read'), 'allowed')
    }
    assert.equal(judge(operator, 'platform:write'), 'allowed')
  })

  it('takes the only tenant of a caller where none is named', () => {
    assert.equal(homeOf(inAlpha('viewer')), alpha)
    assert.equal(homeOf(operator), null)
    assert.equal(homeOf({ memberships: [...inAlpha('owner').memberships, ...stranger.memberships] }), null)
  })
})
