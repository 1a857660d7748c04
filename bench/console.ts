/**
 * The console's overview with 200 hosts and 5,000 instances, in a real Chromium on a simulated API: how long until it can be
 * used, and which frames are late while everything changes.
 */
import type { Page } from 'playwright-core'
import { operator, startSimulatedApi, type SimulatedApi } from '../test/helpers/simulated-api/index.ts'
import { makePlace } from '../test/helpers/simulated-api/place.ts'
import { startBrowser } from '../test/helpers/chromium.ts'
import { printTable } from './table.ts'

/** What there is in the page, where the functions given to evaluate run. */
declare const document: {
  querySelectorAll(selector: string): { length: number }
  querySelector(selector: string): unknown
}
declare const requestAnimationFrame: (then: (at: number) => void) => number
declare const window: { dispatchEvent(event: unknown): void }
declare const KeyboardEvent: new (type: string, settings: { key: string; ctrlKey: boolean }) => unknown

const HOSTS = 200
const APPS = 1000
const INSTANCES_OF_EACH = 5
const ROUNDS = 5
const UPDATE_SECONDS = 8

export async function consolePages(): Promise<void> {
  const api = await startSimulatedApi(
    makePlace(Date.now(), { hosts: HOSTS, apps: APPS, instancesOfEach: INSTANCES_OF_EACH }),
  )
  const browser = await startBrowser()
  try {
    const usable: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
      await context.request.post(`${api.url}/v1/session`, {
        data: { email: operator.email, password: operator.password },
      })
      usable.push(await timeToUse(await context.newPage(), api))
      await context.close()
    }
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
    await context.request.post(`${api.url}/v1/session`, {
      data: { email: operator.email, password: operator.password },
    })
    const page = await context.newPage()
    const rows = []
    for (const path of ['/', '/hosts', '/apps']) {
      await page.goto(api.url + path)
      await page
        .getByText(path === '/apps' ? 'app-0003' : 'host-3')
        .first()
        .waitFor()
      await page.waitForTimeout(1000)
      rows.push({ path, ...(await framesWhileUpdating(page, api)) })
    }
    usable.sort((a, b) => a - b)
    printTable(
      ['what', 'value'],
      [
        [
          `overview can be used (${api.place.instances.length} instances), median of ${ROUNDS}`,
          `${Math.round(usable[Math.floor(ROUNDS / 2)] ?? 0)} ms`,
        ],
        ['slowest of them', `${Math.round(usable.at(-1) ?? 0)} ms`],
        ...rows.flatMap(({ path, frames, late, worst, median }) => [
          [`${path}: frames in ${UPDATE_SECONDS} s of updates`, String(frames)],
          [`${path}: between two frames, median / worst`, `${median.toFixed(1)} / ${worst.toFixed(1)} ms`],
          [`${path}: frames later than 33 ms`, `${late} (${((late / frames) * 100).toFixed(1)} %)`],
        ]),
      ],
    )
  } finally {
    await browser.close()
    await api.stop()
  }
}

/** From the address typed to every tile being there and a key being answered. */
async function timeToUse(page: Page, api: SimulatedApi): Promise<number> {
  await page.goto(api.url, { waitUntil: 'commit' })
  return page.evaluate(async (hosts) => {
    while (document.querySelectorAll('.tile').length < hosts)
      await new Promise((resolve) => requestAnimationFrame(resolve))
    window.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true }))
    while (!document.querySelector('.palette')) await new Promise((resolve) => requestAnimationFrame(resolve))
    return performance.now()
  }, HOSTS)
}

type Frames = { frames: number; late: number; median: number; worst: number }

/** Every host each 3 s, every instance each 10 s, every app's traffic each 10 s, as a real platform's come. */
async function framesWhileUpdating(page: Page, api: SimulatedApi): Promise<Frames> {
  const { place } = api
  const { chance } = place
  let turn = 0
  const part = <T>(items: T[], of: number): T[] => items.filter((_, index) => index % of === turn % of)
  const timer = setInterval(() => {
    turn++
    api.tell(
      'hosts',
      part(place.hosts, 3).map((host) => ({ ...host, cpuMilliUsed: chance.below(host.capacity.cpuMilli) })),
    )
    api.tell(
      'instances',
      part(place.instances, 10).map((of) => ({ ...of, cpuMilliUsed: chance.below(400) })),
    )
    api.tell(
      'traffic',
      part(place.traffic, 10).map((of) => ({ ...of, requestsPerSecond: chance.below(90) })),
    )
  }, 1000)
  try {
    return await page.evaluate(async (ms) => {
      const gaps: number[] = []
      let last = await new Promise<number>((resolve) => requestAnimationFrame(resolve))
      for (const end = last + ms; last < end;) {
        const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve))
        gaps.push(now - last)
        last = now
      }
      const sorted = [...gaps].sort((a, b) => a - b)
      return {
        frames: gaps.length,
        late: gaps.filter((gap) => gap > 33).length,
        median: sorted[Math.floor(sorted.length / 2)] ?? 0,
        worst: sorted.at(-1) ?? 0,
      }
    }, UPDATE_SECONDS * 1000)
  } finally {
    clearInterval(timer)
  }
}
