import assert from 'node:assert/strict'
import { findApp } from '#core/store/apps.ts'
import { keys } from '#core/store/keys.ts'
import { beginOnce } from '#core/store/idempotency.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { aBrowser } from '../../../helpers/browser.ts'
import { aPersonOf, PASSWORD } from '../../../helpers/people.ts'
import { liveRelease, storedLayer } from '../../../helpers/releases.ts'

describe('calls with an Idempotency-Key', function () {
  this.timeout(30_000)
  let api: TestApi
  let now: number
  beforeEach(async () => {
    api = await startApi()
    now = Date.now()
    api.context.now = () => now
  })
  afterEach(() => api.stop())

  const post = (path: string, body: unknown, key: string, token = api.operator) =>
    api.call(token, 'POST', `/v1${path}`, body, { 'idempotency-key': key })
  const appNames = async () => {
    const { body } = await api.call(api.operator, 'GET', '/v1/apps')
    return (body.apps as { name: string }[]).map(({ name }) => name)
  }

  it('are done once, and answered alike again', async () => {
    const first = await post('/apps', {}, 'one')
    const again = await post('/apps', {}, '"one"')
    assert.deepEqual([first.status, again.status], [201, 201])
    assert.deepEqual(again.body, first.body)
    assert.equal(again.headers.get('idempotency-replayed'), 'true')
    assert.equal(first.headers.get('idempotency-replayed'), null)
    assert.deepEqual(await appNames(), [first.body.name])
    assert.equal((await post('/apps', {}, 'two')).status, 201)
    assert.equal((await appNames()).length, 2)
  })

  it('are refused with another body, and on another path', async () => {
    await post('/apps', { name: 'shop' }, 'one')
    for (const [path, body] of [
      ['/apps', { name: 'other' }],
      ['/tokens', { name: 'shop' }],
    ] as const) {
      const answer = await post(path, body, 'one')
      assert.deepEqual([answer.status, answer.body.code], [422, 'IDEMPOTENCY_KEY_REUSED'])
    }
    assert.deepEqual(await appNames(), ['shop'])
  })

  it('of another caller are calls of their own (C02)', async () => {
    const [alpha, beta] = [await api.member('alpha'), await api.member('beta')]
    const mine = await post('/apps', {}, 'one', alpha)
    const theirs = await post('/apps', {}, 'one', beta)
    assert.equal(theirs.status, 201)
    assert.notEqual(theirs.body.id, mine.body.id)
    assert.equal(theirs.body.tenant, 'beta')
  })

  it('that nobody in particular makes have no key to be kept under, and are done each time (C02)', async () => {
    const headers = { 'idempotency-key': 'one' }
    const wrong = { email: 'ann@example.com', password: 'wrong horse battery' }
    for (let times = 0; times < 2; times++) {
      const answer = await api.call(null, 'POST', '/v1/session', wrong, headers)
      assert.deepEqual([answer.status, answer.body.code], [401, 'WRONG_LOGIN'])
    }
    await aPersonOf(api, 'ann@example.com')
    const [one, other] = [aBrowser(api), aBrowser(api)]
    for (const browser of [one, other]) {
      const body = { email: 'ann@example.com', password: PASSWORD }
      const answer = await browser.call('POST', '/v1/session', body, headers)
      assert.deepEqual([answer.status, answer.headers.get('idempotency-replayed')], [200, null])
    }
    assert.notEqual(one.cookies.get('berth'), other.cookies.get('berth'))
  })

  it('may be put right and sent again when they were refused', async () => {
    assert.equal((await post('/apps', { name: 'www' }, 'one')).body.code, 'NAME_RESERVED')
    assert.equal((await post('/apps', { name: 'shop' }, 'one')).status, 201)
  })

  it('wait for the first, which is still under way', async () => {
    let finish = () => {}
    const submit = api.context.deploys.submit
    const begun = new Promise<void>((resolve) => {
      api.context.deploys.submit = async (request) => {
        resolve()
        await new Promise<void>((done) => (finish = done))
        return submit(request)
      }
    })
    await post('/apps', { name: 'shop' }, 'make')
    // A release to go back to is what makes the rollback slow here.
    const app = await findApp(api.context.store, 'shop' as never)
    assert.ok(app)
    for (const text of ['one', 'two'])
      await liveRelease(api.context, app, [await storedLayer(api.context, Buffer.from(text))])
    const first = post('/apps/shop/rollback', {}, 'back')
    await begun
    const second = await post('/apps/shop/rollback', {}, 'back')
    assert.deepEqual([second.status, second.body.code], [409, 'CALL_UNDER_WAY'])
    assert.equal(second.headers.get('retry-after'), '2')
    finish()
    const { body } = await first
    assert.deepEqual((await post('/apps/shop/rollback', {}, 'back')).body, body)
    assert.equal(api.submitted.length, 1)
  })

  it('say that nobody knows what came of the first when its controller was killed in the middle', async () => {
    const made = await post('/apps', { name: 'shop' }, 'one')
    assert.equal(made.status, 201)
    // What a controller that is killed leaves: the state of before the call was done.
    const [slotKey] = await api.context.store.keys(keys.once('*'))
    assert.ok(slotKey)
    const [, , slot = ''] = slotKey.split(':')
    const sealed = (await api.context.store.get(slotKey)) ?? ''
    const open = api.context.sealer.open('idempotency' as never, slot, sealed)
    const cutOff = { ...(JSON.parse(open) as object), until: now + 15_000, answer: null }
    await api.context.store.set(
      slotKey,
      api.context.sealer.seal('idempotency' as never, slot, JSON.stringify(cutOff)),
      'KEEPTTL',
    )
    assert.equal((await post('/apps', { name: 'shop' }, 'one')).body.code, 'CALL_UNDER_WAY')
    now += 16_000
    const answer = await post('/apps', { name: 'shop' }, 'one')
    assert.deepEqual([answer.status, answer.body.code], [409, 'OUTCOME_UNKNOWN'])
  })

  it('leave no secret readable in the store (C14)', async () => {
    const { body } = await post('/tokens', { description: 'mine' }, 'one')
    const again = await post('/tokens', { description: 'mine' }, 'one')
    assert.equal(again.body.token, body.token)
    for (const key of await api.context.store.keys(keys.once('*')))
      assert.equal(((await api.context.store.get(key)) ?? '').includes(String(body.token)), false)
  })

  it('are forgotten after a day, and the oldest before that when there are too many', async () => {
    await post('/apps', {}, 'one')
    const [slotKey = ''] = await api.context.store.keys(keys.once('*'))
    const leftMs = await api.context.store.pttl(slotKey)
    assert.ok(leftMs > 23 * 3600_000 && leftMs <= 24 * 3600_000)
    for (let n = 0; n < 1003; n++) await beginOnce(api.context.store, 'caller', `slot${n}`, '', now + n)
    const kept = await api.context.store.exists(keys.once('slot2'), keys.once('slot3'), keys.once('slot1002'))
    assert.equal(kept, 2)
    assert.equal(await api.context.store.zcard(keys.onceOf('caller')), 1000)
  })

  it('refuse what cannot be a key', async () => {
    for (const key of ['', 'a b', 'x'.repeat(201)]) {
      const answer = await post('/apps', {}, key)
      assert.deepEqual([answer.status, answer.body.code], [400, 'IDEMPOTENCY_KEY_REFUSED'], key)
    }
    assert.deepEqual(await appNames(), [])
  })
})
