import assert from 'node:assert/strict'
import type { AppId, TenantId } from '#core/domain/ids.ts'
import { noUsage } from '#core/domain/usage.ts'
import { expose } from '#core/runtime/metrics.ts'
import { agentMetrics } from '../../../agent/metrics.ts'

describe('what a host tells Prometheus', () => {
  const meter = {
    figures: () => ({ looks: 30, lookSeconds: 0.5, delivered: 9, failures: 1, unsent: 2, spoolBytes: 100 }),
    apps: () => [
      {
        tenantId: 'acme' as TenantId,
        appId: 'a-one' as AppId,
        used: { ...noUsage, cpuSeconds: 1.5, networkOutBytes: 7 },
        sandboxes: { instance: 2, build: 0 },
        pids: 5,
        memoryBytes: 4096,
        diskBytes: 0,
      },
    ],
  }

  const outbox = { dropped: () => [{ appId: 'a-one' as AppId, tenantId: 'acme', lines: 12 }] }

  const orders = { counts: () => new Map([['forged', 3] as const]) }

  it('is by app, in base units, with names as Prometheus has them', async () => {
    const { text } = await expose(agentMetrics(meter, outbox, orders))
    assert.match(text, /^# TYPE berth_app_cpu_seconds_total counter$/m)
    assert.match(text, /^berth_app_cpu_seconds_total\{tenant="acme",app="a-one"\} 1\.5$/m)
    assert.match(text, /^berth_app_memory_bytes\{tenant="acme",app="a-one"\} 4096$/m)
    assert.match(text, /^berth_app_log_lines_dropped_total\{tenant="acme",app="a-one"\} 12$/m)
    assert.match(text, /^berth_meter_spool_bytes 100$/m)
    assert.match(text, /^berth_jobs_refused_total\{reason="forged"\} 3$/m)
    for (const { name, kind } of agentMetrics(meter, outbox, orders)) {
      assert.match(name, /^berth_[a-z_]+$/)
      assert.equal(name.endsWith('_total'), kind === 'counter', name)
    }
  })

  it('can be asked twice', async () => {
    await expose(agentMetrics(meter, outbox, orders))
    assert.match((await expose(agentMetrics(meter, outbox, orders))).text, /cpu_seconds_total\{.*\} 1\.5$/m)
  })
})
