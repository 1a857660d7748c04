/** The console on the whole of Berth, with the real API: what it shows is what happens, and what it does is done. */
import assert from 'node:assert/strict'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { startBrowser } from '#test/helpers/chromium.ts'
import { startWorld, waitFor, type World } from '#test/helpers/world.ts'

/** What there is in the page, where the functions given to evaluate run. */
declare const document: { querySelectorAll(selector: string): { length: number } }

/** Runs nothing, loads nothing, and leads nowhere, wherever it is shown (C09). */
const EVIL = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'

const server = (greeting: string): string => `
const { createServer } = require('node:http')
createServer((request, response) => {
  console.log('asked for ' + decodeURIComponent(request.url) + ' \\u001b[31min red\\u001b[0m')
  response.end(${JSON.stringify(greeting)})
}).listen(process.env.PORT, '0.0.0.0')
process.on('SIGTERM', () => process.exit(0))
`

describe('The console, on a platform that runs', function () {
  this.timeout(120_000)
  let world: World
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const complaints: string[] = []

  before(async function () {
    this.timeout(180_000)
    world = await startWorld({ env: { BERTH_HOST_ID: 'host-a' } })
    browser = await startBrowser()
    ;[context, page] = await newWindow()
  })
  after(async function () {
    this.timeout(90_000)
    await browser?.close()
    await world?.stop()
  })

  /** Somebody's own browser: nobody is signed in there. */
  async function newWindow(): Promise<[BrowserContext, Page]> {
    const one = await browser.newContext({ reducedMotion: 'reduce' })
    const opened = await one.newPage()
    opened.setDefaultTimeout(60_000)
    opened.on('pageerror', (error) => complaints.push(error.message))
    opened.on('console', (message) => {
      // The browser reports each refusal, and each request that broke off: a stream ends with its session, and Chromium ends
      // all there are when an address of the machine comes or goes, as it does with every instance that is started here.
      const expected = /status of (40[0134]|422)|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_NETWORK_CHANGED/
      if (message.type() === 'error' && !expected.test(message.text())) complaints.push(message.text())
    })
    return [one, opened]
  }
  const sees = (text: string | RegExp, where = page) => where.getByText(text).first().waitFor()
  const tab = (name: string, where = page) =>
    where
      .getByRole('navigation', { name: /^Parts of/ })
      .getByRole('link', { name, exact: true })
      .click()
  const state = (text: string | RegExp, where = page) => where.locator('.about').getByText(text).first().waitFor()
  const loginLink = async (person?: string): Promise<string> => {
    const { body } = await world.api(
      'POST',
      person === undefined ? '/v1/login-links' : `/v1/users/${person}/login-links`,
    )
    return (body as { url: string }).url
  }
  /** An account in the tenant of the app, whose browser it is then. */
  const comeIn = async (email: string, role: string): Promise<[id: string, Page]> => {
    const made = await world.api('POST', '/v1/users', { email, password: `a password for ${email}` })
    const { id } = made.body as { id: string }
    const { status } = await world.api('POST', '/v1/tenants/default/members', { email, role })
    assert.equal(status, 201)
    const [, theirs] = await newWindow()
    await theirs.goto(`${world.apiUrl}/apps/shown/scale`)
    await theirs.getByLabel('E-mail').fill(email)
    await theirs.getByLabel('Password').fill(`a password for ${email}`)
    await theirs.keyboard.press('Enter')
    await theirs.getByRole('heading', { name: 'shown' }).waitFor()
    return [id, theirs]
  }

  it('leads from an empty place to a first app that answers, by the one-time link and one click', async () => {
    await page.goto(await loginLink())
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    assert.ok(!page.url().includes('once='), 'the code is in no history')
    await page.getByRole('button', { name: /^Deploy Static site/ }).click()
    await page.getByRole('heading', { name: 'Phases' }).waitFor()
    await state('Succeeded')
    await page.locator('.crumbs a').last().click()
    await state('Running')
    const name = (await page.locator('h1').textContent()) ?? ''
    assert.equal((await world.http(name, '/')).status, 200)
  })

  it('refuses a wrong token with the platform’s own sentence, and lets a right one in', async () => {
    await world.cli(['create', 'shown'])
    const [other, theirs] = await newWindow()
    await theirs.goto(`${world.apiUrl}/apps/shown`)
    await theirs.getByRole('button', { name: 'Use an API token instead' }).click()
    await theirs.getByLabel('API token').fill('berth_wrong_token')
    await theirs.keyboard.press('Enter')
    await sees(/No valid API token/, theirs)
    await theirs.getByLabel('API token').fill(world.token)
    await theirs.keyboard.press('Enter')
    await theirs.getByRole('heading', { name: 'shown' }).waitFor()
    await sees('Not deployed', theirs)
    await other.close()
  })

  it('shows a git push while it happens, from the build’s first line to what runs', async () => {
    await page.goto(`${world.apiUrl}/apps/shown`)
    await page.getByRole('heading', { name: 'shown' }).waitFor()
    const pushing = world.pushApp('shown', 'node-plain', { change: { 'server.js': server('first') }, message: EVIL })
    await page.locator('.list').getByText('Building').or(page.locator('.list').getByText('Rolling out')).first().click()
    await page.getByRole('heading', { name: 'Phases' }).waitFor()
    await sees(/node/i)
    const { code, output } = await pushing
    assert.equal(code, 0, output)
    await state('Succeeded')
    await page.locator('.crumbs').getByRole('link', { name: 'shown' }).click()
    await state('Running')
    await tab('Instances')
    await sees('web.1')
    await page
      .getByText(/^[1-9][\d.]* MiB/)
      .first()
      .waitFor()
  })

  it('scales what runs, and says in the API’s sentence which quota keeps it from more', async () => {
    await tab('Scale')
    await page.getByRole('button', { name: 'One instance of web more' }).click()
    await page.getByRole('button', { name: 'Apply: 2 web' }).click()
    await tab('Instances')
    await page.getByRole('row', { name: /web\.2.*Running/ }).waitFor()
    await tab('Scale')
    await page.getByLabel('Instances of web').fill('900')
    await page.getByRole('button', { name: 'Apply: 900 web' }).click()
    const refusal = (await world.api('PATCH', '/v1/apps/shown/formation', { web: { count: 900 } })).body
    await page
      .getByRole('alert')
      .getByText((refusal as { detail: string }).detail)
      .waitFor()
    assert.match((refusal as { code: string }).code, /QUOTA/)
  })

  it('follows the log of what is asked, filters it, and keeps the filter in the address', async () => {
    await tab('Logs')
    assert.equal((await world.http('shown', `/one?${encodeURIComponent(EVIL)}`)).body, 'first')
    await world.http('shown', '/two')
    await page.locator('.ansi-red', { hasText: 'in red' }).first().waitFor()
    await page.getByLabel('Filter lines').fill('asked for /two')
    await page.waitForFunction(() => document.querySelectorAll('.log-line').length === 1)
    assert.equal(new URL(page.url()).searchParams.get('text'), 'asked for /two')
  })

  it('shows as text whatever a tenant may write, and lets nothing in that is no name (C09)', async () => {
    await world.api('PATCH', '/v1/apps/shown/config', { EVIL })
    for (const [path, body] of [
      ['/v1/apps', { name: EVIL }],
      ['/v1/apps/shown/domains', { address: EVIL }],
      ['/v1/apps/shown/build', { branch: EVIL }],
    ] as const) {
      const { status } = await world.api(path.endsWith('build') ? 'PATCH' : 'POST', path, body)
      assert.ok([400, 422].includes(status), `${path} took it: ${status}`)
    }
    for (const [path, text] of [
      ['/', 'Recent events'],
      ['/apps/shown', 'Release v'],
      ['/apps/shown/releases', 'Compare'],
      ['/apps/shown/logs', 'onerror'],
      ['/apps/shown/config', 'EVIL'],
      ['/apps/shown/events', 'Released'],
      ['/audit', 'config'],
      [`/apps/${encodeURIComponent(EVIL)}`, 'This is not here'],
    ] as const) {
      await page.goto(world.apiUrl + path)
      await sees(text)
      if (path.endsWith('config')) {
        await page.getByRole('button', { name: 'Reveal EVIL' }).click()
        await sees('onerror')
      }
      const found = await page.evaluate(() => ({
        pwned: 'pwned' in globalThis,
        images: document.querySelectorAll('img').length,
        scripts: document.querySelectorAll('script:not([type=module])').length,
      }))
      assert.deepEqual(found, { pwned: false, images: 0, scripts: 0 }, path)
    }
    await page.goto(`${world.apiUrl}/apps/shown/domains`)
    await page.getByPlaceholder('www.example.com').fill(EVIL)
    await page.getByRole('button', { name: 'Add domain' }).click()
    await page.getByRole('alert').waitFor()
  })

  it('rolls back once the name is typed, and what served before serves again', async () => {
    const { code, output } = await world.pushApp('shown', 'node-plain', { change: { 'server.js': server('second') } })
    assert.equal(code, 0, output)
    await page.goto(`${world.apiUrl}/apps/shown/releases`)
    await page.getByRole('row', { name: /^v1 / }).getByRole('button', { name: 'Roll back' }).click()
    await page.getByLabel('Type shown to confirm').fill('shown')
    assert.equal((await world.http('shown', '/')).body, 'second')
    await page.getByRole('button', { name: 'Roll back to v1' }).click()
    await state('Succeeded')
    await waitFor(async () => (await world.http('shown', '/')).body === 'first', {
      timeoutMs: 20_000,
      what: 'the answer of the first release',
    })
  })

  it('runs a command once, and leads from it to what it said', async () => {
    await page.goto(`${world.apiUrl}/apps/shown/jobs`)
    await page.getByRole('button', { name: 'Run a command' }).click()
    await page.getByRole('textbox', { name: 'Command' }).fill('node --version')
    await page.getByRole('button', { name: 'Run it' }).click()
    await page.getByRole('row', { name: /run\.1.*Completed/ }).waitFor()
    await page.getByRole('link', { name: 'run.1' }).click()
    await page
      .locator('.log-line', { hasText: /v22\.\d+/ })
      .first()
      .waitFor()
  })

  it('offers a viewer nothing to change, and shows the API’s refusal to whoever lost a right meanwhile (C02, C03)', async () => {
    const [, theirs] = await comeIn('viewer@example.com', 'viewer')
    const apply = theirs.getByRole('button', { name: /^Apply/ })
    await theirs.getByRole('button', { name: 'One instance of web more' }).click()
    assert.equal(await apply.getAttribute('aria-disabled'), 'true')
    await tab('Settings', theirs)
    await theirs.getByRole('button', { name: 'Destroy' }).click({ force: true })
    assert.equal(await theirs.getByRole('alertdialog').count(), 0)
    await tab('Config', theirs)
    await sees('Config vars are not for viewers', theirs)
    await theirs.goto(`${world.apiUrl}/hosts`)
    await sees('This page is for operators', theirs)
    const statuses = await theirs.evaluate(async () =>
      Promise.all(
        ['restart', 'pause', 'rollback'].map(
          async (act) => (await fetch(`/v1/apps/shown/${act}`, { method: 'POST' })).status,
        ),
      ),
    )
    assert.deepEqual(statuses, [403, 403, 403], 'and the API is of the same mind')
    await theirs.context().close()

    const [id, demoted] = await comeIn('member@example.com', 'member')
    await demoted.getByRole('button', { name: 'One instance of web more' }).click()
    await world.api('PATCH', `/v1/tenants/default/members/${id}`, { role: 'viewer' })
    await demoted.getByRole('button', { name: /^Apply/ }).click()
    await demoted
      .getByRole('alert')
      .getByText(/member of the tenant/)
      .waitFor()

    // C05: a session that ends takes the page with it, and the way back leads to where one was.
    await world.api('DELETE', `/v1/users/${id}/sessions`)
    await tab('Releases', demoted)
    await sees(/Your session has ended/, demoted)
    await demoted.getByLabel('E-mail').fill('member@example.com')
    await demoted.getByLabel('Password').fill('a password for member@example.com')
    await demoted.keyboard.press('Enter')
    await sees('Compare', demoted)
    await demoted.context().close()
  })

  it('drains a host to its end: it says what cannot leave and why, until there is room, and then what moved', async function () {
    this.timeout(300_000)
    await page.goto(`${world.apiUrl}/hosts/host-a`)
    await page.getByRole('button', { name: 'Cordon and drain' }).click()
    await page.getByLabel('Type host-a to confirm').fill('host-a')
    await page.getByRole('button', { name: 'Cordon and drain it' }).click()
    await state(/Draining, 3 left/)
    await sees('No other host takes work: add one, or uncordon one.')

    await world.addHost('host-b')
    // The new host fetches what the apps need first.
    await page.getByText('host-a is drained: nothing runs on it.').waitFor({ timeout: 180_000 })
    await state('Drained')
    assert.equal((await world.http('shown', '/')).body, 'first')
    await page.goto(`${world.apiUrl}/hosts`)
    await page.getByRole('row', { name: /host-b.*Live 3/ }).waitFor()

    await page.goto(`${world.apiUrl}/hosts/host-a`)
    await page.getByRole('button', { name: 'Uncordon' }).click()
    await page.getByRole('button', { name: 'Uncordon it' }).click()
    await state('Live')
  })

  it('shows what the doctor found on a host, and how full its disk is', async function () {
    this.timeout(180_000)
    // A host looks at itself when it has been up for a minute.
    const looked = async () => (await world.api('GET', '/v1/hosts/host-a/doctor')).body as { at: string | null }
    await waitFor(async () => (await looked()).at !== null, { timeoutMs: 90_000, what: 'the doctor' })
    await page.reload()
    await page.getByRole('heading', { name: 'Doctor' }).waitFor()
    await sees(/^looked /)
    await page.getByRole('row', { name: /^Disk .*[\d.]+ GiB of [\d.]+ GiB/ }).waitFor()
  })

  it('signs out for good', async () => {
    await page.getByRole('button', { name: /Account of/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByLabel('E-mail').waitFor()
    assert.equal((await context.request.get(`${world.apiUrl}/v1/session`)).status(), 401)
  })

  it('keeps to its content security policy, and meets no error', () => {
    assert.deepEqual(complaints, [])
  })
})
