import assert from 'node:assert/strict'
import type { InstanceId } from '#core/domain/ids.ts'
import type { Endpoint } from '#core/domain/route.ts'
import { pickEndpoint, type Choice } from '../../../router/balance.ts'

const [a, b, c] = ['a', 'b', 'c'].map((name): Endpoint => ({
  instanceId: `i-${name}` as InstanceId,
  epoch: 1,
  host: '127.0.0.1',
  port: 1,
})) as [Endpoint, Endpoint, Endpoint]

const pick = (rest: Partial<Choice> = {}) =>
  pickEndpoint({ endpoints: [a, b, c], tried: [], inFlight: () => 0, ejected: () => false, random: () => 0, ...rest })

/** Draws these numbers, one after the other. */
const drawing =
  (...numbers: number[]) =>
  () =>
    numbers.shift() ?? 0

describe('choosing an instance', () => {
  it('finds none where there is none, and the only one where there is one', () => {
    assert.equal(pick({ endpoints: [] }), null)
    assert.equal(pick({ endpoints: [a] }), a)
  })

  it('takes the less busy of two that it draws', () => {
    const busy = new Map([
      [a, 5],
      [b, 2],
      [c, 0],
    ])
    const inFlight = (endpoint: Endpoint) => busy.get(endpoint) ?? 0
    assert.equal(pick({ inFlight, random: drawing(0, 0.34) }), b, 'c was not drawn')
    assert.equal(pick({ inFlight, random: drawing(0.34, 0.99) }), c)
    assert.equal(pick({ inFlight, random: drawing(0, 0) }), a, 'drawn twice')
  })

  it('compares both when there are two', () => {
    const inFlight = (endpoint: Endpoint) => (endpoint === a ? 1 : 0)
    for (const number of [0, 0.99]) assert.equal(pick({ endpoints: [a, b], inFlight, random: drawing(number) }), b)
  })

  it('spreads evenly when all are idle', () => {
    const counts = new Map<Endpoint | null, number>()
    for (let i = 0; i < 300; i += 1) {
      const chosen = pick({ random: drawing(i / 300, (i * 7) / 300 - Math.floor((i * 7) / 300)) })
      counts.set(chosen, (counts.get(chosen) ?? 0) + 1)
    }
    assert.deepEqual([counts.get(a), counts.get(b), counts.get(c)], [100, 100, 100])
  })

  it('does not try one twice', () => {
    assert.equal(pick({ tried: [a, c] }), b)
    assert.equal(pick({ tried: [a, b, c] }), null)
  })

  it('leaves out one that was ejected, unless nothing else is left', () => {
    const ejected = (endpoint: Endpoint) => endpoint !== b
    for (const number of [0, 0.5, 0.99]) assert.equal(pick({ ejected, random: () => number }), b)
    assert.equal(pick({ ejected, tried: [b] }), a)
  })
})
