import assert from 'node:assert/strict'
import { AppLog, LINES_A_SECOND, type RouterLine } from '../../../router/app-log.ts'
import type { Call } from '../../../router/call.ts'

const aCall = (appId: string, target = '/') =>
  ({
    head: { method: 'GET', target },
    host: 'hello.test',
    status: 200,
    code: null,
    bytesOut: 120,
    instanceId: 'i-one',
    id: 'r-1',
    route: { appId },
  }) as unknown as Call

describe('requests in their app’s log', () => {
  let now: number
  let isAway: boolean
  let stored: { app: string; position: number; entry: RouterLine }[]
  let told: number
  let log: AppLog
  beforeEach(() => {
    now = 1_000_000
    isAway = false
    stored = []
    told = 0
    log = new AppLog(
      (app, lines, dropped) => {
        if (isAway) return Promise.reject(new Error('away'))
        stored.push(...lines.map((line) => ({ app, ...line })))
        told += dropped
        return Promise.resolve()
      },
      () => now,
    )
  })
  const texts = () => stored.map(({ entry }) => entry.line)

  it('is one line for each, with what matters of it', async () => {
    log.add(aCall('a-one', '/cart?id=3'), 12.345)
    await log.flush()
    assert.deepEqual(texts(), ['GET /cart?id=3 host=hello.test status=200 ms=12.3 bytes=120 instance=i-one id=r-1'])
    assert.deepEqual(stored[0]?.entry.source, 'router')
  })

  it('has so many a second of an app, says how many more there were, and takes none of another app’s', async () => {
    for (let n = 0; n < LINES_A_SECOND + 7; n++) log.add(aCall('a-one'), 1)
    log.add(aCall('a-two'), 1)
    await log.flush()
    assert.equal(stored.length, LINES_A_SECOND + 1)
    log.turn()
    await log.flush()
    assert.match(texts().at(-1) ?? '', /^7 lines dropped: more than 10 requests a second/)
    assert.deepEqual([told, log.dropped], [7, 7])
    log.add(aCall('a-one'), 1)
    await log.flush()
    assert.equal(stored.at(-1)?.entry.line.startsWith('GET'), true)
  })

  it('keeps a bounded number while the log is away, hands them on in order with the same positions, and tells the rest', async () => {
    isAway = true
    for (let second = 0; second < 60; second++) {
      for (let n = 0; n < LINES_A_SECOND; n++) log.add(aCall('a-one', `/${second}/${n}`), 1)
      log.turn()
      await assert.rejects(log.flush())
    }
    isAway = false
    await log.flush()
    log.turn()
    await log.flush()
    const positions = stored.map(({ position }) => position)
    assert.deepEqual(
      positions,
      positions.toSorted((a, b) => a - b),
    )
    assert.match(texts()[0] ?? '', /^GET \/0\/0 /)
    assert.ok(stored.length <= 160, `${stored.length} lines`)
    assert.equal(texts().filter((text) => text.startsWith('GET')).length + told, 600)
  })

  it('cuts a long path', async () => {
    log.add(aCall('a-one', `/${'x'.repeat(5000)}`), 1)
    await log.flush()
    assert.ok((texts()[0]?.length ?? 0) < 350)
  })
})
