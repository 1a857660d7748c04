import assert from 'node:assert/strict'
import type { AppName } from '#core/domain/ids.ts'
import { defaultRouteSettings } from '#core/domain/route.ts'
import { findApp } from '#core/store/apps.ts'
import { startApi, type TestApi } from '#test/helpers/api.ts'
import { matchPassword } from '../../../../router/password.ts'

describe('the terms on which an app is reached', function () {
  this.timeout(20_000)
  let api: TestApi
  let token: string

  before(async () => {
    api = await startApi()
    token = await api.member('ann')
  })
  beforeEach(async () => {
    await api.call(token, 'DELETE', '/v1/apps/shop?confirm=shop')
    await api.call(token, 'POST', '/v1/apps', { name: 'shop' })
  })
  after(() => api.stop())

  const routing = (method: string, body?: unknown) => api.call(token, method, '/v1/apps/shop/routing', body)
  const access = (method: string, body?: unknown) => api.call(token, method, '/v1/apps/shop/access', body)
  const stored = async () => ((await findApp(api.context.store, 'shop' as AppName)) ?? assert.fail()).routing

  it('are what every app has, until they are changed, and what is not named stays', async () => {
    const { access: _access, quota: _quota, ...usual } = defaultRouteSettings
    assert.deepEqual((await routing('GET')).body, usual)
    const wakes = api.wakes
    await routing('PATCH', { bodyLimitBytes: 1024, sticky: true })
    const { body } = await routing('PATCH', { concurrency: { soft: 5, hard: 9 }, forceHttps: true, protocol: 'h2c' })
    const expected = {
      ...usual,
      bodyLimitBytes: 1024,
      sticky: true,
      concurrency: { soft: 5, hard: 9 },
      forceHttps: true,
      protocol: 'h2c',
    }
    assert.deepEqual(body, expected)
    assert.deepEqual(await stored(), { ...expected, access: defaultRouteSettings.access, quota: null })
    assert.equal(api.wakes, wakes + 2)
    assert.equal(api.submitted.length, 0, 'no release is made')
    const { events } = (await api.call(token, 'GET', '/v1/apps/shop/events')).body
    assert.equal(events[0].kind, 'routingChanged')
    assert.match(String(events[0].text), /concurrency is 5:9/)
  })

  it('can be taken back, without opening what keeps people out', async () => {
    await routing('PATCH', { idleMs: 5000, maintenance: true })
    await access('PATCH', { add: ['10.0.0.0/8'] })
    const { body } = await routing('DELETE')
    assert.equal(body.idleMs, defaultRouteSettings.idleMs)
    assert.equal(body.maintenance, true)
    assert.deepEqual((await access('GET')).body.allow, ['10.0.0.0/8'])
    await routing('PATCH', { bodyLimitBytes: 5 })
    assert.equal((await routing('PATCH', { bodyLimitBytes: null })).body.bodyLimitBytes, null)
  })

  it('are refused out of their ranges, with the field and the range', async () => {
    const wrong: [unknown, RegExp][] = [
      [{ bodyLimitBytes: -1 }, /bodyLimitBytes: must be 0 to \d+ bytes/],
      [{ bodyLimitBytes: 1.5 }, /whole number/],
      [{ firstByteMs: 0 }, /firstByteMs: must be 100 to 3600000 milliseconds/],
      [{ idleMs: 1e12 }, /idleMs/],
      [{ concurrency: { soft: 9, hard: 5 } }, /soft limit must not be above/],
      [{ concurrency: { soft: 0, hard: 5 } }, /concurrency\.soft/],
      [{ protocol: 'http3' }, /protocol/],
      [{ sticky: 'yes' }, /sticky/],
      [{ access: { allow: [] } }, /access/],
    ]
    for (const [body, detail] of wrong) {
      const answer = await routing('PATCH', body)
      assert.equal(answer.status, 400, JSON.stringify(body))
      assert.match(String(answer.body.detail), detail)
    }
    assert.deepEqual(await stored(), defaultRouteSettings)
  })

  it('let networks in and out of the list, in any spelling, and never open it by the way', async () => {
    await access('PATCH', { add: ['10.0.0.0/8', '2001:db8::/32', '10.0.0.0/8'] })
    assert.deepEqual((await access('PATCH', { add: ['2001:DB8:0::/32'] })).body.allow, ['10.0.0.0/8', '2001:db8::/32'])
    assert.deepEqual((await access('PATCH', { remove: ['2001:db8:0:0::/32'] })).body.allow, ['10.0.0.0/8'])
    assert.match(String((await access('PATCH', { remove: ['11.0.0.0/8'] })).body.detail), /not in the list/)
    assert.match(String((await access('PATCH', { remove: ['10.0.0.0/8'] })).body.detail), /access:clear/)
    assert.match(String((await access('PATCH', { add: ['10.0.0.1/8'] })).body.detail), /network like/)
    assert.deepEqual((await access('DELETE')).body, { allow: [], users: [] })
  })

  it('C14: keep of a password only a salted digest, and show nothing of it', async () => {
    const users = '/v1/apps/shop/access/users'
    const password = 'correct horse'
    const { status, body } = await api.call(token, 'POST', users, { name: 'ann', password })
    assert.equal(status, 201)
    assert.deepEqual(body, { allow: [], users: ['ann'] })
    await api.call(token, 'POST', users, { name: 'bob', password })
    const [ann = assert.fail(), bob = assert.fail()] = (await stored()).access.users
    assert.equal(matchPassword(ann, password), true)
    assert.equal(matchPassword(ann, 'correct hors'), false)
    assert.notEqual(ann.digest, bob.digest, 'one password of two users is stored in two ways')
    const events = await api.call(token, 'GET', '/v1/apps/shop/events')
    const dump = JSON.stringify([await stored(), events.body, (await access('GET')).body])
    assert.doesNotMatch(dump, /correct/)
    assert.doesNotMatch(JSON.stringify((await access('GET')).body), new RegExp(ann.salt))

    await api.call(token, 'POST', users, { name: 'ann', password: 'another one' })
    assert.equal((await stored()).access.users.length, 2, 'a new password replaces the old')
    assert.equal((await api.call(token, 'DELETE', `${users}/ann`)).status, 204)
    assert.equal((await api.call(token, 'DELETE', `${users}/ann`)).status, 404)
    for (const wrong of [
      { name: 'a:b', password },
      { name: '', password },
      { name: 'ann', password: 'short' },
      { name: 'x', password: 'has\nnewline' },
    ]) {
      const answer = await api.call(token, 'POST', users, wrong)
      assert.equal(answer.status, 400)
      assert.doesNotMatch(JSON.stringify(answer.body), /newline|short"/)
    }
  })
})
