import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createIdentity } from '../../../../controller/identity/index.ts'
import { createApi } from '../../../../controller/api/server.ts'
import type { Role } from '#core/domain/access.ts'
import type { TenantId, TokenId } from '#core/domain/ids.ts'
import { loadToken } from '#core/store/tokens.ts'
import { setMember } from '#core/store/users.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { aSignedIn } from '../../../helpers/people.ts'
import { anAppOf, aToken } from '../../../helpers/tokens.ts'

describe('API tokens', function () {
  this.timeout(60_000)
  let api: TestApi

  beforeEach(async () => {
    api = await startApi()
    await api.member('alpha')
  })
  afterEach(() => api.stop())

  const made = async (by: string, wish: object) => {
    const { status, body } = await api.call(by, 'POST', '/v1/tokens', { description: 'a test', ...wish })
    return { status, body, token: String(body.token), id: String(body.id) }
  }

  it('C04 keeps a token of one app to that app', async () => {
    await anAppOf(api, 'alpha', 'shop')
    await anAppOf(api, 'alpha', 'blog')
    const owner = await aToken(api, { tenant: 'alpha', role: 'owner' })
    const { body, token } = await made(owner, { app: 'shop' })
    assert.deepEqual([body.app, body.tenant, body.role], ['shop', 'alpha', 'owner'])
    assert.equal((await api.call(token, 'DELETE', '/v1/apps/shop/build-cache')).status, 204)
    for (const [method, path] of [
      ['GET', '/v1/apps/blog'],
      ['GET', '/v1/apps/blog/logs'],
      ['PATCH', '/v1/apps/blog/config'],
      ['DELETE', '/v1/apps/blog?confirm=blog'],
    ] as const)
      assert.equal((await api.call(token, method, path, method === 'PATCH' ? {} : undefined)).status, 404, path)
    assert.deepEqual((await api.call(token, 'GET', '/v1/apps')).body.apps.length, 1)
    assert.equal((await api.call(token, 'POST', '/v1/apps', { name: 'more' })).status, 403)
    assert.equal((await made(token, {})).status, 403)
    assert.equal((await api.call(token, 'GET', '/v1/whoami')).body.app, 'shop')
  })

  it('never lets a token reach further than its maker, in role, in app or in time', async () => {
    await anAppOf(api, 'alpha', 'shop')
    await api.member('beta')
    await anAppOf(api, 'beta', 'far')
    const roles: Role[] = ['viewer', 'member', 'owner']
    const member = await aToken(api, { tenant: 'alpha', role: 'member', expiresAt: Date.now() + 3600_000 })
    for (const role of roles) {
      const { body } = await made(member, { role, expiresInSeconds: 86_400 })
      assert.equal(body.role, role === 'viewer' ? 'viewer' : 'member')
      assert.ok(Date.parse(String(body.expiresAt)) <= Date.now() + 3600_000)
    }
    assert.ok(Date.parse((await made(member, {})).body.expiresAt as string) <= Date.now() + 3600_000)
    assert.equal((await made(member, { app: 'far' })).status, 404)
    assert.equal((await made(member, { account: true })).status, 403)
    assert.equal((await made(await aToken(api, { tenant: 'alpha', role: 'viewer' }), {})).status, 403)
    assert.equal((await made(await aToken(api, { tenant: 'alpha', readOnly: true }), {})).status, 403)
    const ann = await aSignedIn(api, 'ann@example.com', { tenant: 'alpha', role: 'viewer' })
    const own = await ann.browser.call('POST', '/v1/tokens', { description: 'mine', role: 'owner', account: true })
    assert.equal(own.status, 201)
    const who = await api.call(String(own.body.token), 'GET', '/v1/whoami')
    assert.deepEqual(who.body.memberships, [{ tenant: 'alpha', role: 'viewer' }])
    await setMember(api.context.store, ann.id, 'alpha' as TenantId, 'owner', { before: 'any', force: false })
    const raised = await api.call(String(own.body.token), 'GET', '/v1/whoami')
    assert.deepEqual(raised.body.memberships, [{ tenant: 'alpha', role: 'owner' }], 'as far as its user')
  })

  it('shows each to those whom it concerns, with when it was last used', async () => {
    const ann = await aSignedIn(api, 'ann@example.com', { tenant: 'alpha', role: 'member' })
    const bob = await aSignedIn(api, 'bob@example.com', { tenant: 'alpha', role: 'member' })
    const { body } = await ann.browser.call('POST', '/v1/tokens', { description: 'ci', expiresInSeconds: 3600 })
    assert.equal((await loadToken(api.context.store, body.id as TokenId))?.lastUsedAt, null)
    await api.call(String(body.token), 'GET', '/v1/whoami')
    const [listed] = (await ann.browser.call('GET', '/v1/tokens')).body.tokens as [{ id: string; lastUsedAt: string }]
    assert.equal(listed.id, body.id)
    assert.ok(Date.now() - Date.parse(listed.lastUsedAt) < 60_000)
    assert.deepEqual((await bob.browser.call('GET', '/v1/tokens')).body.tokens, [])
    assert.equal((await bob.browser.call('DELETE', `/v1/tokens/${body.id}`)).status, 404)
    const owner = await aSignedIn(api, 'own@example.com', { tenant: 'alpha', role: 'owner' })
    assert.equal((await owner.browser.call('DELETE', `/v1/tokens/${body.id}`)).status, 204)
    assert.equal((await api.call(String(body.token), 'GET', '/v1/whoami')).status, 401)
  })

  it('forgets expired tokens when their owner makes another, and keeps what one may have within bounds', async () => {
    const owner = await aToken(api, { tenant: 'alpha', role: 'owner' })
    for (let count = 0; count < 250; count++) await aToken(api, { tenant: 'alpha', expiresAt: Date.now() - 1 })
    assert.equal((await made(owner, {})).status, 201)
    assert.equal((await api.call(owner, 'GET', '/v1/tokens')).body.tokens.length, 3)
    for (let count = 0; count < 200; count++) await aToken(api, { tenant: 'alpha' })
    assert.equal((await made(owner, {})).body.code, 'TOO_MANY')
  })

  it('cuts off what a token or a session opened when it ends', async () => {
    await anAppOf(api, 'alpha', 'shop')
    const owner = await aToken(api, { tenant: 'alpha', role: 'owner' })
    const { token, id } = await made(owner, {})
    const lasting = await follow(owner)
    const cut = await follow(token)
    await api.call(owner, 'DELETE', `/v1/tokens/${id}`)
    await ended(cut)
    assert.equal(lasting.isOver(), false)
    lasting.leave()
    const ann = await aSignedIn(api, 'ann@example.com', { tenant: 'alpha', role: 'member' })
    const watched = await follow(null, {
      cookie: `berth=${ann.browser.cookies.get('berth')}`,
      'sec-fetch-site': 'same-origin',
    })
    await setMember(api.context.store, ann.id, 'alpha' as TenantId, null, { before: 'any', force: true })
    await ended(watched)
  })

  it('G08 answers many wrong tokens of one address with 429, and good ones as ever', async () => {
    const { context } = api
    const server = createServer(createApi({ ...context, identity: createIdentity(context) }))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/whoami`
    const ask = async (token: string) => {
      const response = await fetch(url, {
        headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': '10.9.8.7' },
      })
      return { status: response.status, retry: response.headers.get('retry-after'), body: await response.text() }
    }
    const wrong = await Promise.all(Array.from({ length: 100 }, (_, index) => ask(`wrong${index}`)))
    assert.deepEqual([wrong.filter(({ status }) => status === 401).length, wrong.at(-1)?.status], [60, 429])
    assert.ok(Number(wrong.at(-1)?.retry) > 0)
    assert.equal((await ask(api.operator)).status, 200)
    server.close()
    server.closeAllConnections()
  })

  async function follow(token: string | null, headers: Record<string, string> = {}) {
    const leaving = new AbortController()
    const response = await fetch(`${api.url}/v1/apps/shop/logs?tail=true`, {
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
      signal: leaving.signal,
    })
    assert.equal(response.status, 200)
    let over = false
    const end = response.text().then(
      () => (over = true),
      () => (over = true),
    )
    return { end, isOver: () => over, leave: () => leaving.abort() }
  }

  async function ended({ end }: { end: Promise<unknown> }): Promise<void> {
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error('it goes on')), 10_000).unref())
    await Promise.race([end, late])
  }
})
