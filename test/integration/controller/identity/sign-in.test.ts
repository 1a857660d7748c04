import assert from 'node:assert/strict'
import { argon2Sync } from 'node:crypto'
import type { UserId } from '#core/domain/ids.ts'
import { changeUser, loadPassword, loadUser } from '#core/store/users.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { aBrowser } from '../../../helpers/browser.ts'
import { aPersonOf, aSignedIn, codeOf, PASSWORD } from '../../../helpers/people.ts'

const EMAIL = 'ann@example.com'

describe('signing in', function () {
  this.timeout(120_000)
  let api: TestApi

  beforeEach(async () => {
    api = await startApi({ realHashing: true })
  })
  afterEach(() => api.stop())

  const attempt = (email: string, password: string, headers: Record<string, string> = {}) =>
    api.call(null, 'POST', '/v1/session', { email, password }, headers)

  it('C07 slows guessing down, also at once and with made-up addresses, and lets the owner in elsewhere', async () => {
    await aPersonOf(api, EMAIL)
    const guesses = Array.from({ length: 300 }, (_, index) =>
      attempt(EMAIL, `guess ${index}`, { 'x-forwarded-for': `10.0.${index >> 8}.${index & 255}` }),
    )
    const answers = await Promise.all(guesses)
    const heard = answers.filter(({ status }) => status === 401).length
    assert.ok(heard <= 6, `${heard} of 300 guesses were checked`)
    const refused = answers.find(({ status }) => status === 429)
    assert.equal(refused?.body.code, 'TOO_MANY_ATTEMPTS')
    assert.ok(refused?.body.retryAfterSeconds > 0)
    assert.equal(refused?.headers.get('retry-after'), String(refused?.body.retryAfterSeconds))
    // The right password is not worth more than a guess while it lasts.
    assert.equal((await attempt(EMAIL, PASSWORD)).status, 429)
    const { throttle } = api.context.identity
    await (await throttle.attempt(EMAIL, '192.0.2.7')).forgive()
  })

  it('C07 slows down 2,000 guesses at one account from as many addresses, and one address at many accounts', async () => {
    const { throttle } = api.context.identity
    const passed = async (attempts: [string, string][]) => {
      const outcomes = await Promise.allSettled(attempts.map(([email, address]) => throttle.attempt(email, address)))
      return outcomes.filter(({ status }) => status === 'fulfilled').length
    }
    const many = Array.from({ length: 2_000 }, (_, index) => index)
    assert.ok((await passed(many.map((n) => [EMAIL, `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`]))) <= 31)
    assert.ok((await passed(many.slice(0, 1000).map((n) => [`user${n}@example.com`, '192.0.2.9']))) <= 61)
    const hosts = many.slice(0, 500).map((n): [string, string] => ['bob@example.com', `2001:db8::${n.toString(16)}`])
    assert.ok((await passed(hosts)) <= 6, 'a /64 is one address')
  })

  it('C08 says and takes the same for accounts that do not exist, have no password, or another one', async () => {
    await aPersonOf(api, EMAIL)
    const bare = await aPersonOf(api, 'bare@example.com')
    await api.context.store.hdel(`berth:user:${bare}`, 'password')
    const kinds = { wrong: EMAIL, unknown: 'nobody@example.com', bare: 'bare@example.com', malformed: 'x\u0000@@' }
    const took: Record<string, number[]> = {}
    for (let round = 0; round < 5; round++) {
      for (const [kind, email] of Object.entries(kinds)) {
        const began = performance.now()
        const { status, body } = await attempt(email, 'not the password')
        ;(took[kind] ??= []).push(performance.now() - began)
        assert.deepEqual([status, body.code], [401, 'WRONG_LOGIN'], kind)
        assert.ok(!JSON.stringify(body).includes(email))
      }
    }
    const fastest = Object.values(took).map((times) => Math.min(...times))
    const ratio = Math.max(...fastest) / Math.min(...fastest)
    // Hashing takes some 50 ms and everything else a few: without a decoy this is above ten.
    assert.ok(ratio < 6, `${JSON.stringify(took)}`)
  })

  it('hashes with Argon2id as OWASP asks, and anew when an older hash was weaker', async () => {
    const id = await aPersonOf(api, EMAIL)
    const { store } = api.context
    const strong = await loadPassword(store, id)
    assert.match(strong ?? '', /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    const salt = Buffer.alloc(16, 7)
    const weak = argon2Sync('argon2id', {
      message: PASSWORD,
      nonce: salt,
      memory: 8192,
      passes: 1,
      parallelism: 1,
      tagLength: 32,
    })
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')
    const user = await loadUser(store, id)
    await changeUser(store, user!, { password: `$argon2id$v=19$m=8192,t=1,p=1$${text(salt)}$${text(weak)}` })
    assert.equal((await attempt(EMAIL, PASSWORD)).status, 200)
    assert.match((await loadPassword(store, id)) ?? '', /m=19456,t=2,p=1/)
    assert.equal((await attempt(EMAIL, PASSWORD)).status, 200)
    assert.equal((await attempt(EMAIL, 'x'.repeat(2000))).status, 400)
  })

  it('gives an operator the platform only with a second factor, which no code passes twice', async () => {
    const { browser, id } = await aSignedIn(api, EMAIL, { operator: true })
    assert.equal((await browser.call('GET', '/v1/session')).body.secondFactor, 'enrol')
    assert.equal((await browser.call('GET', '/v1/users')).status, 403)
    const secret = (await browser.call('POST', '/v1/account/totp', {})).body.secret as string
    assert.equal((await browser.call('POST', '/v1/account/totp/confirm', { code: '000000' })).body.code, 'WRONG_TOTP')
    const before = browser.cookies.get('berth')
    const confirmed = await browser.call('POST', '/v1/account/totp/confirm', { code: codeOf(secret) })
    assert.equal(confirmed.body.recoveryCodes.length, 10)
    assert.notEqual(browser.cookies.get('berth'), before, 'C05: more rights, another id')
    assert.equal((await browser.call('GET', '/v1/users')).status, 200)
    assert.equal((await browser.call('POST', '/v1/account/totp', {})).body.code, 'TOTP_IS_ON')
    await sealedAway(id, secret, confirmed.body.recoveryCodes as string[])

    const enter = (totp?: string) =>
      aBrowser(api).call('POST', '/v1/session', { email: EMAIL, password: PASSWORD, ...(totp && { totp }) })
    assert.equal((await enter()).body.code, 'TOTP_REQUIRED')
    assert.equal((await enter(codeOf(secret))).body.code, 'WRONG_TOTP', 'the code that confirmed it')
    const next = codeOf(secret, 1)
    const twice = await Promise.all([enter(next), enter(next)])
    assert.deepEqual(twice.map(({ status }) => status).sort(), [200, 401])
    const [recovery = ''] = confirmed.body.recoveryCodes as string[]
    assert.equal((await enter(` ${recovery.toUpperCase()} `)).body.operator, true)
    assert.equal((await enter(recovery)).body.code, 'WRONG_TOTP')
  })

  it('lets a session that began without a second factor show it later, and end it', async () => {
    const { browser } = await aSignedIn(api, EMAIL, { operator: true })
    const secret = (await browser.call('POST', '/v1/account/totp', {})).body.secret as string
    const { recoveryCodes } = (await browser.call('POST', '/v1/account/totp/confirm', { code: codeOf(secret) })).body
    const link = await browser.call('POST', `/v1/users/${EMAIL}/login-links`, {})
    const byLink = aBrowser(api)
    const entered = await byLink.call('POST', '/v1/session/once', { code: link.body.code })
    assert.deepEqual([entered.body.operator, entered.body.secondFactor], [false, 'show'], 'a link is no second factor')
    assert.equal((await byLink.call('POST', '/v1/session/totp', { code: '000000' })).status, 401)
    assert.equal((await byLink.call('POST', '/v1/session/totp', { code: codeOf(secret, 1) })).body.operator, true)
    const [, second] = recoveryCodes as string[]
    const off = await byLink.call('POST', '/v1/account/totp/disable', { code: second })
    assert.deepEqual([off.status, off.body.operator, off.body.secondFactor], [200, false, 'enrol'])
    assert.equal((await browser.call('GET', '/v1/session')).status, 401)
  })

  it('counts wrong codes like wrong passwords', async () => {
    const { browser } = await aSignedIn(api, EMAIL, { operator: true })
    const secret = (await browser.call('POST', '/v1/account/totp', {})).body.secret as string
    await browser.call('POST', '/v1/account/totp/confirm', { code: codeOf(secret) })
    const guesses = Array.from({ length: 40 }, (_, index) => String(100_000 + index))
    const answers = await Promise.all(
      guesses.map((totp) => api.call(null, 'POST', '/v1/session', { email: EMAIL, password: PASSWORD, totp })),
    )
    assert.ok(answers.filter(({ status }) => status === 401).length <= 6)
  })

  async function sealedAway(id: UserId, secret: string, recovery: string[]): Promise<void> {
    const held = JSON.stringify(await api.context.store.hgetall(`berth:user:${id}`))
    for (const shown of [secret, ...recovery]) assert.ok(!held.includes(shown))
  }
})
