import assert from 'node:assert/strict'
import { createSlots } from '../../../../controller/git/slots.ts'

const never = new AbortController().signal

describe('slots', () => {
  it('G02 let in so many of each owner and in all, in order, and nobody waits for another owner’s limit', async () => {
    const slots = createSlots({ total: 3, perOwner: 2 })
    const entered: string[] = []
    const enter = (owner: string, name: string) =>
      slots.take(owner, never).then((giveBack) => {
        entered.push(name)
        return giveBack
      })
    const a1 = await enter('a', 'a1')
    await enter('a', 'a2')
    const a3 = enter('a', 'a3')
    const b1 = await enter('b', 'b1')
    const b2 = enter('b', 'b2')
    assert.deepEqual(entered, ['a1', 'a2', 'b1'])
    b1?.()
    await b2
    assert.deepEqual(entered, ['a1', 'a2', 'b1', 'b2'])
    a1?.()
    a1?.()
    await a3
    assert.deepEqual(entered, ['a1', 'a2', 'b1', 'b2', 'a3'])
  })

  it('are given up by who leaves while waiting', async () => {
    const slots = createSlots({ total: 1, perOwner: 1 })
    const first = await slots.take('a', never)
    const leaving = new AbortController()
    const second = slots.take('b', leaving.signal)
    leaving.abort()
    assert.equal(await second, null)
    assert.equal(await slots.take('b', AbortSignal.abort()), null)
    first?.()
    assert.ok(await slots.take('c', never))
  })
})
