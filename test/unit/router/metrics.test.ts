import assert from 'node:assert/strict'
import type { AppId, TenantId } from '#core/domain/ids.ts'
import { expose } from '#core/runtime/metrics.ts'
import { silentLog } from '#core/runtime/log.ts'
import { Counters, MAX_APPS, OTHERS } from '../../../router/counters.ts'
import { routerMetrics, serveMetrics } from '../../../router/metrics.ts'

const app = (name: string) => ({ appId: `a-${name}` as AppId, tenantId: 'acme' as TenantId })

describe('what a router tells Prometheus', () => {
  it('is by app: requests by class, refusals by code, latency, what is in flight, and bytes', async () => {
    const counters = new Counters()
    const row = counters.rowOf(app('one'))
    for (const [status, ms] of [
      [200, 3],
      [204, 30],
      [503, 20_000],
      [0, 1],
    ] as const) {
      counters.begin(row)
      counters.end(row, status, ms)
    }
    counters.begin(row)
    counters.refuse(row, 'quota-client')
    counters.addBytes(row, 10, 2_000)
    const { text } = await expose(routerMetrics(counters))
    const of = 'tenant="acme",app="a-one"'
    for (const line of [
      `berth_router_requests_total{${of},class="2xx"} 2`,
      `berth_router_requests_total{${of},class="5xx"} 1`,
      `berth_router_requests_total{${of},class="left"} 1`,
      `berth_router_refusals_total{${of},code="quota-client"} 1`,
      `berth_router_requests_in_flight{${of}} 1`,
      `berth_router_transmit_bytes_total{${of}} 2000`,
      `berth_router_request_duration_seconds_bucket{${of},le="0.001"} 1`,
      `berth_router_request_duration_seconds_bucket{${of},le="0.005"} 2`,
      `berth_router_request_duration_seconds_bucket{${of},le="0.05"} 3`,
      `berth_router_request_duration_seconds_bucket{${of},le="10"} 3`,
      `berth_router_request_duration_seconds_bucket{${of},le="+Inf"} 4`,
      `berth_router_request_duration_seconds_count{${of}} 4`,
      `berth_router_request_duration_seconds_sum{${of}} 20.034`,
      '# TYPE berth_router_request_duration_seconds histogram',
    ])
      assert.ok(text.includes(line), `${line}\n${text}`)
  })

  it('has rows for a bounded number of apps, and one for all others', () => {
    const counters = new Counters()
    const first = counters.rowOf(app('0'))
    for (let i = 0; i < MAX_APPS + 100; i += 1) counters.rowOf(app(String(i)))
    assert.equal(counters.rowOf(app('late')), OTHERS)
    assert.equal(counters.rowOf(app('0')), first)
    assert.equal(counters.apps.length, MAX_APPS + 1)
  })

  it('is served on this machine only', async () => {
    const page = await serveMetrics(0, new Counters(), silentLog)
    try {
      const answer = await fetch(`http://127.0.0.1:${page.port}/metrics`)
      assert.match(await answer.text(), /^berth_router_connections 0$/m)
      assert.equal((await fetch(`http://127.0.0.1:${page.port}/`)).status, 404)
    } finally {
      page.close()
    }
  })
})
