import assert from 'node:assert/strict'
import { mintLoginCode } from '../../../../controller/identity/sessions.ts'
import { sleep } from '#core/runtime/clock.ts'
import { removeSessionsOf } from '#core/store/sessions.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { aBrowser } from '../../../helpers/browser.ts'
import { aPersonOf, aSignedIn, PASSWORD, theOperator } from '../../../helpers/people.ts'

describe('sessions', function () {
  this.timeout(30_000)
  let api: TestApi

  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.stop())

  it('lets somebody in by e-mail address and password, and out again', async () => {
    const id = await aPersonOf(api, 'ann@example.com', { tenant: 'alpha', role: 'owner' })
    const browser = aBrowser(api)
    const entered = await browser.call('POST', '/v1/session', { email: ' Ann@Example.com', password: PASSWORD })
    assert.equal(entered.status, 200)
    assert.deepEqual(entered.body.user, { id, email: 'ann@example.com', name: 'ann@example.com' })
    assert.deepEqual(entered.body.memberships, [{ tenant: 'alpha', role: 'owner' }])
    assert.equal(entered.body.operator, false)
    assert.equal((await browser.call('POST', '/v1/apps', { name: 'shop' })).status, 201)
    assert.deepEqual((await browser.call('GET', '/v1/session')).body, entered.body)
    const kept = new Map(browser.cookies)
    assert.equal((await browser.call('DELETE', '/v1/session')).status, 204)
    assert.equal(browser.cookies.size, 0)
    for (const [name, value] of kept) browser.cookies.set(name, value)
    assert.equal((await browser.call('GET', '/v1/session')).status, 401, 'C05: replay after logout')
  })

  it('lets the operator in by a login link, once', async () => {
    const { code } = await mintLoginCode(api.context, null, 'a test')
    const browser = aBrowser(api)
    const entered = await browser.call('POST', '/v1/session/once', { code })
    assert.deepEqual([entered.status, entered.body.user, entered.body.operator], [200, null, true])
    assert.equal((await browser.call('GET', '/v1/tenants')).status, 200)
    const again = await aBrowser(api).call('POST', '/v1/session/once', { code })
    assert.deepEqual([again.status, again.body.code], [401, 'CODE_NOT_VALID'])
  })

  it('C05 never goes on with an id that the browser brought', async () => {
    await aPersonOf(api, 'ann@example.com')
    const browser = aBrowser(api)
    browser.cookies.set('berth', 'planted-planted-planted-planted-planted-0000')
    await browser.call('POST', '/v1/session', { email: 'ann@example.com', password: PASSWORD })
    const first = browser.cookies.get('berth')
    assert.doesNotMatch(first ?? '', /planted/)
    await browser.call('POST', '/v1/session', { email: 'ann@example.com', password: PASSWORD })
    assert.notEqual(browser.cookies.get('berth'), first)
  })

  it('answers a call that ends the session it came by, however long that takes', async () => {
    const { id, browser } = await aSignedIn(api, 'ann@example.com')
    const { passwords } = api.context.identity
    const hash = passwords.hash.bind(passwords)
    passwords.hash = async (password) => {
      await removeSessionsOf(api.context.store, id)
      // Longer than it takes to notice that the session is gone.
      await sleep(1_500)
      return hash(password)
    }
    const body = { current: PASSWORD, password: 'battery staple correct' }
    assert.equal((await browser.call('POST', '/v1/account/password', body)).status, 200)
    assert.equal((await browser.call('GET', '/v1/session')).status, 200)
  })

  it('keeps the id out of the store, and marks the cookie for the server alone', async () => {
    const browser = await theOperator(api)
    const id = browser.cookies.get('berth') ?? ''
    assert.ok(id.length >= 43)
    const { store } = api.context
    for (const key of await store.keys('*')) {
      const kind = await store.type(key)
      const held = kind === 'string' ? await store.get(key) : kind === 'set' ? await store.smembers(key) : ''
      assert.ok(!`${key} ${String(held)}`.includes(id), key)
    }
    const { code } = await mintLoginCode(api.context, null, 'a test')
    const { headers } = await api.call(null, 'POST', '/v1/session/once', { code })
    assert.match(headers.getSetCookie()[0] ?? '', /^berth=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
  })

  it('C06 counts a cookie only for requests that prove to come from a page of its own', async () => {
    const { browser } = await aSignedIn(api, 'ann@example.com', { tenant: 'alpha' })
    const host = new URL(api.url).host
    const make = (headers: Record<string, string>, body: unknown = { name: 'evil' }) =>
      browser.call('POST', '/v1/apps', body, headers)
    const sites: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'cross-site', origin: `http://${host}` },
    ]
    for (const headers of sites) assert.equal((await make(headers)).status, 401, JSON.stringify(headers))
    const cookie = `berth=${browser.cookies.get('berth')}`
    const older = (headers: Record<string, string>) =>
      api.call(null, 'POST', '/v1/apps', { name: 'fine' }, { cookie, ...headers })
    for (const origin of ['http://shop.localhost', 'null', 'http://evil.example', `http://${host}.evil.example`])
      assert.equal((await older({ origin })).status, 401, origin)
    assert.equal((await older({})).status, 401, 'nothing proves where it is from')
    assert.equal((await older({ origin: `http://${host}` })).status, 201)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      assert.equal((await make({ 'content-type': type }, '{"name":"evil"}')).status, 415, type)
    const override = await browser.call(
      'POST',
      '/v1/apps/fine?_method=DELETE&confirm=fine',
      {},
      {
        'x-http-method-override': 'DELETE',
        'x-http-method': 'DELETE',
        'x-method-override': 'DELETE',
      },
    )
    assert.equal(override.status, 405)
    assert.equal((await browser.call('GET', '/v1/apps/fine')).status, 200)
  })

  it('C06 signs nobody in for a page of another site, nor at an address that is not ours', async () => {
    await aPersonOf(api, 'ann@example.com')
    const login = { email: 'ann@example.com', password: PASSWORD }
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
      const { status, headers: answered } = await api.call(null, 'POST', '/v1/session', login, headers)
      assert.deepEqual([status, answered.getSetCookie()], [403, []])
    }
  })

  it('does not take cookies for git, nor for /metrics of others', async () => {
    const { browser } = await aSignedIn(api, 'ann@example.com', { tenant: 'alpha' })
    assert.equal((await browser.call('GET', '/git/shop.git/info/refs?service=git-upload-pack')).status, 401)
    assert.equal((await browser.call('GET', '/metrics')).status, 403)
  })
})
