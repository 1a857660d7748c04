import assert from 'node:assert/strict'
import { noRelease } from '#core/domain/errors.ts'
import { silentLog } from '#core/runtime/log.ts'
import { patiently } from '../../../../controller/deploy/walk.ts'

describe('a deploy whose store is away', () => {
  const context = { log: silentLog }

  it('tries again until the store answers', async () => {
    let asked = 0
    const answer = await patiently(context, new AbortController().signal, () =>
      ++asked < 3 ? Promise.reject(new Error('Connection is closed.')) : Promise.resolve('here'),
    )
    assert.equal(answer, 'here')
    assert.equal(asked, 3)
  }).timeout(5_000)

  it('ends its wait when it is told to', async () => {
    const leaving = new AbortController()
    const waiting = patiently(context, leaving.signal, () => Promise.reject(new Error('Connection is closed.')))
    leaving.abort()
    await assert.rejects(waiting, { name: 'AbortError' })
  })

  it('does not try again what would fail the same way for ever', async () => {
    const reply = Object.assign(new Error('WRONGTYPE Operation against a key'), { name: 'ReplyError' })
    for (const error of [new TypeError('x is undefined'), noRelease('shop'), reply])
      await assert.rejects(
        patiently(context, new AbortController().signal, () => Promise.reject(error)),
        error,
      )
  })
})
