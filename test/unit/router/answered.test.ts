import assert from 'node:assert/strict'
import type { InstanceId } from '#core/domain/ids.ts'
import { AnsweredBook } from '../../../router/answered.ts'

const [one, two] = ['i-1', 'i-2'] as [InstanceId, InstanceId]
const AN_HOUR = 3600_000

describe('the totals of what instances answered', () => {
  const flushed = async (book: AnsweredBook) => {
    const told: Record<string, number> = {}
    await book.flush((changed) => Promise.resolve(void Object.assign(told, Object.fromEntries(changed))))
    return told
  }

  it('only grow, and are told when they have changed', async () => {
    const book = new AnsweredBook()
    book.add(new Map([[one, 2]]), 0)
    book.add(
      new Map([
        [one, 1],
        [two, 5],
      ]),
      0,
    )
    assert.deepEqual(await flushed(book), { 'i-1': 3, 'i-2': 5 })
    assert.deepEqual(await flushed(book), {})
    book.add(new Map([[two, 1]]), 0)
    assert.deepEqual(await flushed(book), { 'i-2': 6 })
  })

  it('are told again where nobody took them, with what came since', async () => {
    const book = new AnsweredBook()
    book.add(new Map([[one, 2]]), 0)
    await assert.rejects(book.flush(() => Promise.reject(new Error('away'))))
    book.add(new Map([[one, 1]]), 0)
    assert.deepEqual(await flushed(book), { 'i-1': 3 })
  })

  it('begin anew in each stretch of time for the live figures alone', async () => {
    const book = new AnsweredBook()
    book.add(new Map([[one, 2]]), 0)
    assert.deepEqual(Object.fromEntries(book.takeStretch()), { 'i-1': 2 })
    assert.equal(book.takeStretch().size, 0)
    assert.deepEqual(await flushed(book), { 'i-1': 2 })
  })

  it('are forgotten an hour after the last request of one that left the table, and not before they were told', async () => {
    const book = new AnsweredBook()
    book.add(
      new Map([
        [one, 2],
        [two, 2],
      ]),
      0,
    )
    book.sweep(() => false, AN_HOUR)
    assert.deepEqual(await flushed(book), { 'i-1': 2, 'i-2': 2 })
    book.sweep((id) => id === one, 2 * AN_HOUR)
    book.add(
      new Map([
        [one, 1],
        [two, 1],
      ]),
      2 * AN_HOUR,
    )
    assert.deepEqual(await flushed(book), { 'i-1': 3, 'i-2': 1 })
  })
})
