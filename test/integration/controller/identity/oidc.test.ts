import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createIdentity } from '../../../../controller/identity/index.ts'
import { createApi } from '../../../../controller/api/server.ts'
import { makeInvitation } from '../../../../controller/identity/invitations.ts'
import type { SessionView } from '#core/contract/identity.ts'
import type { TenantId } from '#core/domain/ids.ts'
import { readConfig } from '#core/runtime/config.ts'
import { findUser } from '#core/store/users.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { aPersonOf } from '../../../helpers/people.ts'

const program = fileURLToPath(new URL('../../../fixtures/oidc/provider.mjs', import.meta.url))

describe('single sign-on', function () {
  this.timeout(60_000)
  let api: TestApi
  let berth: Server
  let url: string
  let provider: ChildProcess
  let issuer: string

  before(async () => {
    api = await startApi()
    await api.member('alpha')
    berth = createServer()
    berth.listen(0, '127.0.0.1')
    await once(berth, 'listening')
    url = `http://127.0.0.1:${(berth.address() as AddressInfo).port}`
    provider = spawn(process.execPath, [program, `${url}/login/oidc/callback`], { stdio: ['ignore', 'pipe', 'ignore'] })
    const lines = createInterface({ input: provider.stdout! })
    ;[issuer = ''] = (await once(lines, 'line')) as string[]
    serve({})
  })
  after(async () => {
    provider.kill()
    berth.close()
    berth.closeAllConnections()
    await api.stop()
  })

  function serve(settings: Record<string, string>): void {
    const config = readConfig({
      BERTH_HOME: api.home,
      BERTH_REDIS_URL: api.redis.url,
      BERTH_CONSOLE_URL: url,
      BERTH_OIDC_ISSUER: issuer,
      BERTH_OIDC_CLIENT_ID: 'berth',
      BERTH_OIDC_CLIENT_SECRET: 'the-client-secret',
      BERTH_OIDC_NAME: 'Example',
      ...settings,
    })
    const context = { ...api.context, config }
    berth.removeAllListeners('request')
    berth.on('request', createApi({ ...context, identity: createIdentity(context) }))
  }

  it('offers it, and lets an invited person in as whom the provider has verified', async () => {
    const methods = await (await fetch(`${url}/v1/session/methods`)).json()
    assert.deepEqual(methods, { password: true, oidc: { name: 'Example', url: '/login/oidc' } })
    const to = { tenantId: 'alpha' as TenantId, role: 'owner' } as const
    await makeInvitation(api.context, { email: 'ann@example.com', to, invitedBy: 'a test' })
    const browser = aBrowser()
    assert.equal(await signOn(browser, 'ann@example.com'), '/')
    const session = await browser.session()
    assert.deepEqual([session.user?.email, session.user?.name], ['ann@example.com', 'Name of ann@example.com'])
    assert.deepEqual([session.operator, session.memberships], [false, [{ tenant: 'alpha', role: 'owner' }]])
    const again = aBrowser()
    assert.equal(await signOn(again, 'ann@example.com'), '/')
    assert.equal((await again.session()).user?.id, session.user?.id)
  })

  it('makes no account of strangers unless that is wanted, and none of an address that is not verified', async () => {
    assert.equal(await signOn(aBrowser(), 'stranger@example.com'), '/login?problem=SIGN_ON_UNKNOWN')
    await aPersonOf(api, 'unverified@example.com')
    assert.equal(await signOn(aBrowser(), 'unverified@example.com'), '/login?problem=SIGN_ON_NO_EMAIL')
    serve({ BERTH_OIDC_CREATE_USERS: 'on' })
    const browser = aBrowser()
    assert.equal(await signOn(browser, 'stranger@example.com'), '/')
    assert.deepEqual((await browser.session()).memberships, [])
    serve({})
  })

  it('gives an operator the platform only if the provider asks for a second factor', async () => {
    await aPersonOf(api, 'root@example.com', { operator: true })
    const weak = aBrowser()
    await signOn(weak, 'root@example.com')
    assert.deepEqual([(await weak.session()).operator, (await weak.session()).secondFactor], [false, 'enrol'])
    serve({ BERTH_OIDC_SECOND_FACTOR: 'on' })
    const strong = aBrowser()
    await signOn(strong, 'root@example.com')
    assert.equal((await strong.session()).operator, true)
    serve({})
  })

  it('takes an answer only in the browser that asked, once, and only with its state', async () => {
    await aPersonOf(api, 'bob@example.com')
    const asked = aBrowser()
    const callback = await authorise(asked, 'bob@example.com')
    const failed = '/login?problem=SIGN_ON_FAILED'
    assert.equal(await aBrowser().visit(callback), failed, 'another browser')
    const forged = new URL(callback)
    forged.searchParams.set('state', 'forged')
    assert.equal(await asked.visit(forged.href), failed, 'another state')
    assert.equal(await asked.visit(callback), '/')
    assert.equal(await asked.visit(callback), failed, 'a second time')
    for (const query of ['code=x', 'error=access_denied', `code=${'x'.repeat(5000)}&state=y`])
      assert.equal(await aBrowser().visit(`${url}/login/oidc/callback?${query}`), failed)
    assert.ok(await findUser(api.context.store, 'bob@example.com'))
  })

  it('says on the sign-in page that the provider cannot be reached', async () => {
    serve({ BERTH_OIDC_ISSUER: 'http://127.0.0.1:1' })
    assert.equal(await aBrowser().visit(`${url}/login/oidc`), '/login?problem=SIGN_ON_FAILED')
    serve({})
  })

  it('refuses settings that make no sense, with their names', () => {
    const wrong: Record<string, string>[] = [
      { BERTH_OIDC_ISSUER: 'http://sso.example.com', BERTH_OIDC_CLIENT_ID: 'x', BERTH_OIDC_CLIENT_SECRET: 'y' },
      { BERTH_OIDC_ISSUER: 'https://sso.example.com', BERTH_OIDC_CLIENT_SECRET: 'y' },
      { BERTH_OIDC_ISSUER: 'https://sso.example.com', BERTH_OIDC_CLIENT_ID: 'x' },
      { BERTH_OIDC_CLIENT_ID: 'x' },
      { BERTH_CONSOLE_URL: 'https://berth.example.com/console' },
      { BERTH_CONSOLE_URL: 'berth.example.com' },
    ]
    for (const env of wrong)
      assert.throws(() => readConfig(env), /BERTH_(OIDC|CONSOLE)_\w+ must be/, JSON.stringify(env))
    const { oidc } = readConfig({
      BERTH_OIDC_ISSUER: 'https://sso.example.com',
      BERTH_OIDC_CLIENT_ID: 'x',
      BERTH_OIDC_CLIENT_SECRET: 'secret',
    })
    assert.deepEqual([oidc?.createsUsers, oidc?.isStrong], [false, false])
  })

  async function signOn(browser: Browser, login: string): Promise<string> {
    return browser.visit(await authorise(browser, login))
  }

  /** Through the provider's own pages. @returns where it sends the browser back to */
  async function authorise(browser: Browser, login: string): Promise<string> {
    let next = await browser.visit(`${url}/login/oidc`)
    for (let steps = 0; steps < 10 && !next.startsWith(`${url}/`); steps++) {
      const at = new URL(next, issuer).href
      next = at.includes('/interaction/') ? await browser.submit(at, login) : await browser.visit(at)
    }
    return next
  }

  type Browser = ReturnType<typeof aBrowser>

  function aBrowser() {
    const jars = new Map<string, Map<string, string>>()
    async function send(at: string, init: RequestInit = {}): Promise<Response> {
      const { origin } = new URL(at)
      const jar = jars.get(origin) ?? new Map<string, string>()
      jars.set(origin, jar)
      const cookie = [...jar].map((pair) => pair.join('=')).join('; ')
      const headers = { ...(init.headers as Record<string, string>), ...(cookie && { cookie }) }
      const response = await fetch(at, { ...init, headers, redirect: 'manual' })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (value === '' || /max-age=0/i.test(line)) jar.delete(name)
        else jar.set(name, value)
      }
      return response
    }
    return {
      visit: async (at: string) => (await send(at)).headers.get('location') ?? '',
      /** Fills in whichever form is there: who one is, or that one agrees. */
      async submit(at: string, login: string) {
        const page = await (await send(at)).text()
        const action = /action="([^"]+)"/.exec(page)?.[1] ?? at
        const prompt = /name="prompt" value="([^"]+)"/.exec(page)?.[1] ?? 'login'
        const body = new URLSearchParams({ prompt, ...(prompt === 'login' ? { login, password: 'any' } : {}) })
        return (await send(new URL(action, at).href, { method: 'POST', body })).headers.get('location') ?? ''
      },
      async session() {
        const response = await send(`${url}/v1/session`, { headers: { 'sec-fetch-site': 'same-origin' } })
        assert.equal(response.status, 200)
        return (await response.json()) as SessionView
      },
    }
  }
})
