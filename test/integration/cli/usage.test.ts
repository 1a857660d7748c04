import assert from 'node:assert/strict'
import type { AllUsageView, TenantUsageView, UsageView } from '#core/contract/api.ts'
import { noUsage } from '#core/domain/usage.ts'
import { aPerson, ok, startFakeApi, type FakeApi, type Person } from './harness.ts'

const used = { ...noUsage, cpuSeconds: 5400, memoryMbSeconds: 1536 * 3600, networkOutBytes: 2048, requests: 12 }
const period = { from: '2026-11-01T00:00:00.000Z', to: '2026-11-03T00:00:00.000Z', by: null }
const view: UsageView = { app: 'hello', tenant: 'acme', ...period, usage: used, buckets: [], memoryMbHours: 1536 }
const acme: TenantUsageView = {
  tenant: 'acme',
  ...period,
  usage: used,
  buckets: [],
  apps: [
    { app: 'hello', destroyed: false, usage: used, buckets: [] },
    { app: 'old', destroyed: true, usage: { ...used, cpuSeconds: 7 }, buckets: [] },
  ],
}

describe('berth usage', function () {
  this.timeout(30_000)
  let api: FakeApi
  let person: Person
  beforeEach(async () => {
    api = await startFakeApi()
    person = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: 't' })
  })
  afterEach(async () => {
    await api.stop()
    await person.leave()
  })

  it('tells people what an app used in units that they read', async () => {
    api.answers['GET /v1/apps/hello/usage'] = ok(view)
    const { stdout } = await person.berth(['usage', '-a', 'hello', '--from', '2026-11-01', '--by', 'day'])
    assert.match(api.seen[0]?.url ?? '', /\?from=2026-11-01&by=day$/)
    assert.match(stdout, /CPU time: +1\.50 h/)
    assert.match(stdout, /Memory: +1\.50 GiB-h/)
    assert.match(stdout, /Network: +0 B in, 2\.00 KiB out/)
  })

  it('shows all apps with a total when none is named', async () => {
    api.answers['GET /v1/usage'] = ok({ ...period, usage: used, tenants: [acme] } satisfies AllUsageView)
    const { stdout } = await person.berth(['usage', '--from', '24h'])
    const from = new URL(api.seen[0]?.url ?? '', 'http://x').searchParams.get('from') ?? ''
    assert.ok(Math.abs(Date.now() - 24 * 3600_000 - Date.parse(from)) < 30_000, from)
    assert.deepEqual(
      stdout.split('\n').map((line) => line.split(/ {2,}/).slice(0, 3)),
      [
        ['TENANT', 'APP', 'CPU'],
        ['acme', 'hello', '1.50 h'],
        ['acme', 'old (destroyed)', '7.00 s'],
        ['total', '1.50 h', '1.50 GiB-h'],
        [''],
      ],
    )
  })

  it('writes CSV as RFC 4180 has it, one line per app and step, in plain numbers', async () => {
    const by = 'day' as const
    const buckets = [
      { from: '2026-11-01T00:00:00.000Z', usage: used },
      { from: '2026-11-02T00:00:00.000Z', usage: { ...used, requests: 3 } },
    ]
    const answer = { ...acme, by, apps: [{ app: 'hello', destroyed: false, usage: used, buckets }] }
    api.answers['GET /v1/tenants/acme/usage'] = ok(answer)
    const { stdout } = await person.berth(['usage', '--tenant', 'acme', '--by', 'day', '--csv'])
    const rows = stdout.split('\r\n')
    assert.equal(rows.length, 4)
    assert.match(
      rows[0] ?? '',
      /^tenant,app,from,cpuSeconds,cpuUserSeconds,.*,requests,requestInBytes,requestOutBytes,webSockets,.*,refusedBudget,buildSeconds,buildCpuSeconds$/,
    )
    assert.match(rows[1] ?? '', /^acme,hello,2026-11-01T00:00:00\.000Z,5400,0,.*,12,0,0,0,0,0,0,0,0,0,0,0$/)
    assert.match(rows[2] ?? '', /^acme,hello,2026-11-02T00:00:00\.000Z,5400,0,.*,3,0,0,0,0,0,0,0,0,0,0,0$/)
    assert.equal(rows[3], '')
  })

  it('prints the API’s answer with --json, and refuses what does not go together', async () => {
    api.answers['GET /v1/apps/hello/usage'] = ok(view)
    assert.deepEqual(JSON.parse((await person.berth(['usage', '-a', 'hello', '--json'])).stdout), view)
    assert.equal((await person.berth(['usage', '--json', '--csv'])).code, 2)
    assert.equal((await person.berth(['usage', '-a', 'hello', '--tenant', 'acme'])).code, 2)
    const wrong = await person.berth(['usage', '--by', 'week'])
    assert.deepEqual([wrong.code, wrong.stderr.includes('minute, hour, day, month')], [2, true])
  })
})
