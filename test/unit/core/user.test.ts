import assert from 'node:assert/strict'
import type { Membership, Role } from '#core/domain/access.ts'
import type { AppId, TenantId, TokenId, UserId } from '#core/domain/ids.ts'
import { callerBySession, callerByToken, normaliseEmail, passwordFault, type User } from '#core/domain/user.ts'

const tenant = (name: string) => name as TenantId
const aUser = (change: Partial<User> = {}): User => ({
  ...{ id: 'u-1' as UserId, email: 'ann@example.com', name: 'Ann', operator: false, memberships: [] },
  ...{ createdAt: 0, lastLoginAt: null, hasPassword: true, hasTotp: false },
  ...change,
})
const aToken = (change: Partial<Parameters<typeof callerByToken>[0]> = {}) => ({
  ...{ id: 't-1' as TokenId, userId: 'u-1' as UserId, description: 'ci', kind: 'member' as const },
  ...{ tenantId: tenant('acme'), role: 'owner' as Role, appId: null, readOnly: false },
  ...change,
})
const member = (name: string, role: Role): Membership => ({ tenantId: tenant(name), role })

describe('who somebody is', () => {
  it('takes addresses that differ in case and space alone as one, and nothing that is no address', () => {
    assert.equal(normaliseEmail('  Ann.Smith+x@Example.COM '), 'ann.smith+x@example.com')
    for (const wrong of [
      '',
      'ann',
      '@x',
      'a@',
      'a b@c.d',
      'a@b..c',
      'a@-b.c',
      'a@b\n',
      'a@b,c@d',
      `a@${'b'.repeat(300)}`,
      'a\u0000@b.c',
    ])
      assert.equal(normaliseEmail(wrong), wrong === 'a@b\n' ? 'a@b' : null, JSON.stringify(wrong))
  })

  it('refuses passwords that are short, long, the address, or one letter', () => {
    const fault = (password: string) => passwordFault(password, 'ann@example.com', Buffer.byteLength(password))
    assert.equal(fault('correct horse battery'), null)
    assert.match(fault('short') ?? '', /10 characters/)
    assert.match(fault('ü'.repeat(600)) ?? '', /1024 bytes/)
    assert.match(fault('Ann@Example.com') ?? '', /e-mail/)
    assert.match(fault('abababababab') ?? '', /again and again/)
  })

  it('never lets a token reach further than its user does now', () => {
    const user = aUser({ memberships: [member('acme', 'viewer'), member('other', 'owner')] })
    assert.deepEqual(callerByToken(aToken(), user)?.memberships, [member('acme', 'viewer')])
    assert.deepEqual(callerByToken(aToken({ tenantId: null, role: 'member' }), user)?.memberships, [
      member('acme', 'viewer'),
      member('other', 'member'),
    ])
    assert.equal(callerByToken(aToken({ tenantId: tenant('third') }), user), null)
    assert.equal(callerByToken(aToken(), null), null, 'the account is gone')
    assert.equal(callerByToken(aToken({ kind: 'operator', tenantId: null }), user), null, 'an operator no more')
    const root = callerByToken(aToken({ kind: 'operator', tenantId: null }), aUser({ operator: true }))
    assert.deepEqual([root?.kind, root?.actor], ['operator', 'ann@example.com (ci)'])
    const narrow = callerByToken(aToken({ appId: 'a-1' as AppId, readOnly: true }), user)
    assert.deepEqual([narrow?.app, narrow?.readOnly], ['a-1', true])
  })

  it('makes an operator of an operator only with a second factor', () => {
    const user = aUser({ operator: true, memberships: [member('acme', 'member')] })
    assert.deepEqual(
      [false, true].map((shown) => callerBySession(user, shown).kind),
      ['member', 'operator'],
    )
    assert.equal(callerBySession(aUser(), true).kind, 'member')
    assert.equal(callerBySession(null, true).kind, 'operator')
  })
})
