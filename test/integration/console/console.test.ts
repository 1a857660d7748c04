/** The console in a real Chromium, on a simulated API that says what a real platform cannot be made to say. */
import assert from 'node:assert/strict'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { startBrowser } from '#test/helpers/chromium.ts'
import { endDeploy } from '../../helpers/simulated-api/app-routes.ts'
import { addIncidents } from '../../helpers/simulated-api/incidents.ts'
import { member, operator, startSimulatedApi, viewer, type SimulatedApi } from '../../helpers/simulated-api/index.ts'
import { makePlace } from '../../helpers/simulated-api/place.ts'
import type { Somebody } from '../../helpers/simulated-api/sessions.ts'

/** What there is in the page, where the functions given to evaluate run. */
declare const document: { querySelectorAll(selector: string): { length: number } }
declare const history: { pushState(state: unknown, title: string, to: string): void }

describe('The console, in a browser', function () {
  this.timeout(60_000)
  let browser: Browser
  let api: SimulatedApi
  let context: BrowserContext
  let page: Page
  let complaints: string[] = []

  // One page for all, which keeps its process and the console's files: to load them anew is most of what a case would take.
  before(async () => {
    browser = await startBrowser()
    context = await browser.newContext({ reducedMotion: 'reduce', viewport: { width: 1100, height: 700 } })
    page = await context.newPage()
    page.setDefaultTimeout(20_000)
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 40[13]/.test(message.text())) complaints.push(message.text())
    })
  })
  after(() => browser?.close())

  let port = 0
  beforeEach(async () => {
    const place = makePlace(Date.now())
    addIncidents(place)
    api = await startSimulatedApi(place, port)
    port = Number(new URL(api.url).port)
    await context.clearCookies()
    complaints = []
  })
  afterEach(async () => {
    await context.setOffline(false)
    // The console is left, so that it follows nobody and complains of nothing; its origin is not.
    await page.goto(`${api.url}/assets/none`)
    await api.stop()
  })

  const signIn = async ({ email, password }: Somebody): Promise<void> => {
    const answer = await context.request.post(`${api.url}/v1/session`, { data: { email, password } })
    assert.equal(answer.status(), 200)
  }
  const open = async (path: string, who: Somebody = operator): Promise<void> => {
    await signIn(who)
    await page.goto(api.url + path)
  }
  /** As a link does it, without loading the page again. */
  const go = (path: string): Promise<void> => page.evaluate((to) => history.pushState(null, '', to), path)
  const sees = (text: string | RegExp) => page.getByText(text).first().waitFor()

  it('lets somebody in by password and code, on the page that they asked for, and out again', async () => {
    api.people.known = [{ ...operator, totp: '123456' }]
    await page.goto(`${api.url}/apps/shop/releases`)
    await page.getByLabel('E-mail').fill(operator.email)
    await page.getByLabel('Password').fill('wrong')
    await page.keyboard.press('Enter')
    await sees(/are not those of an account/)
    await page.getByLabel('Password').fill(operator.password)
    await page.keyboard.press('Enter')
    await page.getByLabel('Code from your authenticator').fill('123456')
    await page.keyboard.press('Enter')
    await sees('Compare')
    await page.getByRole('button', { name: /Account of/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByLabel('E-mail').waitFor()
    await page.reload()
    await page.getByLabel('E-mail').waitFor()
    assert.equal(api.people.sessions.size, 0)
    assert.deepEqual(complaints, [])
  })

  it('lets somebody in by a link that works once, and keeps its code out of the history', async () => {
    await page.goto(`${api.url}/login?once=once-operator`)
    await sees('Needs attention')
    assert.equal(new URL(page.url()).search, '')
    await context.clearCookies()
    await page.goto(`${api.url}/login?once=once-operator`)
    await sees(/This login link is not valid/)
  })

  it('lets somebody in by a token, which it keeps nowhere', async () => {
    await page.goto(api.url)
    await page.getByRole('button', { name: 'Use an API token instead' }).click()
    await page.getByLabel('API token').fill(operator.email)
    await page.keyboard.press('Enter')
    await sees('Needs attention')
    const kept = await page.evaluate(() => JSON.stringify([globalThis.localStorage, globalThis.sessionStorage]))
    assert.ok(!kept.includes(operator.email), kept)
    await page.reload()
    await page.getByLabel('E-mail').waitFor()
  })

  it('shows what changes as it changes, and is right again after the stream broke off', async () => {
    await open('/hosts/fra-1')
    await sees('Live')
    const host = api.place.hosts.find(({ id }) => id === 'fra-1')
    assert.ok(host)
    api.tell('hosts', [{ ...host, live: false }])
    await page.locator('.about').getByText('Lost').waitFor()

    // While nobody hears it, the host comes back and another goes.
    host.live = true
    api.place.hosts = api.place.hosts.filter(({ id }) => id !== 'zrh-1')
    api.live.cut()
    await page.locator('.about').getByText('Live').waitFor()
    await page.getByRole('link', { name: 'Hosts' }).first().click()
    await sees('fra-2')
    assert.equal(await page.getByText('zrh-1').count(), 0)
    assert.equal(api.live.followers(), 1)
  })

  it('says when it is not live, and is by itself again', async () => {
    await open('/apps')
    await page.getByRole('status').getByText('Live').waitFor()
    await context.setOffline(true)
    api.live.cut()
    await sees(/The connection is lost/)
    await context.setOffline(false)
    await page.getByRole('status').getByText('Live').waitFor()
    assert.equal(await page.getByText(/The connection is lost/).count(), 0)
  })

  it('scales, and tells in the API’s words why it may not be more', async () => {
    await open('/apps/blog/scale')
    await page.getByRole('button', { name: 'One instance of web more' }).click()
    await page.getByRole('button', { name: 'Apply: 2 web' }).click()
    await sees('blog is brought to its new formation.')
    assert.ok(api.asked.includes('PATCH /apps/blog/formation {"web":{"count":2}}'), api.asked.join('\n'))
    await page.getByLabel('Instances of web').fill('90')
    await page.getByRole('button', { name: 'Apply: 90 web' }).click()
    await sees('saltmarsh may have 50 instances by its plan, and would have 90.')
    await page.getByRole('link', { name: 'Instances', exact: true }).click()
    await sees('web.2')
  })

  it('rolls back only when the name is typed, and follows the deploy to its end', async () => {
    await open('/apps/shop/releases')
    await page.getByRole('row', { name: /^v47/ }).getByRole('button', { name: 'Roll back' }).click()
    const confirm = page.getByRole('button', { name: 'Roll back to v47' })
    assert.equal(await confirm.isDisabled(), true)
    await page.getByLabel('Type shop to confirm').fill('sho')
    assert.equal(await confirm.isDisabled(), true)
    await page.keyboard.press('Enter')
    assert.ok(!api.asked.some((line) => line.includes('rollback')))
    await page.getByLabel('Type shop to confirm').fill('shop')
    await confirm.click()
    await page.getByRole('heading', { name: 'Roll back to v47' }).waitFor()
    await page.locator('.about').getByText('Rolling out').waitFor()
    assert.ok(api.asked.includes('POST /apps/shop/rollback {"release":47}'))
    await sees('Source received: 214 files, 1.4 MiB')
    const deploy = api.place.deploys.at(-1)
    assert.ok(deploy)
    endDeploy(api, deploy.id, { state: 'succeeded', phases: [{ name: 'rollout', ms: 1200 }] })
    await page.locator('.about').getByText('Succeeded').waitFor()
    await sees('1.2 s')
  })

  it('follows a log, filters it, and holds it still', async () => {
    for (let n = 0; n < 3000; n++) api.log('shop', `line ${n} of many`)
    await open('/apps/shop/logs')
    await sees('line 2999 of many')
    const drawn = await page.locator('.log-line').count()
    assert.ok(drawn < 200, `${drawn} lines are drawn`)
    api.log('shop', '\u001b[31mERROR\u001b[0m no money', 'app', 'web.2')
    await page.locator('.ansi-red', { hasText: 'ERROR' }).waitFor()
    await page.getByLabel('Filter lines').fill('MONEY')
    await page.waitForFunction(() => document.querySelectorAll('.log-line').length === 1)
    await page.getByLabel('Filter lines').fill('')
    await page.getByRole('button', { name: 'Pause' }).click()
    api.log('shop', 'while it was held')
    await page.waitForTimeout(300)
    assert.equal(await page.getByText('while it was held').count(), 0)
    await page.getByRole('button', { name: 'Resume' }).click()
    await sees('while it was held')
  })

  it('shows what a host’s doctor found as soon as it has looked', async () => {
    api.place.unexamined.add('ams-1')
    await open('/hosts/ams-1')
    await sees('It has not looked yet')
    api.place.unexamined.clear()
    const host = api.place.hosts.find(({ id }) => id === 'ams-1')
    assert.ok(host)
    api.tell('hosts', [{ ...host, cpuMilliUsed: host.cpuMilliUsed + 10 }])
    await sees('Swap is on.')
  })

  it('drains a host after its name was typed', async () => {
    await open('/hosts/ams-1')
    await page.getByRole('button', { name: 'Cordon and drain' }).click()
    await page.getByLabel('Type ams-1 to confirm').fill('ams-1')
    await page.getByRole('button', { name: 'Cordon and drain it' }).click()
    await page
      .locator('.about')
      .getByText(/Draining, \d+ left/)
      .waitFor()
    const here = api.place.instances.filter(({ host }) => host === 'ams-1')
    api.tell(
      'instances',
      [],
      here.map(({ id }) => id),
    )
    await sees('ams-1 is drained: nothing runs on it.')
  })

  it('shows a member its own part alone, and a viewer nothing to change (C02, C03)', async () => {
    await open('/apps', member)
    await sees('catalogue')
    assert.equal(await page.getByText('flights').count(), 0)
    assert.equal(await page.getByRole('link', { name: 'Hosts' }).count(), 0)
    await go('/hosts')
    await sees('This page is for operators')
    await go('/apps/flights')
    await sees('This is not here')

    await context.clearCookies()
    await open('/apps/shop/settings', viewer)
    const destroy = page.getByRole('button', { name: 'Destroy' })
    await destroy.hover()
    await sees('You may look at northwind, but not change it.')
    await destroy.click({ force: true })
    assert.equal(await page.getByRole('alertdialog').count(), 0)
    await go('/apps/shop/config')
    await sees('Config vars are not for viewers')
    assert.ok(!(await page.content()).includes('s3cr3t'))
    assert.deepEqual(
      api.asked.filter((line) => !line.includes('/session')),
      [],
    )
  })

  it('asks somebody to sign in again when the session has ended, and goes on where they were (C05)', async () => {
    await open('/apps/shop/config')
    await page.getByText('DATABASE_URL').waitFor()
    api.people.sessions.clear()
    api.live.cut()
    await sees(/Your session has ended/)
    assert.equal(await page.getByText('DATABASE_URL').count(), 0)
    await page.getByLabel('E-mail').fill(operator.email)
    await page.getByLabel('Password').fill(operator.password)
    await page.keyboard.press('Enter')
    await page.getByText('DATABASE_URL').waitFor()
  })

  it('masks config vars until they are asked for', async () => {
    await open('/apps/shop/config')
    await page.getByText('DATABASE_URL').waitFor()
    assert.ok(!(await page.content()).includes('s3cr3t'))
    await page.getByRole('button', { name: 'Reveal DATABASE_URL' }).click()
    await sees(/s3cr3t-of-shop/)
    await page.getByRole('button', { name: 'Hide DATABASE_URL' }).click()
    assert.ok(!(await page.content()).includes('s3cr3t'))
  })

  it('finds anything by Ctrl K, without a mouse', async () => {
    await open('/')
    await sees('Needs attention')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').fill('tide-t')
    await page.getByRole('option', { name: /tide-tables/ }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'tide-tables' }).waitFor()
    assert.equal(new URL(page.url()).pathname, '/apps/tide-tables')
  })

  it('shows hostile names, messages, values and lines as text, wherever they stand (C09)', async () => {
    const evil = '"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
    const shop = api.place.apps.find(({ name }) => name === 'shop')
    assert.ok(shop)
    shop.rollout = { release: 49, state: 'failed', detail: evil }
    shop.url = 'javascript:window.pwned=1'
    for (const release of api.place.releases.get('shop') ?? [])
      Object.assign(release, { description: evil, actor: evil, commit: evil, subject: evil })
    for (const deploy of api.place.deploys)
      Object.assign(deploy, { description: evil, actor: evil, subject: evil, error: evil })
    for (const event of api.place.events) Object.assign(event, { text: evil, actor: evil, lastOutput: [evil] })
    for (const alert of api.place.alerts) alert.text = evil
    for (const instance of api.place.instances)
      Object.assign(instance, { state: 'failed', reason: 'exited', detail: evil })
    api.place.config.set('shop', { EVIL: evil })
    api.log('shop', evil)
    await open('/')
    for (const [path, text] of [
      ['/', 'Needs attention'],
      ['/apps/shop', 'Release v48'],
      ['/apps/shop/releases', 'Compare'],
      ['/apps/shop/instances', 'worker.1'],
      ['/apps/shop/logs', 'onerror'],
      ['/apps/shop/events', 'onerror'],
      ['/apps/shop/config', 'EVIL'],
      ['/apps/shop/deploys/d-shop-48', 'Phases'],
      ['/apps/%22%3E%3Cimg%20src=x%20onerror=window.pwned=1%3E', 'This is not here'],
    ] as const) {
      // An address is hostile input to the server as well.
      if (path.includes('onerror')) await page.goto(api.url + path)
      else await go(path)
      await sees(text)
      const found = await page.evaluate(() => ({
        pwned: 'pwned' in globalThis,
        images: document.querySelectorAll('img').length,
        scripts: document.querySelectorAll('script:not([type=module])').length,
        links: document.querySelectorAll('a[href^="javascript"]').length,
      }))
      assert.deepEqual(found, { pwned: false, images: 0, scripts: 0, links: 0 }, path)
    }
    assert.deepEqual(
      complaints.filter((text) => !text.includes('status of 404')),
      [],
      'and nothing met the page’s policy',
    )
  })

  it('runs a command, stops one once its name is typed, and shows what jobs missed and their earlier runs', async () => {
    await open('/apps/shop/jobs')
    await sees(/Two runs of prices were missed/)
    await page
      .getByRole('row', { name: /prices.*Exit 3/ })
      .first()
      .waitFor()
    assert.equal(await page.getByRole('row', { name: /^run\.2 / }).count(), 0)
    await page.getByRole('button', { name: 'Show older' }).click()
    await page.getByRole('row', { name: /^run\.2 / }).waitFor()
    await page
      .getByRole('row', { name: /^run\.15/ })
      .getByRole('button', { name: 'Stop' })
      .click()
    await page.getByLabel('Type run.15 to confirm').fill('run.15')
    await page.getByRole('button', { name: 'Stop it' }).click()
    await page.getByRole('row', { name: /^run\.15.*Stopped/ }).waitFor()
    await page
      .getByRole('row', { name: /^receipts/ })
      .getByRole('button', { name: 'Pause' })
      .click()
    await page.getByRole('row', { name: /^receipts.*Paused/ }).waitFor()
    await page.getByRole('button', { name: 'Run a command' }).click()
    await page.getByRole('textbox', { name: 'Command' }).fill('node migrate.js')
    await page.getByRole('button', { name: 'Run it' }).click()
    await page.getByRole('row', { name: /node migrate\.js Waiting/ }).waitFor()
  })

  it('changes a rule of alerts and takes it back, and mutes what somebody knows of already', async () => {
    await open('/apps/shop/alerts')
    await page.getByRole('button', { name: 'Change the rule Disk' }).click()
    await page.getByLabel('Limit, in %').fill('80')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('row', { name: /^Disk Set here.*80 % for 1 min/ }).waitFor()
    assert.ok(
      api.asked.includes('PATCH /apps/shop/alerts {"rules":{"disk":{"on":true,"forSeconds":60,"limit":80}}}'),
      api.asked.join('\n'),
    )
    await page.getByRole('button', { name: 'Change the rule Disk' }).click()
    await page.getByRole('button', { name: 'As further up' }).click()
    await page.getByRole('row', { name: /^Disk A disk.*90 %/ }).waitFor()
    await page.getByRole('button', { name: 'Mute', exact: true }).click()
    await page.getByLabel('What').selectOption('Error rate')
    await page.getByRole('dialog').getByRole('button', { name: 'Mute' }).click()
    await page
      .getByRole('row', { name: /^Error rate in/ })
      .getByRole('button', { name: 'End' })
      .click()
    await page.getByRole('button', { name: 'End the mute' }).click()
    await page.getByRole('row', { name: /^Error rate in/ }).waitFor({ state: 'detached' })
  })

  it('has a page for one’s own account, at one’s name, where one is called otherwise and leaves a tenant', async () => {
    await open('/', member)
    await page.getByRole('button', { name: /Account of/ }).click()
    await page.getByRole('menuitem', { name: 'Your account' }).click()
    await page.getByRole('heading', { name: 'Your account' }).waitFor()
    await page.getByLabel('Name').fill('Jo Weber')
    await page.getByLabel('Name').press('Enter')
    await sees('You are called Jo Weber now.')
    await page.getByRole('button', { name: 'Account of Jo Weber' }).waitFor()
    await page.getByRole('button', { name: 'Leave' }).click()
    await page.getByLabel('Type northwind to confirm').fill('northwind')
    await page.getByRole('button', { name: 'Leave it' }).click()
    await sees('An owner of a tenant can invite you.')
    assert.deepEqual(
      api.asked.filter((line) => line.includes('/account')),
      ['PATCH /account {"name":"Jo Weber"}', 'DELETE /account/memberships/northwind null'],
    )
    await page.getByRole('link', { name: /^API tokens/ }).click()
    await page.getByRole('heading', { name: 'API tokens' }).waitFor()
    assert.deepEqual(complaints, [])
  })

  it('adds a webhook for chosen events, shows its secret once, tests it, and removes it by its name', async () => {
    await open('/apps/blog/webhooks')
    await page.getByRole('button', { name: 'Add a webhook' }).click()
    await page.getByLabel('URL').fill('https://hooks.example.com/in?key=s3cr3t')
    await page.getByLabel('Told of').selectOption('What I choose')
    await page.getByRole('checkbox', { name: /^alert\.\*/ }).uncheck()
    await page.getByRole('checkbox', { name: /^run\.failed/ }).check()
    assert.equal(await page.getByRole('checkbox', { name: /^deploy\.failed/ }).isDisabled(), true, 'deploy.* holds it')
    await page.getByRole('button', { name: 'Add it' }).click()
    await sees(/whsec_/)
    await page.getByRole('button', { name: 'Done' }).click()
    assert.ok(!(await page.content()).includes('whsec_'), 'and never again')
    assert.ok(
      api.asked.includes(
        'POST /apps/blog/webhooks {"url":"https://hooks.example.com/in?key=s3cr3t","events":["deploy.*","run.failed"]}',
      ),
      api.asked.join('\n'),
    )
    assert.ok(!(await page.content()).includes('s3cr3t'), 'a list shows no secret of an address')
    await page.getByRole('link', { name: 'Webhook to hooks.example.com' }).click()
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByRole('row', { name: /^webhook\.test.*Delivered 204 in 48 ms/ }).waitFor()
    await page.getByRole('button', { name: 'Show' }).click()
    await page.getByLabel('What is sent').getByText('"v48 is live"').waitFor()
    await page.getByRole('button', { name: 'Send it again' }).click()
    await page.getByRole('dialog').getByText('2 tries').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Remove', exact: true }).click()
    await page.getByLabel('Type hooks.example.com to confirm').fill('hooks.example.com')
    await page.getByRole('button', { name: 'Remove it' }).click()
    await sees('No webhooks yet')
    assert.equal(new URL(page.url()).search, '')
    assert.deepEqual(complaints, [])
  })

  it('shows webhooks to nobody who may not change what they are of, and drains without what would be refused (C03)', async () => {
    await open('/apps/shop/webhooks', viewer)
    await sees('Webhooks are not for viewers')
    await sees('syslog+tls://logs.example.com:6514')
    for (const name of ['Add a webhook', 'Add a drain', 'Remove'])
      assert.equal(await page.getByRole('button', { name }).count(), 0, name)
    await page.goto(`${api.url}/webhooks`)
    await sees('This page is for operators')
    await context.clearCookies()
    await open('/webhooks')
    await page.getByRole('link', { name: 'Webhook to pager.example' }).click()
    await sees('The last try failed: it answered 503')
    await page.getByRole('button', { name: 'Add a drain' }).click()
    await page.getByLabel('Where').fill('https://in.example.com/v1/s3cr3t')
    await page.getByLabel('Token').fill('t0k3n')
    await page.getByRole('button', { name: 'Add it' }).click()
    await page.getByRole('row', { name: /^https:\/\/in\.example\.com\/….*Not tried yet/ }).waitFor()
    assert.deepEqual(complaints, [])
  })

  it('sets a second factor up by a QR code, or by its key as text', async () => {
    await open('/account')
    await page.getByRole('button', { name: 'Set it up' }).click()
    const drawn = await page
      .getByRole('img', { name: /QR code/ })
      .locator('path')
      .getAttribute('d')
    assert.ok((drawn ?? '').length > 1000, 'it is drawn')
    await sees('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP')
    await page.getByRole('textbox', { name: 'Code' }).fill('000000')
    await page.getByRole('button', { name: 'Turn it on' }).click()
    await sees('This code is not valid now.')
    await page.getByRole('textbox', { name: 'Code' }).fill('123456')
    await page.getByRole('button', { name: 'Turn it on' }).click()
    await sees(/4f2k-9dx1/)
    assert.deepEqual(
      complaints.filter((text) => !text.includes('status of 401')),
      [],
    )
  })

  it('makes an account, invites an operator and removes somebody, for operators alone', async () => {
    await open('/people')
    await page.getByRole('button', { name: 'New account' }).click()
    await page.getByLabel('E-mail').fill('new@northwind.example')
    await page.getByRole('button', { name: 'Make it' }).click()
    await sees(/login\?once=x7/)
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: 'Invite an operator' }).click()
    await page.getByLabel('E-mail').fill('second@berth.example')
    await page.getByRole('button', { name: 'Make a link' }).click()
    await sees(/login\?invitation=c/)
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('row', { name: /^second@berth\.example Operator/ }).waitFor()
    await page.getByRole('button', { name: 'What to do with noor@berth.example' }).click()
    await page.getByRole('menuitem', { name: 'Remove the account' }).click()
    await page.getByLabel('Type noor@berth.example to confirm').fill('noor@berth.example')
    await page.getByRole('button', { name: 'Remove it' }).click()
    await sees('noor@berth.example is removed.')
    await page.getByRole('row', { name: /noor@berth\.example/ }).waitFor({ state: 'detached' })
    await context.clearCookies()
    await open('/people', member)
    await sees('This page is for operators')
  })

  it('leads from nothing to a first app', async () => {
    for (const topic of ['apps', 'instances', 'deploys', 'events', 'traffic', 'alerts'] as const)
      api.place[topic].length = 0
    await open('/')
    await page.getByLabel('Name').fill('first')
    await page.getByRole('button', { name: 'Make the app' }).click()
    await sees('git push berth main')
    await sees('git remote add berth https://console.berth.example/git/first.git')
  })
})
