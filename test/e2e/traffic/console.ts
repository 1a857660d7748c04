/** The console on the whole of Berth: what it shows is what happens. */
import assert from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import { startBrowser } from '#test/helpers/chromium.ts'
import { type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

export const console = (start: Start): void =>
  void describe('The console, on a platform that runs', function () {
    this.timeout(120_000)
    let world: World
    let browser: Browser
    let page: Page
    const complaints: string[] = []

    before(async function () {
      this.timeout(180_000)
      world = await start()
      await world.cli(['create', 'shown'])
      browser = await startBrowser()
      page = await browser.newPage()
      page.setDefaultTimeout(60_000)
      page.on('pageerror', (error) => complaints.push(error.message))
      page.on('console', (message) => {
        // The browser reports each refusal by itself; those that are asked for are none of its business, nor are the
        // links of sandboxes that come and go, on which it tries again.
        if (message.type() === 'error' && !/status of 40[134]|ERR_NETWORK_CHANGED/.test(message.text()))
          complaints.push(message.text())
      })
      await page.goto(`${world.apiUrl}/apps/shown`)
    })
    after(async function () {
      this.timeout(60_000)
      await browser?.close()
    })

    const sees = (text: string | RegExp) => page.getByText(text).first().waitFor()

    it('refuses a wrong token with the platform’s own sentence, and lets a right one in', async () => {
      await page.getByRole('button', { name: 'Use an API token instead' }).click()
      await page.getByLabel('API token').fill('berth_wrong_token')
      await page.keyboard.press('Enter')
      await sees(/No valid API token/)
      await page.getByLabel('API token').fill(world.token)
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'shown' }).waitFor()
      await sees('Not deployed')
    })

    it('shows a git push while it happens, from the build’s first line to what runs', async () => {
      const pushing = world.pushApp('shown', 'node-plain')
      await page
        .locator('.list')
        .getByText('Building')
        .or(page.locator('.list').getByText('Rolling out'))
        .first()
        .click()
      await page.getByRole('heading', { name: 'Phases' }).waitFor()
      await sees(/node/i)
      const { code, output } = await pushing
      assert.equal(code, 0, output)
      await page.locator('.about').getByText('Succeeded').waitFor()
      await page.locator('.crumbs').getByRole('link', { name: 'shown' }).click()
      await page.locator('.about').getByText('Running').waitFor()
      await page.getByRole('link', { name: 'Instances', exact: true }).click()
      await sees('web.1')
      await page
        .getByText(/^[1-9][\d.]* MiB/)
        .first()
        .waitFor()
    })

    it('scales what runs', async () => {
      await page.getByRole('link', { name: 'Scale', exact: true }).click()
      await page.getByRole('button', { name: 'One instance of web more' }).click()
      await page.getByRole('button', { name: 'Apply: 2 web' }).click()
      await page.getByRole('link', { name: 'Instances', exact: true }).click()
      await page.getByRole('row', { name: /web\.2.*Running/ }).waitFor()
    })

    it('shows a host, and takes it out of service and back', async () => {
      await page.getByRole('link', { name: 'Hosts' }).click()
      await page.locator('.rows .name').first().click()
      const name = (await page.locator('h1').textContent()) ?? ''
      await page.getByRole('button', { name: 'Cordon and drain' }).click()
      await page.getByLabel(`Type ${name} to confirm`).fill(name)
      await page.getByRole('button', { name: 'Cordon and drain it' }).click()
      await page
        .locator('.about')
        .getByText(/Draining/)
        .waitFor()
      await page.getByRole('button', { name: 'Uncordon' }).click()
      await page.getByRole('button', { name: 'Uncordon it' }).click()
      await page.locator('.about').getByText('Live').waitFor()
    })

    it('keeps to its content security policy, and meets no error', () => {
      assert.deepEqual(complaints, [])
    })
  })
