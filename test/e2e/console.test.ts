import assert from 'node:assert/strict'
import { chromium, type Browser, type Page } from 'playwright-core'
import { startWorld, type World } from '#test/helpers/world.ts'

/** Debian's Chromium, as root and without its own background traffic. */
const options = {
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
}

describe('The console, in a browser', function () {
  this.timeout(60_000)
  let world: World
  let browser: Browser
  let page: Page
  const complaints: string[] = []

  before(async function () {
    this.timeout(180_000)
    world = await startWorld()
    await world.cli(['create', 'shown'])
    const { code, output } = await world.pushApp('shown', 'node-plain')
    assert.equal(code, 0, output)
    browser = await chromium.launch(options)
    page = await browser.newPage()
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    await page.goto(`${world.apiUrl}/`)
  })
  after(async function () {
    this.timeout(60_000)
    await browser?.close()
    await world?.stop()
  })

  async function signIn(token: string): Promise<void> {
    await page.getByLabel('API token').fill(token)
    await page.keyboard.press('Enter')
  }

  it('refuses a wrong token with the platform’s own sentence', async () => {
    await signIn('berth_wrong_token')
    await page.getByText(/No valid API token/).waitFor()
    // The browser itself reports the 401 that was asked for.
    complaints.length = 0
  })

  it('shows hosts, apps and instances with their live CPU and memory', async () => {
    await signIn(world.token)
    await page.getByRole('heading', { name: 'Hosts' }).waitFor()
    await page.getByText('1 of 1 live').waitFor()
    await page.getByRole('link', { name: /shown\.localhost/ }).waitFor()
    await page.getByText('web.1').waitFor()
    await page
      .getByText(/^[1-9][\d.]* MiB/)
      .first()
      .waitFor()
    await page.getByText(/of 1$/).first().waitFor()
  })

  it('keeps to its content security policy', () => {
    assert.deepEqual(complaints, [])
  })
})
