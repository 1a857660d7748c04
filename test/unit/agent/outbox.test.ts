import assert from 'node:assert/strict'
import type { Desired } from '#core/domain/instance.ts'
import type { AppId } from '#core/domain/ids.ts'
import { silentLog } from '#core/runtime/log.ts'
import type { Positioned } from '#core/store/logs.ts'
import { createOutbox, type Outbox, type OutputToStore } from '../../../agent/outbox.ts'

const output = (id: string, text: string, { isLast = false, dropped = 0 } = {}): OutputToStore => ({
  app: 'a-one' as AppId,
  desired: { id, tenantId: 'acme', processType: 'web', number: 1, appName: 'one' } as unknown as Desired,
  batch: {
    file: 'f',
    lines: [{ at: '2026-01-01T00:00:00Z', source: 'app', line: text, end: 100 }],
    dropped,
    isLast,
  },
})

describe('what waits of output while the log is away', function () {
  this.timeout(10_000)
  let isAway: boolean
  let stored: Positioned[]
  let outbox: Outbox
  beforeEach(() => {
    isAway = true
    stored = []
    outbox = createOutbox({
      log: silentLog,
      append: (_app, _origin, lines) => {
        if (isAway) return Promise.reject(new Error('away'))
        stored.push(...lines)
        return Promise.resolve()
      },
    })
  })
  afterEach(() => outbox.stop())
  const texts = () => stored.map(({ entry }) => entry.line)
  const until = async (there: () => boolean) => {
    while (!there()) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  it('stays in its file as long as there is one', async () => {
    assert.equal(await outbox.store(output('i-one', 'a')), 'away')
    isAway = false
    assert.equal(await outbox.store(output('i-one', 'a')), 'taken')
    assert.deepEqual(texts(), ['a'])
  })

  it('is kept here where the file goes, so that the end of an instance waits for nobody; and is stored before what comes after', async () => {
    assert.equal(await outbox.store(output('i-one', 'last words', { isLast: true })), 'taken')
    isAway = false
    assert.equal(await outbox.store(output('i-one', 'of the next start')), 'away')
    await until(() => stored.length === 1)
    assert.equal(await outbox.store(output('i-one', 'of the next start')), 'taken')
    assert.deepEqual(texts(), ['last words', 'of the next start'])
  })

  it('is bounded, and what is dropped is counted and told', async () => {
    for (let n = 0; n < 300; n++) await outbox.store(output(`i-${n}`, `line ${n}`, { isLast: true }))
    assert.deepEqual(outbox.dropped(), [{ appId: 'a-one', tenantId: 'acme', lines: 44 }])
    isAway = false
    await until(() => stored.length === 256)
    await outbox.store(output('i-299', 'again'))
    assert.deepEqual(texts().slice(-2), ['1 line dropped: the log was away.', 'again'])
  })

  it('counts what the follower dropped, once', async () => {
    await outbox.store(output('i-one', '5 lines dropped', { dropped: 5 }))
    isAway = false
    await outbox.store(output('i-one', '5 lines dropped', { dropped: 5 }))
    assert.equal(outbox.dropped()[0]?.lines, 5)
  })
})
