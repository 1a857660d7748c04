import assert from 'node:assert/strict'
import { choose, FULL, type Candidate, type Terms } from '../../../router/balance.ts'

type Named = Candidate & { name: string }

const instance = (name: string, rest: Partial<Candidate> = {}): Named => ({
  name,
  inFlight: 0,
  ejectedUntil: 0,
  since: -100_000,
  ...rest,
})
const three = (rest: Partial<Candidate>[] = []) =>
  ['a', 'b', 'c'].map((name, index) => instance(name, rest[index])) as [Named, Named, Named]

const pick = (candidates: Named[], rest: Partial<Terms> = {}, tried: Named[] | null = null) => {
  const chosen = choose(candidates, tried, {
    concurrency: null,
    slowStartMs: 1000,
    now: 0,
    random: () => 0,
    ...rest,
  })
  return chosen === null || chosen === FULL ? chosen : chosen.name
}

/** Draws these numbers, one after the other. */
const drawing =
  (...numbers: number[]) =>
  () =>
    numbers.shift() ?? 0

describe('choosing an instance', () => {
  it('finds none where there is none, and the only one where there is one', () => {
    assert.equal(pick([]), null)
    assert.equal(pick([instance('a')]), 'a')
  })

  it('takes the less busy of two that it draws', () => {
    const busy = three([{ inFlight: 5 }, { inFlight: 2 }, { inFlight: 0 }])
    assert.equal(pick(busy, { random: drawing(0, 0.34) }), 'b', 'c was not drawn')
    assert.equal(pick(busy, { random: drawing(0.34, 0.99) }), 'c')
    assert.equal(pick(busy, { random: drawing(0, 0) }), 'a', 'drawn twice')
  })

  it('compares both when there are two', () => {
    const two = [instance('a', { inFlight: 1 }), instance('b')]
    for (const number of [0, 0.99]) assert.equal(pick(two, { random: drawing(number) }), 'b')
  })

  it('spreads evenly when all are idle', () => {
    const counts: Record<string, number> = {}
    for (let i = 0; i < 300; i += 1) {
      const name = String(pick(three(), { random: drawing(i / 300, (i * 7) / 300 - Math.floor((i * 7) / 300)) }))
      counts[name] = (counts[name] ?? 0) + 1
    }
    assert.deepEqual(counts, { a: 100, b: 100, c: 100 })
  })

  it('does not try one twice', () => {
    const [a, b, c] = three()
    assert.equal(pick([a, b, c], {}, [a, c]), 'b')
    assert.equal(pick([a, b, c], {}, [a, b, c]), null)
    assert.equal(pick([a], {}, [a]), null)
  })

  it('leaves out one that was ejected, unless nothing else is left', () => {
    const [a, b, c] = three([{ ejectedUntil: 9 }, {}, { ejectedUntil: 9 }])
    for (const number of [0, 0.5, 0.99]) assert.equal(pick([a, b, c], { random: () => number }), 'b')
    assert.equal(pick([a, b, c], {}, [b]), 'a')
    assert.equal(pick([a, b, c], { now: 9, random: drawing(0.99, 0.99) }), 'c', 'it is over')
  })

  it('prefers instances below the soft limit, and takes none that is at the hard one', () => {
    const concurrency = { soft: 2, hard: 4 }
    const [a, b, c] = three([{ inFlight: 3 }, { inFlight: 1 }, { inFlight: 4 }])
    for (const number of [0, 0.5, 0.99]) assert.equal(pick([a, b, c], { concurrency, random: () => number }), 'b')
    assert.equal(pick([a, c], { concurrency }), 'a')
    assert.equal(pick([c], { concurrency }), FULL)
    assert.equal(pick([a, b, c], { concurrency }, [a, b]), FULL)
    assert.equal(pick([c], {}), 'c', 'without limits there is always room')
  })

  it('gives a fresh instance a part that grows, though it has nothing in flight', () => {
    const [old, fresh] = [instance('old', { inFlight: 5 }), instance('fresh', { since: 0 })]
    const share = (now: number) => {
      let taken = 0
      for (let i = 0; i < 1000; i += 1)
        if (pick([old, fresh], { now, random: drawing(0, (i + 0.5) / 1000) }) === 'fresh') taken += 1
      return taken / 1000
    }
    assert.deepEqual([share(0), share(500), share(1000)], [0.1, 0.5, 1])
  })

  it('draws among equals when all are fresh', () => {
    const both = [instance('a', { since: 0, inFlight: 1 }), instance('b', { since: 0 })]
    for (const number of [0, 0.99]) assert.equal(pick(both, { random: () => number }), 'b')
  })
})
