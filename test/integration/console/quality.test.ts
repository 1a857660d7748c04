/** What everybody is owed, whatever the page: that it can be read and used, that it is small, and that its links work. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { startBrowser } from '#test/helpers/chromium.ts'
import { addIncidents } from '../../helpers/simulated-api/incidents.ts'
import { operator, startSimulatedApi, type SimulatedApi } from '../../helpers/simulated-api/index.ts'
import { addLogs } from '../../helpers/simulated-api/logs.ts'
import { makePlace } from '../../helpers/simulated-api/place.ts'

const dist = join(import.meta.dirname, '..', '..', '..', 'console', 'dist')
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What there is in the page, where the functions given to evaluate run. */
declare const document: {
  documentElement: { scrollWidth: number }
  querySelector(selector: string): unknown
  getAnimations(): { transitionProperty?: string; finished: Promise<unknown> }[]
}
declare const requestAnimationFrame: (draw: () => void) => void
declare const history: { pushState(state: unknown, title: string, to: string): void }

const pages: [path: string, shows: string][] = [
  ['/', 'Needs attention'],
  ['/apps', 'tide-tables'],
  ['/apps/new', 'Push your code'],
  ['/apps/shop', 'Release v48'],
  ['/apps/shop/releases', 'Compare'],
  ['/apps/imports/instances', 'worker.3'],
  ['/apps/shop/logs', 'GET /'],
  ['/apps/shop/metrics', 'Latency'],
  ['/apps/shop/config', 'DATABASE_URL'],
  ['/apps/shop/domains', 'www.northwind.example'],
  ['/apps/shop/scale', 'Formation'],
  ['/apps/shop/jobs', 'receipts'],
  ['/apps/shop/events', 'Released'],
  ['/apps/shop/alerts', 'Crash loop'],
  ['/apps/shop/webhooks?webhook=w-pager', 'alert.began'],
  ['/apps/shop/settings', 'Stop and destroy'],
  ['/apps/flights/deploys/d-flights-118', 'Phases'],
  ['/hosts', 'zrh-1'],
  ['/hosts/hel-2', 'Capacity'],
  ['/tenants', 'saltmarsh'],
  ['/tenants/tidewater', 'Budget'],
  ['/people', 'noor@berth.example'],
  ['/plans', 'business'],
  ['/stacks', 'In use'],
  ['/audit', 'git push'],
  ['/webhooks', 'Log drains'],
  ['/account', 'Where you are signed in'],
  ['/settings', 'Alerts of the platform'],
]

const desktop = { width: 1280, height: 720 }
/** Windows that are not whole screens, tablets and a telephone. */
const widths = [1100, 1024, 768, 360]

/** A change of theme is whole when its frames are drawn: until then the colours of both are mixed. */
async function settled(): Promise<void> {
  await new Promise<void>((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
  const transitions = document.getAnimations().filter(({ transitionProperty }) => transitionProperty !== undefined)
  await Promise.allSettled(transitions.map(({ finished }) => finished))
}

type Violation = { id: string; impact: string | null; nodes: { target: unknown[]; failureSummary?: string }[] }

describe('The console', function () {
  // So many pages under two themes take their time where the processor is shared.
  this.timeout(300_000)
  let browser: Browser
  let api: SimulatedApi
  let context: BrowserContext
  let page: Page

  before(async () => {
    const place = makePlace(Date.now())
    addIncidents(place)
    api = await startSimulatedApi(place)
    addLogs(api)
    browser = await startBrowser()
  })
  after(async () => {
    await browser?.close()
    await api?.stop()
  })
  afterEach(() => context?.close())

  const begin = async (settings: Parameters<Browser['newContext']>[0]): Promise<void> => {
    context = await browser.newContext({ reducedMotion: 'reduce', viewport: desktop, ...settings })
    await context.request.post(`${api.url}/v1/session`, {
      data: { email: operator.email, password: operator.password },
    })
    page = await context.newPage()
    page.setDefaultTimeout(60_000)
  }
  /** As a link does it, without loading the page again. */
  const go = async (path: string, shows: string): Promise<void> => {
    if (page.url() === 'about:blank') await page.goto(api.url)
    await page.evaluate((to) => history.pushState(null, '', to), path)
    await page.getByText(shows).first().waitFor()
  }
  /** No page has to be moved sideways. */
  const tooWide = async (width: number): Promise<string[]> => {
    await page.setViewportSize({ width, height: desktop.height })
    const needed = await page.evaluate(() => document.documentElement.scrollWidth)
    return needed > width ? [`is ${needed} px wide on ${width} px`] : []
  }
  /** @param only left out: WCAG 2.2 A and AA, and what is good practice */
  const violations = async (part = 'html', only?: string[]): Promise<string[]> => {
    if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe)
    await page.evaluate(settled)
    const found = await page.evaluate(
      async ([part, rules]) => {
        const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
        const run = (
          globalThis as unknown as { axe: { run(of: unknown, how: unknown): Promise<{ violations: Violation[] }> } }
        ).axe
        const runOnly = rules ? { type: 'rule', values: rules } : { type: 'tag', values: tags }
        return (
          await run.run(document.querySelector(part), {
            runOnly,
            resultTypes: ['violations'],
            preload: false,
            iframes: false,
          })
        ).violations
      },
      [part, only] as const,
    )
    return found
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary ?? ''}`),
      )
  }

  it('can be read and used by everybody, by axe’s rules, on each page and in both themes; and fits every width from 360 px', async function () {
    this.timeout(240_000)
    await begin({ colorScheme: 'light' })
    const found: string[] = []
    await go('/', 'Needs attention')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').waitFor()
    found.push(...(await violations('html')).map((text) => `search ${text}`))
    await page.keyboard.press('Escape')
    for (const [path, shows] of pages) {
      await go(path, shows)
      // The frame is the same around every page.
      const part = path === '/' ? 'html' : 'main'
      found.push(...(await violations(part)).map((text) => `${path} light ${text}`))
      await page.emulateMedia({ colorScheme: 'dark' })
      // What a theme changes are colours.
      found.push(...(await violations(part, ['color-contrast'])).map((text) => `${path} dark ${text}`))
      await page.emulateMedia({ colorScheme: 'light' })
      for (const width of widths) found.push(...(await tooWide(width)).map((text) => `${path} ${text}`))
      await page.setViewportSize(desktop)
    }
    assert.deepEqual(found, [])
  })

  it('asks at its door and in its questions as everybody can answer', async () => {
    await begin({})
    await page.goto(`${api.url}/apps/shop/settings`)
    await page.getByRole('button', { name: 'Destroy' }).click()
    await page.getByLabel('Type shop to confirm').waitFor()
    const found = await violations()
    await context.clearCookies()
    await page.goto(api.url)
    await page.getByLabel('E-mail').waitFor()
    assert.deepEqual([...found, ...(await violations())], [])
  })

  it('has its places behind a button on a telephone', async () => {
    await begin({ viewport: { width: 360, height: 740 } })
    await page.goto(api.url)
    await page.getByRole('button', { name: 'Menu' }).click()
    await page.getByRole('dialog').getByRole('link', { name: 'Audit' }).click()
    await page.getByRole('heading', { name: 'Audit log' }).waitFor()
    assert.deepEqual(await tooWide(360), [])
  })

  it('answers each of its addresses with the page, and no other part of the API', async () => {
    const html = { accept: 'text/html,application/xhtml+xml' }
    for (const path of ['/apps/shop/logs', '/login?once=x', '/hosts/a.b'])
      assert.match(await (await fetch(api.url + path, { headers: html })).text(), /<div id="root">/, path)
    for (const path of ['/v1/nothing', '/git/x', '/internal/x', '/assets/gone.js'])
      assert.doesNotMatch(await (await fetch(api.url + path, { headers: html })).text(), /<div id="root">/, path)
    assert.equal((await fetch(`${api.url}/apps/shop`)).status, 404, 'a program that asks for no page gets none')
  })

  it('is served compressed to whoever takes that, and kept by browsers for as long as it stays the same', async () => {
    const asked = async (path: string, encodings: string): Promise<Response> =>
      fetch(api.url + path, { headers: { accept: 'text/html', 'accept-encoding': encodings } })
    const html = await (await asked('/', 'identity')).text()
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? ''
    const plain = await asked(script, 'identity')
    const text = await plain.text()
    assert.equal(plain.headers.get('content-encoding'), null)
    for (const [takes, encoding] of [
      ['gzip, deflate, br, zstd', 'br'],
      ['gzip', 'gzip'],
    ] as const) {
      const answer = await asked(script, takes)
      assert.equal(answer.headers.get('content-encoding'), encoding)
      assert.equal(answer.headers.get('vary'), 'Accept-Encoding')
      assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable')
      assert.match(answer.headers.get('content-type') ?? '', /javascript/)
      assert.ok(Number(answer.headers.get('content-length')) < text.length / 2)
      assert.equal(await answer.text(), text, 'and is the same when it is read')
    }
    const page = await asked('/apps/shop', 'br')
    assert.equal(page.headers.get('content-encoding'), 'br')
    assert.equal(page.headers.get('cache-control'), 'no-cache', 'the page says which files are the newest')
    const gone = await asked('/assets/gone.js', 'br')
    assert.deepEqual([gone.status, gone.headers.get('content-encoding')], [404, null])
  })

  it('is no more than 250 KB of script at first, compressed', () => {
    const html = readFileSync(join(dist, 'index.html'), 'utf8')
    const first = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, file]) => file ?? '')
    assert.ok(first.length > 0)
    const bytes = first.reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file))).length, 0)
    assert.ok(bytes <= 250_000, `${bytes} bytes: ${first.join(', ')}`)
    const all = readdirSync(join(dist, 'assets')).filter((file) => file.endsWith('.js'))
    assert.ok(all.length > first.length + 5, 'pages are files of their own')
  })
})
