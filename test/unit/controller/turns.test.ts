import assert from 'node:assert/strict'
import { createTurns } from '../../../controller/turns.ts'

describe('turns', () => {
  it('come one after the other, in order, also when one fails', async () => {
    const turns = createTurns()
    const seen: string[] = []
    const act = (name: string, fail = false) =>
      turns.run('key', async () => {
        seen.push(`${name} begins`)
        await Promise.resolve()
        seen.push(`${name} ends`)
        if (fail) throw new Error(name)
      })
    const results = await Promise.allSettled([act('a', true), act('b'), act('c')])
    assert.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'fulfilled', 'fulfilled'],
    )
  })

  it('of different keys do not wait for each other, and only who waits is told so', async () => {
    const turns = createTurns()
    const told: string[] = []
    const back = await turns.take('a', () => told.push('first'))
    await turns.take('b', () => told.push('other key'))
    const second = turns.take('a', () => told.push('second'))
    back()
    const secondBack = await second
    secondBack()
    await turns.take('a', () => told.push('third'))
    assert.deepEqual(told, ['second'])
  })
})
