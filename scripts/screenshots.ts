/** `npm run screenshots [NAME…]`: pictures of the console's main pages, from a made-up place, into docs/screenshots. */
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import { addIncidents } from '../test/helpers/simulated-api/incidents.ts'
import { operator, startSimulatedApi, type SimulatedApi } from '../test/helpers/simulated-api/index.ts'
import { addLogs } from '../test/helpers/simulated-api/logs.ts'
import { makePlace } from '../test/helpers/simulated-api/place.ts'

const folder = join(import.meta.dirname, '..', 'docs', 'screenshots')

type Shot = {
  name: string
  path: string
  /** Text that is there when the page is. */
  shows: string
  /** Some pages are shown on a telephone, too. */
  phone?: true
  /** In both themes; else in the light one. */
  dark?: true
  empty?: true
  before?: (page: Page) => Promise<void>
}

const shots: Shot[] = [
  { name: 'overview', path: '/', shows: 'Needs attention', phone: true, dark: true },
  { name: 'apps', path: '/apps', shows: 'tide-tables' },
  { name: 'app', path: '/apps/shop', shows: 'Release v48', phone: true, dark: true },
  { name: 'app-releases', path: '/apps/shop/releases', shows: 'Compare' },
  { name: 'app-instances', path: '/apps/imports/instances', shows: 'worker.3' },
  { name: 'app-logs', path: '/apps/shop/logs', shows: 'GET /', phone: true, dark: true },
  { name: 'app-metrics', path: '/apps/shop/metrics', shows: 'Latency', dark: true },
  { name: 'app-config', path: '/apps/shop/config', shows: 'DATABASE_URL' },
  { name: 'app-domains', path: '/apps/shop/domains', shows: 'www.northwind.example' },
  { name: 'app-scale', path: '/apps/shop/scale', shows: 'Formation' },
  { name: 'app-jobs', path: '/apps/shop/jobs', shows: 'receipts' },
  { name: 'app-alerts', path: '/apps/shop/alerts', shows: 'Crash loop' },
  { name: 'app-webhooks', path: '/apps/shop/webhooks?webhook=w-pager', shows: 'alert.began' },
  { name: 'app-settings', path: '/apps/shop/settings', shows: 'Stop and destroy' },
  { name: 'deploy', path: '/apps/flights/deploys/d-flights-118', shows: 'Phases', phone: true, dark: true },
  { name: 'hosts', path: '/hosts', shows: 'zrh-1' },
  { name: 'host', path: '/hosts/hel-2', shows: 'Capacity', dark: true },
  { name: 'tenants', path: '/tenants', shows: 'saltmarsh' },
  { name: 'tenant', path: '/tenants/tidewater', shows: 'Budget' },
  { name: 'people', path: '/people', shows: 'noor@berth.example' },
  { name: 'plans', path: '/plans', shows: 'business' },
  { name: 'stacks', path: '/stacks', shows: 'In use' },
  { name: 'audit', path: '/audit', shows: 'git push' },
  { name: 'account', path: '/account', shows: 'Where you are signed in' },
  { name: 'settings', path: '/settings', shows: 'API tokens' },
  {
    name: 'second-factor',
    path: '/account',
    shows: 'Second factor',
    before: async (page) => {
      await page.getByRole('button', { name: 'Set it up' }).click()
      await page.getByRole('img', { name: /QR code/ }).waitFor()
    },
  },
  {
    name: 'search',
    path: '/',
    shows: 'Needs attention',
    before: async (page) => {
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox').fill('fl')
    },
  },
  {
    name: 'destroy',
    path: '/apps/shop/settings',
    shows: 'Stop and destroy',
    before: (page) => page.getByRole('button', { name: 'Destroy' }).click(),
  },
  { name: 'sign-in', path: '/', shows: 'Password', empty: true },
]

const sizes = { desktop: { width: 1360, height: 850 }, phone: { width: 390, height: 844 } }

await main()

async function main(): Promise<void> {
  const wanted = process.argv.slice(2)
  await mkdir(folder, { recursive: true })
  const place = makePlace(Date.now())
  addIncidents(place)
  const api = await startSimulatedApi(place)
  addLogs(api)
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  })
  try {
    for (const shot of shots.filter(({ name }) => wanted.length === 0 || wanted.includes(name)))
      for (const theme of shot.dark ? (['light', 'dark'] as const) : (['light'] as const)) {
        await take(browser, api, shot, theme, 'desktop')
        if (shot.phone) await take(browser, api, shot, theme, 'phone')
      }
  } finally {
    await browser.close()
    await api.stop()
  }
}

async function take(
  browser: Browser,
  api: SimulatedApi,
  shot: Shot,
  theme: 'light' | 'dark',
  device: 'desktop' | 'phone',
) {
  const context = await browser.newContext({ viewport: sizes[device], colorScheme: theme, reducedMotion: 'reduce' })
  try {
    if (!shot.empty)
      await context.request.post(`${api.url}/v1/session`, {
        data: { email: operator.email, password: operator.password },
      })
    const page = await context.newPage()
    page.on('pageerror', (error) => process.stderr.write(`${shot.name}: ${error.message}\n`))
    page.on('console', (message) => {
      if (message.type() === 'error' && !shot.empty) process.stderr.write(`${shot.name}: ${message.text()}\n`)
    })
    await page.goto(api.url + shot.path)
    await page.getByText(shot.shows).first().waitFor()
    await page.evaluate('document.fonts.ready')
    await shot.before?.(page)
    await page.waitForTimeout(900)
    const file = join(folder, `${shot.name}${device === 'phone' ? '-phone' : ''}-${theme}.png`)
    await page.screenshot({ path: file })
    process.stdout.write(`${file} ${Math.round((await stat(file)).size / 1024)} KiB\n`)
  } finally {
    await context.close()
  }
}
