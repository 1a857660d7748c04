import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { callerByKey } from '../../../../controller/ssh/caller.ts'
import type { TenantId } from '#core/domain/ids.ts'
import { keys } from '#core/store/keys.ts'
import { loadSshKeys } from '#core/store/ssh-keys.ts'
import { loadMembers, setMember } from '#core/store/users.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { aBrowser, type Browser } from '../../../helpers/browser.ts'
import { aPersonOf, aSignedIn, codeOf, PASSWORD, theOperator } from '../../../helpers/people.ts'

describe('people and tenants', function () {
  this.timeout(60_000)
  let api: TestApi
  let root: Browser

  beforeEach(async () => {
    api = await startApi()
    root = await theOperator(api)
    await root.call('POST', '/v1/tenants', { id: 'alpha' })
  })
  afterEach(() => api.stop())

  const invited = async (email: string, role: string, by = root) => {
    const { status, body } = await by.call('POST', '/v1/tenants/alpha/invitations', { email, role })
    assert.equal(status, 201, JSON.stringify(body))
    return body as { id: string; code: string; url: string }
  }
  const accepted = async (code: string) => {
    const browser = aBrowser(api)
    const { status, body } = await browser.call('POST', '/v1/invitations/accept', {
      code,
      password: PASSWORD,
      name: 'Ann',
    })
    return { browser, status, body }
  }

  it('invites somebody, who makes an account of it and is in the tenant in the role that was offered', async () => {
    const { code, url } = await invited('Ann@Example.com', 'owner')
    assert.ok(url.endsWith(`/login?invitation=${code}`))
    const shown = await api.call(null, 'POST', '/v1/invitations/show', { code })
    assert.deepEqual([shown.body.email, shown.body.tenant, shown.body.hasAccount], ['ann@example.com', 'alpha', false])
    const { browser, status, body } = await accepted(code)
    assert.equal(status, 200)
    assert.deepEqual([body.user.name, body.memberships], ['Ann', [{ tenant: 'alpha', role: 'owner' }]])
    assert.equal((await browser.call('GET', '/v1/tenants/alpha')).status, 200)
    const secret = code.split('.')[1] ?? ''
    const { store } = api.context
    for (const key of await store.keys('berth:invitation*')) assert.ok(!key.includes(secret))
  })

  it('lets an invitation be accepted once, by whom it is for, and not after it was taken back', async () => {
    const first = await invited('ann@example.com', 'member')
    const both = await Promise.all([accepted(first.code), accepted(first.code)])
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 401].sort())
    const second = await invited('bob@example.com', 'member')
    assert.equal((await root.call('DELETE', `/v1/tenants/alpha/invitations/${second.id}`)).status, 204)
    assert.equal((await accepted(second.code)).status, 401)
    for (const code of ['', 'x', 'n-aaaaaaaaaaaaa.', `${second.id}.${'A'.repeat(43)}`, '../../x.y'])
      assert.ok([400, 401].includes((await accepted(code)).status), code)
    const third = await invited('cid@example.com', 'viewer')
    const ann = await aSignedIn(api, 'dan@example.com')
    const taken = await ann.browser.call('POST', '/v1/account/invitations', { code: third.code })
    assert.deepEqual([taken.status, taken.body.code], [403, 'INVITATION_FOR_ANOTHER'])
  })

  it('lets somebody who has an account join as themselves, and never lowers a role by an invitation', async () => {
    const { browser } = await aSignedIn(api, 'ann@example.com')
    const { code } = await invited('ann@example.com', 'owner')
    assert.equal((await accepted(code)).body.code, 'SIGN_IN_FIRST')
    const joined = await browser.call('POST', '/v1/account/invitations', { code })
    assert.deepEqual(joined.body.memberships, [{ tenant: 'alpha', role: 'owner' }])
    const lower = await invited('ann@example.com', 'viewer')
    await browser.call('POST', '/v1/account/invitations', { code: lower.code })
    assert.deepEqual((await browser.call('GET', '/v1/account')).body.memberships, [{ tenant: 'alpha', role: 'owner' }])
  })

  it('C03 lets only owners and operators say who belongs to a tenant', async () => {
    const owner = await aSignedIn(api, 'own@example.com', { tenant: 'alpha', role: 'owner' })
    const member = await aSignedIn(api, 'mem@example.com', { tenant: 'alpha', role: 'member' })
    const viewer = await aSignedIn(api, 'view@example.com', { tenant: 'alpha', role: 'viewer' })
    for (const { browser } of [member, viewer]) {
      const calls: [string, string, object | undefined][] = [
        ['POST', '/v1/tenants/alpha/invitations', { email: 'x@example.com', role: 'owner' }],
        ['PATCH', `/v1/tenants/alpha/members/${member.id}`, { role: 'owner' }],
        ['DELETE', `/v1/tenants/alpha/members/${owner.id}`, undefined],
        ['POST', '/v1/tenants/alpha/members', { email: 'mem@example.com', role: 'owner' }],
      ]
      for (const [method, path, body] of calls) assert.equal((await browser.call(method, path, body)).status, 403, path)
    }
    const raised = await owner.browser.call('PATCH', `/v1/tenants/alpha/members/${viewer.id}`, { role: 'member' })
    assert.equal(raised.body.role, 'member')
    const stranger = await aPersonOf(api, 'far@example.com')
    const unknown = await owner.browser.call('PATCH', `/v1/tenants/alpha/members/${stranger}`, { role: 'owner' })
    const nobody = await owner.browser.call('PATCH', '/v1/tenants/alpha/members/u-aaaaaaaaaaaaa', { role: 'owner' })
    const plain = ({ body }: typeof nobody) => String(body.detail).replace(/u-\w+/, 'X')
    assert.deepEqual([unknown.status, plain(unknown)], [404, plain(nobody)])
  })

  it('keeps an owner in a tenant, also when two leave at once; an operator may insist', async () => {
    const { store } = api.context
    const one = await aSignedIn(api, 'one@example.com', { tenant: 'alpha', role: 'owner' })
    const two = await aSignedIn(api, 'two@example.com', { tenant: 'alpha', role: 'owner' })
    const left = await Promise.all(
      [one, two].map(({ browser }) => browser.call('DELETE', '/v1/account/memberships/alpha')),
    )
    assert.deepEqual(left.map(({ status }) => status).sort(), [204, 409])
    const [last] = await loadMembers(store, 'alpha' as TenantId)
    assert.equal(last?.role, 'owner')
    const path = `/v1/tenants/alpha/members/${last?.user.id}`
    assert.equal((await root.call('PATCH', path, { role: 'viewer' })).body.code, 'LAST_OWNER')
    assert.equal((await root.call('DELETE', `/v1/users/${last?.user.id}`)).body.code, 'LAST_OWNER')
    assert.equal((await root.call('DELETE', `${path}?force=yes`)).status, 204)
    assert.deepEqual((await root.call('GET', '/v1/tenants/alpha/members')).body, { members: [], hasOwner: false })
  })

  it("ends a member's tokens and keys with the membership, and not others'", async () => {
    const { store } = api.context
    const owner = await aSignedIn(api, 'own@example.com', { tenant: 'alpha', role: 'owner' })
    const ann = await aSignedIn(api, 'ann@example.com', { tenant: 'alpha', role: 'member' })
    const token = async (by: Browser) =>
      (await by.call('POST', '/v1/tokens', { description: 'ci' })).body.token as string
    const [mine, theirs] = [await token(ann.browser), await token(owner.browser)]
    assert.equal((await ann.browser.call('POST', '/v1/keys', { key: aKey() })).status, 201)
    assert.equal((await api.call(mine, 'GET', '/v1/tenants/alpha')).status, 200)
    const [key] = await loadSshKeys(store)
    const byKey = async () => (await callerByKey(store, key!)).memberships.map(({ role }) => role)
    assert.deepEqual(await byKey(), ['member'])
    await setMember(store, ann.id, 'alpha' as TenantId, 'viewer', { before: 'any', force: false })
    assert.deepEqual(await byKey(), ['viewer'])
    // The right goes with the membership itself, before anything is cleaned up.
    await setMember(store, ann.id, 'alpha' as TenantId, null, { before: 'any', force: false })
    assert.equal((await api.call(mine, 'GET', '/v1/whoami')).status, 401)
    await assert.rejects(byKey(), { code: 'FORBIDDEN' })
    await setMember(store, ann.id, 'alpha' as TenantId, 'member', { before: 'any', force: false })
    assert.equal((await owner.browser.call('DELETE', `/v1/tenants/alpha/members/${ann.id}`)).status, 204)
    await setMember(store, ann.id, 'alpha' as TenantId, 'member', { before: 'any', force: false })
    assert.equal((await api.call(mine, 'GET', '/v1/whoami')).status, 401, 'and does not come back')
    assert.equal((await api.call(theirs, 'GET', '/v1/tenants/alpha')).status, 200)
    assert.deepEqual((await owner.browser.call('GET', '/v1/keys')).body.keys, [])
  })

  it('lets operators make, change and remove accounts, and others none of it', async () => {
    const made = await root.call('POST', '/v1/users', { email: 'Ann@example.com ', operator: true })
    assert.deepEqual([made.status, made.body.email, made.body.password], [201, 'ann@example.com', false])
    assert.equal((await root.call('POST', '/v1/users', { email: 'ann@EXAMPLE.com' })).body.code, 'EMAIL_TAKEN')
    for (const email of ['', 'ann', 'a@b@c', 'ann@exa mple.com', 'ann@example.com\r\nBcc: x', `${'a'.repeat(300)}@x.y`])
      assert.equal((await root.call('POST', '/v1/users', { email })).status, 400, email)
    for (const password of ['short', 'aaaaaaaaaaaa', 'bob@example.com'])
      assert.equal((await root.call('POST', '/v1/users', { email: 'bob@example.com', password })).status, 422, password)
    const link = await root.call('POST', '/v1/users/ann@example.com/login-links', {})
    const ann = aBrowser(api)
    const entered = await ann.call('POST', '/v1/session/once', { code: link.body.code })
    assert.deepEqual([entered.status, entered.body.operator, entered.body.secondFactor], [200, false, 'enrol'])
    assert.equal((await ann.call('GET', '/v1/users')).status, 403)
    const set = await ann.call('POST', '/v1/account/password', { password: PASSWORD })
    assert.deepEqual([set.status, set.body.session.byLink], [200, false])
    assert.equal((await ann.call('POST', '/v1/account/password', { password: `${PASSWORD} 2` })).status, 401)
    assert.equal((await root.call('DELETE', `/v1/users/${made.body.id}`)).status, 204)
    assert.equal((await ann.call('GET', '/v1/session')).status, 401)
    assert.equal((await root.call('GET', `/v1/users/${made.body.id}`)).status, 404)
  })

  it('answers an operator who removes the own account, which ends the session that asks', async () => {
    const { browser, id } = await aSignedIn(api, 'ann@example.com', { operator: true })
    const { secret } = (await browser.call('POST', '/v1/account/totp', {})).body as { secret: string }
    await browser.call('POST', '/v1/account/totp/confirm', { code: codeOf(secret) })
    const { watch } = api.context.identity
    const keep = watch.keep.bind(watch)
    const thereWhenUnwatched: Promise<number>[] = []
    watch.keep = (proof, cut) => {
      const stop = keep(proof, cut)
      return () => {
        thereWhenUnwatched.push(api.context.store.exists(keys.user(id)))
        stop()
      }
    }
    assert.equal((await browser.call('DELETE', `/v1/users/${id}`)).status, 204)
    assert.equal(await thereWhenUnwatched[0], 1, 'from then on nothing cuts the answer off')
    assert.equal((await browser.call('GET', '/v1/session')).status, 401)
  })

  it('ends the other sessions when the password changes, and refuses the old one (C05)', async () => {
    const { browser } = await aSignedIn(api, 'ann@example.com')
    const elsewhere = aBrowser(api)
    await elsewhere.call('POST', '/v1/session', { email: 'ann@example.com', password: PASSWORD })
    assert.equal((await browser.call('GET', '/v1/account/sessions')).body.sessions.length, 2)
    const before = browser.cookies.get('berth')
    const changed = { current: PASSWORD, password: randomBytes(12).toString('hex') }
    assert.equal((await browser.call('POST', '/v1/account/password', changed)).status, 200)
    assert.notEqual(browser.cookies.get('berth'), before)
    assert.equal((await browser.call('GET', '/v1/session')).status, 200)
    assert.equal((await elsewhere.call('GET', '/v1/session')).status, 401)
    browser.cookies.set('berth', before ?? '')
    assert.equal((await browser.call('GET', '/v1/session')).status, 401)
    const old = await aBrowser(api).call('POST', '/v1/session', { email: 'ann@example.com', password: PASSWORD })
    assert.equal(old.status, 401)
  })

  it('lets members of a suspended tenant mind their own account, and change nothing of the tenant', async () => {
    const ann = await aSignedIn(api, 'ann@example.com', { tenant: 'alpha', role: 'owner' })
    await root.call('POST', '/v1/tenants/alpha/suspend', { reason: 'a test' })
    assert.equal((await ann.browser.call('POST', '/v1/apps', { name: 'shop' })).body.code, 'TENANT_SUSPENDED')
    const changed = { current: PASSWORD, password: 'another good password' }
    const kept = await ann.browser.call('POST', '/v1/account/password', changed)
    assert.equal(kept.status, 200, JSON.stringify(kept.body))
    assert.equal((await ann.browser.call('DELETE', '/v1/session')).status, 204)
  })

  it('lets somebody see and end their sessions one by one', async () => {
    const { browser } = await aSignedIn(api, 'ann@example.com')
    const elsewhere = aBrowser(api)
    await elsewhere.call('POST', '/v1/session', { email: 'ann@example.com', password: PASSWORD })
    const { sessions } = (await browser.call('GET', '/v1/account/sessions')).body as {
      sessions: { id: string; current: boolean }[]
    }
    const other = sessions.find(({ current }) => !current)
    const bob = await aSignedIn(api, 'bob@example.com')
    assert.equal((await bob.browser.call('DELETE', `/v1/account/sessions/${other?.id}`)).status, 404)
    assert.equal((await browser.call('DELETE', `/v1/account/sessions/${other?.id}`)).status, 204)
    assert.equal((await elsewhere.call('GET', '/v1/session')).status, 401)
    assert.equal((await browser.call('GET', '/v1/session')).status, 200)
  })
})

function aKey(): string {
  const { publicKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  const field = (bytes: Uint8Array) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(raw)]).toString('base64')} ann@laptop`
}
