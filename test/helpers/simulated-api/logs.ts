/** What the apps of a made-up place have printed. */
import type { SimulatedApi } from './index.ts'

const paths = [
  '/',
  '/products/42',
  '/basket',
  '/api/stock?sku=81220',
  '/search?q=anchor',
  '/healthz',
  '/products/7',
  '/checkout',
]

export function addLogs({ live, place }: SimulatedApi, now = Date.now()): void {
  const { chance } = place
  for (let n = 0; n < 400; n++) {
    const at = new Date(now - (400 - n) * 610).toISOString()
    const path = paths[chance.below(paths.length)] ?? '/'
    const ms = 3 + chance.below(60)
    const status = chance.below(60) === 0 ? 502 : 200
    const ps = `web.${1 + chance.below(6)}`
    if (n % 3 === 0)
      live.log('shop', {
        at,
        source: 'router',
        ps: 'router',
        line: `GET ${path} status=${status} instance=${ps} service=${ms}ms bytes=${800 + chance.below(40_000)}`,
      })
    else if (n % 29 === 0)
      live.log('shop', {
        at,
        source: 'app',
        ps,
        line: `\u001b[33mWARN\u001b[0m  basket ${chance.below(9999)} has a price of another day`,
      })
    else if (n % 41 === 0)
      live.log('shop', {
        at,
        source: 'app',
        ps,
        line: `\u001b[31mERROR\u001b[0m payment provider timed out after 2000 ms, trying again`,
      })
    else
      live.log('shop', {
        at,
        source: 'app',
        ps,
        line: `\u001b[32mINFO\u001b[0m  GET ${path} ${status} in ${ms} ms \u001b[2mrequest=${(chance.next() * 1e9) | 0}\u001b[0m`,
      })
  }
}
