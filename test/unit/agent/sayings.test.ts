import assert from 'node:assert/strict'
import type { AppId } from '#core/domain/ids.ts'
import { silentLog } from '#core/runtime/log.ts'
import { createSayings, type Sayings } from '../../../agent/sayings.ts'

const APP = 'a-one' as AppId

describe('what the platform says in logs', function () {
  this.timeout(10_000)
  let isAway: boolean
  let stored: string[]
  let sayings: Sayings

  beforeEach(() => {
    isAway = false
    stored = []
    sayings = createSayings({
      log: silentLog,
      append: (app, lines) => {
        if (isAway) return Promise.reject(new Error('away'))
        for (const { line } of lines) stored.push(`${app} ${line}`)
        return Promise.resolve()
      },
    })
  })
  afterEach(() => sayings.stop())
  const say = (line: string, app = APP) =>
    sayings.say(app, [{ at: '2026-01-01T00:00:00Z', source: 'platform', ps: 'web.1', line }])
  const until = async (there: () => boolean) => {
    while (!there()) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  it('is stored when it is said', async () => {
    await say('started')
    assert.deepEqual(stored, ['a-one started'])
  })

  it('waits while the store is away, holds nobody up, and comes in its order when the store is back', async () => {
    isAway = true
    for (const line of ['crashed', 'starting', 'ready']) await say(line)
    isAway = false
    await say('stopped')
    await until(() => stored.length === 4)
    assert.deepEqual(
      stored,
      ['crashed', 'starting', 'ready', 'stopped'].map((line) => `a-one ${line}`),
    )
  })

  it('takes bounded memory, and keeps what was said last', async () => {
    isAway = true
    for (let n = 1; n <= 1200; n++) await say(String(n))
    isAway = false
    await until(() => stored.at(-1) === 'a-one 1200')
    assert.deepEqual([stored.length, stored[0]], [1000, 'a-one 201'])
  })
})
