import assert from 'node:assert/strict'
import type { Figures } from '#core/domain/figures.ts'
import type { Host } from '#core/domain/host.ts'
import type { AppId, InstanceId, TenantId } from '#core/domain/ids.ts'
import type { Instance } from '#core/domain/instance.ts'
import { joinPoints, sampleTraffic, sampleUse, type SampleFacts } from '../../../../controller/series/sample.ts'
import { windowOf } from '../../../../controller/series/window.ts'

const NOW = 1_000_000_000_000
const app = (id: string, tenant: string) => ({ id: id as AppId, tenantId: tenant as TenantId })

type Over = { app?: string; tenant?: string; host?: string; state?: string; restarts?: number; at?: number }
const anInstance = (id: string, over: Over = {}): Instance =>
  ({
    desired: { id, appId: over.app ?? 'a', tenantId: over.tenant ?? 'alpha', hostId: over.host ?? 'h-1' },
    reported: { state: over.state ?? 'running', restarts: over.restarts ?? 0 },
    stats: { at: over.at ?? NOW - 5_000, cpuMilli: 100, memoryBytes: 1000 },
  }) as unknown as Instance
const aHost = (id: string, live = true) => ({ id, live, cpuMilliUsed: 700, memoryMbUsed: 2 }) as unknown as Host
const facts = (over: Partial<SampleFacts>): SampleFacts => ({
  now: NOW,
  apps: [app('a', 'alpha'), app('b', 'alpha')],
  instances: [],
  hosts: [aHost('h-1')],
  restarts: null,
  ...over,
})

describe('a sample of what runs', () => {
  it('adds instances up to their apps, tenants and hosts, and hosts to the platform', () => {
    const instances = [anInstance('1'), anInstance('2'), anInstance('3', { app: 'b', host: 'h-2' })]
    const { points } = sampleUse(facts({ instances, hosts: [aHost('h-1'), aHost('h-2'), aHost('h-3', false)] }))
    assert.deepEqual(points.get('app:a' as 'platform'), { cpuMilli: 200, memoryBytes: 2000, instances: 2, restarts: 0 })
    assert.equal(points.get('tenant:alpha' as 'platform')?.memoryBytes, 3000)
    assert.deepEqual(points.get('host:h-2' as 'platform'), {
      cpuMilli: 700,
      memoryBytes: 2 * 1024 ** 2,
      instances: 1,
      restarts: 0,
    })
    assert.deepEqual([points.get('platform')?.instances, points.get('platform')?.cpuMilli], [3, 1400])
    assert.equal(points.has('host:h-3' as 'platform'), false)
  })

  it('counts what is running, leaves out what has ended, and takes no old figures for new ones', () => {
    const instances = [
      anInstance('1', { state: 'starting' }),
      anInstance('2', { state: 'stopped' }),
      anInstance('3', { at: NOW - 60_000 }),
      anInstance('4', { app: 'gone' }),
    ]
    const { points } = sampleUse(facts({ instances }))
    assert.deepEqual(points.get('app:a' as 'platform'), { cpuMilli: 100, memoryBytes: 1000, instances: 1, restarts: 0 })
    assert.equal(points.has('app:gone' as 'platform'), false)
    assert.equal(points.has('app:b' as 'platform'), false)
  })

  it('counts restarts since the sample before, and none at the first', () => {
    const first = sampleUse(facts({ instances: [anInstance('1', { restarts: 7 })] }))
    assert.equal(first.points.get('app:a' as 'platform')?.restarts, 0)
    const instances = [anInstance('1', { restarts: 9 }), anInstance('2', { restarts: 1 })]
    const second = sampleUse(facts({ instances, restarts: first.restarts }))
    assert.equal(second.points.get('app:a' as 'platform')?.restarts, 3)
    assert.equal(second.restarts.get('1' as InstanceId), 9)
  })

  it('knows of no requests where something runs and none came, and of none of a machine', () => {
    const figures: Figures = { requests: 20, errors: 5, inBytes: 100, outBytes: 50, latency: [20] }
    const traffic = sampleTraffic([app('a', 'alpha'), app('b', 'alpha')], new Map([['b' as AppId, figures]]))
    const { points } = sampleUse(facts({ instances: [anInstance('1')] }))
    const joined = joinPoints(points, traffic)
    assert.equal(joined.get('app:a' as 'platform')?.requestsPerSecond, 0)
    const b = joined.get('app:b' as 'platform')
    assert.deepEqual([b?.requestsPerSecond, b?.errorsPerSecond, b?.p95Ms, b?.instances], [2, 0.5, 0.5, undefined])
    assert.equal(joined.get('tenant:alpha' as 'platform')?.bytesInPerSecond, 10)
    assert.equal(joined.get('host:h-1' as 'platform')?.requestsPerSecond, undefined)
  })
})

describe('the points that a question about a time means', () => {
  it('are an hour of ten seconds, a day of minutes, or 30 days of hours', () => {
    const told = (range: '1h' | '24h' | '30d') => {
      const { ring, from, to } = windowOf({ range }, NOW)
      return [ring.step, to - from, (NOW - to * ring.ms) / ring.ms < 1]
    }
    assert.deepEqual(
      [told('1h'), told('24h'), told('30d')],
      [
        ['10s', 360, true],
        ['1m', 1440, true],
        ['1h', 720, true],
      ],
    )
    assert.deepEqual(windowOf({}, NOW), windowOf({ range: '1h' }, NOW))
  })

  it('are the finest that are kept so far back, and end now', () => {
    const hours = (from: number, to?: number) =>
      windowOf({ from: NOW - from * 3600_000, ...(to === undefined ? {} : { to: NOW - to * 3600_000 }) }, NOW)
    assert.equal(hours(0.5).ring.step, '10s')
    assert.equal(hours(2, 1.9).ring.step, '1m')
    assert.equal(hours(48).ring.step, '1h')
    assert.equal(hours(1000 * 24).to - hours(1000 * 24).from, 720)
    const future = windowOf({ from: NOW - 1000, to: NOW + 1e9 }, NOW)
    assert.ok(future.to * future.ring.ms <= NOW)
    const none = windowOf({ from: NOW + 1e9, to: NOW + 2e9 }, NOW)
    assert.equal(none.to - none.from, 0)
  })
})
