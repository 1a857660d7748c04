import assert from 'node:assert/strict'
import type { AppId } from '#core/domain/ids.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { keys } from '#core/store/keys.ts'
import {
  appendLogLines,
  appendLogs,
  lastLogId,
  limitLog,
  loadLogFigures,
  missedBetween,
  readLogsAfter,
  readLogsBack,
  type LogEntry,
} from '#core/store/logs.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis.ts'

describe('the stored log of an app', function () {
  this.timeout(60_000)
  const app = 'a-one' as AppId
  let redis: TestRedis
  let store: Store
  beforeEach(async () => {
    redis = await startRedis()
    store = connectStore(redis.url)
    await store.hset(keys.app(app), 'record', '{}')
  })
  afterEach(async () => {
    store.disconnect()
    await redis.stop()
  })

  const entry = (line: string): LogEntry => ({ at: '2026-01-01T00:00:00Z', source: 'app', ps: 'web.1', line })
  const placed = (...texts: string[]) => texts.map((text, at) => ({ position: (at + 1) * 10, entry: entry(text) }))
  const origin = { writer: 'i-one', within: 'file-1' }
  const all = async () => {
    const found = []
    for await (const page of readLogsBack(store, app)) found.push(...page)
    return found.reverse()
  }
  const texts = async () => (await all()).map(({ line }) => line).join(' ')

  it('stores a line once, however often it is sent, and in whatever batches', async () => {
    await appendLogLines(store, app, origin, placed('a', 'b'))
    assert.equal(await appendLogLines(store, app, origin, placed('a', 'b')), 0)
    assert.equal(await appendLogLines(store, app, origin, placed('a', 'b', 'c')), 1)
    assert.equal(await texts(), 'a b c')
  })

  it('tells the files and the instances apart', async () => {
    await appendLogLines(store, app, origin, placed('a'))
    await appendLogLines(store, app, { ...origin, within: 'file-2' }, placed('b'))
    await appendLogLines(store, app, { ...origin, writer: 'i-two' }, placed('c'))
    assert.equal(await texts(), 'a b c')
  })

  it('stores what a process says itself each time that it says it', async () => {
    await appendLogs(store, app, [entry('again'), entry('again')])
    await appendLogs(store, app, [entry('again')])
    assert.equal(await texts(), 'again again again')
  })

  it('survives an answer that was lost: the command is sent again over a new connection', async () => {
    // What a killed Redis or a cut connection looks like to the sender: done, and unanswered.
    const lines = placed(...Array.from({ length: 50 }, (_, n) => `line-${n}`))
    const other = connectStore(redis.url)
    const sent = appendLogLines(other, app, origin, lines).catch(() => -1)
    await store.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await sent
    await appendLogLines(other, app, origin, lines)
    other.disconnect()
    assert.equal((await all()).length, 50)
  })

  it('keeps no more bytes than the limit says, drops the oldest, and numbers on', async () => {
    await limitLog(store, app, 5000)
    for (let n = 0; n < 200; n++)
      await appendLogLines(store, app, { ...origin, within: `file-${n}` }, placed(`line ${n}`))
    const kept = await all()
    const { bytes, lines } = await loadLogFigures(store, app)
    assert.ok(bytes <= 5000 && bytes > 4800, `${bytes} bytes`)
    assert.equal(lines, 200)
    assert.equal(kept.at(-1)?.line, 'line 199')
    const [oldest] = kept
    assert.equal(missedBetween('0-0-0', oldest?.id ?? ''), 200 - kept.length)
  })

  it('stores a batch that is larger than the limit only as far as the limit goes', async () => {
    await limitLog(store, app, 2000)
    await appendLogLines(store, app, origin, placed(...Array.from({ length: 700 }, (_, n) => `line ${n}`)))
    const kept = await all()
    assert.ok(kept.length > 10 && kept.length < 40)
    assert.equal(kept.at(-1)?.line, 'line 699')
  })

  it('is read on from any line', async () => {
    assert.equal(await lastLogId(store, app), '0-0-0')
    await appendLogLines(store, app, origin, placed('a', 'b'))
    const [first] = await readLogsAfter(store, app, '0-0-0')
    const rest = await readLogsAfter(store, app, first?.id ?? '')
    assert.deepEqual(
      rest.map(({ line }) => line),
      ['b'],
    )
    assert.equal(rest[0]?.id, await lastLogId(store, app))
  })

  it('counts what was dropped before it came here', async () => {
    await appendLogLines(store, app, origin, placed('7 lines dropped'), 7)
    await appendLogLines(store, app, origin, placed('7 lines dropped'), 7)
    assert.equal((await loadLogFigures(store, app)).dropped, 7)
  })

  it('is not made anew for an app that is gone', async () => {
    await store.del(keys.app(app))
    assert.equal(await appendLogLines(store, app, origin, placed('late')), 0)
    assert.equal(await store.exists(keys.logs(app)), 0)
  })
})
