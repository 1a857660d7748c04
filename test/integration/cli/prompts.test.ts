import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AppName } from '#core/domain/ids.ts'
import { findApp } from '#core/store/apps.ts'
import { startApi, type TestApi } from '#test/helpers/api.ts'
import { aBrowser } from '#test/helpers/browser.ts'
import { aPersonOf, aSignedIn, codeOf, PASSWORD } from '#test/helpers/people.ts'
import { inTerminal, type Step } from '#test/helpers/terminal.ts'
import { launcher } from './harness.ts'

const ANN = 'ann@example.com'
const NEW = 'a battery that is new'

describe('berth, at a terminal', function () {
  this.timeout(120_000)
  let api: TestApi
  let home: string

  before(async () => {
    api = await startApi()
    home = await mkdtemp(join(tmpdir(), 'berth-prompts-'))
    await aPersonOf(api, ANN, { tenant: 'alpha', role: 'owner' })
  })
  after(async () => {
    await api?.stop()
    await rm(home, { recursive: true, force: true })
  })

  const env = () => ({ PATH: process.env['PATH'], HOME: home, TERM: 'dumb', NO_COLOR: '1' })
  const type = (argv: string[], steps: Step[]) => inTerminal([launcher, ...argv], steps, env())
  const saved = async () =>
    JSON.parse(await readFile(join(home, '.config/berth/credentials.json'), 'utf8')) as {
      apiUrl: string
      token: string
    }

  it('logs in with a password that it does not show, and says so when it is wrong', async () => {
    const login = ['login', '--api-url', api.url, '--email', ANN]
    const wrong = await type(login, [['(not shown): ', 'not my password\r']])
    assert.equal(wrong.code, 3, wrong.shown)
    const { shown, code } = await type(login, [['(not shown): ', `${PASSWORD}\r`]])
    assert.equal(code, 0, shown)
    assert.match(shown, /Password of ann@example\.com \(not shown\): \r\n/)
    for (const secret of [PASSWORD, 'not my password']) assert.ok(!(shown + wrong.shown).includes(secret))
    assert.match(shown, /Logged in to .* \(owner of alpha, until /)
    assert.equal((await saved()).apiUrl, api.url)
  })

  it('asks for what was not said: the API, the token; and ends at Ctrl-C', async () => {
    const asked = await type(
      ['login'],
      [
        ['API URL [', `${api.url}\r`],
        ['Token (not shown): ', `${api.operator}\r`],
      ],
    )
    assert.equal(asked.code, 0, asked.shown)
    assert.ok(!asked.shown.includes(api.operator), 'C14')
    const left = await type(['login', '--api-url', api.url], [['Token (not shown): ', '\x03']])
    assert.notEqual(left.code, 0)
    assert.equal((await saved()).token, api.operator, 'what was there stays')
  })

  it('asks for the second factor where there is one, and takes each code once', async () => {
    const { browser } = await aSignedIn(api, 'bea@example.com', { tenant: 'alpha' })
    const { secret } = (await browser.call('POST', '/v1/account/totp', {})).body as { secret: string }
    await browser.call('POST', '/v1/account/totp/confirm', { code: codeOf(secret) })
    const login = (code: string) =>
      type(
        ['login', '--api-url', api.url, '--email', 'bea@example.com'],
        [
          ['(not shown): ', `${PASSWORD}\r`],
          ['Code of your authenticator app: ', `${code}\r`],
        ],
      )
    const code = codeOf(secret, 1)
    assert.equal((await login(code)).code, 0)
    const again = await login(code)
    assert.equal(again.code, 3, again.shown)
  })

  it('sets an authenticator app up only when it shows the right code', async () => {
    await type(['login', '--api-url', api.url, '--email', ANN], [['(not shown): ', `${PASSWORD}\r`]])
    const { shown, code } = await type(
      ['account:totp'],
      [
        ['(not shown): ', `${PASSWORD}\r`],
        ['The code that it shows: ', '000000\r'],
      ],
    )
    assert.match(shown, /otpauth:\/\/totp\//)
    assert.match(shown, /WRONG_TOTP/)
    assert.notEqual(code, 0)
    const { status } = await aBrowser(api).call('POST', '/v1/session', { email: ANN, password: PASSWORD })
    assert.equal(status, 200, 'no second factor is asked for')
  })

  it('has a new password typed twice, and changes nothing when the two differ', async () => {
    const change = (once: string, again: string) =>
      type(
        ['account:password'],
        [
          [`Password of ${ANN} (not shown): `, `${PASSWORD}\r`],
          ['New password (not shown): ', `${once}\r`],
          ['Once more: ', `${again}\r`],
        ],
      )
    const differ = await change(NEW, `${NEW}!`)
    assert.equal(differ.code, 1, differ.shown)
    assert.match(differ.shown, /two different passwords\. Nothing was changed/)
    const { code, shown } = await change(NEW, NEW)
    assert.equal(code, 0, shown)
    assert.ok(!(shown + differ.shown).includes(NEW))
    const { status } = await aBrowser(api).call('POST', '/v1/session', { email: ANN, password: NEW })
    assert.equal(status, 200)
  })

  it('destroys an app only when its name is typed', async () => {
    await type(['login', '--api-url', api.url, '--token', api.operator], [])
    await api.call(api.operator, 'POST', '/v1/apps', { name: 'shop', tenant: 'alpha' })
    const destroy = (typed: string) => type(['apps:destroy', 'shop'], [['type shop: ', `${typed}\r`]])
    const wrong = await destroy('yes')
    assert.equal(wrong.code, 1, wrong.shown)
    assert.match(wrong.shown, /Nothing was destroyed/)
    assert.ok(await findApp(api.context.store, 'shop' as AppName))
    const { code, shown } = await destroy('shop')
    assert.equal(code, 0, shown)
    assert.equal(await findApp(api.context.store, 'shop' as AppName), null)
  })
})
