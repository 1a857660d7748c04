import assert from 'node:assert/strict'
import type { InstanceView } from '#core/contract/api.ts'
import type { TrafficView } from '#core/contract/live.ts'
import { Known } from '../../../cli/follow.ts'
import { sparkline } from '../../../cli/sparkline.ts'
import { formatMs, formatRate, instanceRows, instancesHead } from '../../../cli/top-table.ts'

const traffic = (app: string, requestsPerSecond: number): TrafficView => ({
  app,
  tenant: 'alpha',
  requestsPerSecond,
  errorsPerSecond: 0,
  p50Ms: null,
  p95Ms: null,
  bytesInPerSecond: 0,
  bytesOutPerSecond: 0,
})

describe('what a follower knows', () => {
  it('is all that was put and not dropped since the last reset', () => {
    const known = new Known<'traffic'>(({ app }) => app)
    assert.equal(known.isWhole, false)
    known.take({ reset: true, put: [traffic('a', 1), traffic('b', 1)], drop: [] })
    const [change] = known.take({ put: [traffic('b', 2), traffic('c', 1)], drop: ['a'] })
    assert.deepEqual([change?.before?.requestsPerSecond, change?.after.requestsPerSecond], [1, 2])
    const now = () => known.views.map(({ app, requestsPerSecond }) => `${app} ${requestsPerSecond}`)
    assert.deepEqual([known.isWhole, now()], [true, ['b 2', 'c 1']])
    known.take({ reset: true, put: [traffic('d', 4)], drop: [] })
    assert.deepEqual(now(), ['d 4'])
  })
})

describe('a row of bars', () => {
  it('goes from the lowest to the highest, leaves out what is not known, and shows of many values the highest', () => {
    assert.equal(sparkline([0, 1, 2, 3, 4, 5, 6, 7, 8], 60), '▁▁▂▃▄▅▆▇█')
    assert.equal(sparkline([null, 5, null], 60), ' █ ')
    assert.equal(sparkline([1, 8, 1, 1, null, null], 3), '█▁ ')
    assert.equal(sparkline([0, 0], 60), '▁▁')
    assert.equal(sparkline([], 60), '')
  })
})

describe('figures for people', () => {
  it('have three digits at most, and times the unit that fits', () => {
    assert.deepEqual([0, 0.1, 12.34, 1234.5].map(formatRate), ['0', '0.1', '12.3', '1235'])
    assert.deepEqual([null, 0.5, 12.6, 999, 1500, 20_400].map(formatMs), [
      '-',
      '0.5 ms',
      '13 ms',
      '1000 ms',
      '1.5 s',
      '20 s',
    ])
  })
})

describe('the instances of `berth top`', () => {
  const anInstance = (requestsPerSecond: number | null) =>
    ({
      app: 'shop',
      name: 'web.1',
      state: 'running',
      release: 3,
      host: 'host-1',
      since: '2026-11-01T00:00:00.000Z',
      restarts: 2,
      memoryMb: 512,
      cpuMilli: 1000,
      cpuMilliUsed: 250,
      memoryBytesUsed: 128 * 1024 ** 2,
      requestsPerSecond,
    }) as InstanceView

  it('show how many requests each answers, none as 0 and what nobody knows as a dash', () => {
    const rows = instanceRows([anInstance(12.34), anInstance(0), anInstance(null)], Date.parse('2026-11-01T00:01:00Z'))
    const column = instancesHead.indexOf('REQ/S')
    assert.deepEqual(
      rows.map((row) => [row.length, row[column], row[column + 1]]),
      [
        [instancesHead.length, '12.3', '2'],
        [instancesHead.length, '0', '2'],
        [instancesHead.length, '-', '2'],
      ],
    )
  })
})
