import assert from 'node:assert/strict'
import { inTurns, type Standing, type Waiting } from '../../../../agent/builds/turns.ts'

const nothing: Standing = { running: [], served: [] }

/** `a1` is the first build of the tenant `a`. */
const builds = (text: string): Waiting[] =>
  text.split(' ').flatMap((key) => (key === '' ? [] : [{ key, tenantId: key[0] ?? '' }]))
const order = (text: string, standing: Partial<Standing> = {}): string =>
  inTurns(builds(text), { ...nothing, ...standing })
    .map(({ key }) => key)
    .join(' ')

describe('The order of the builds that wait on a host', () => {
  it('is that of their arrival as long as one tenant builds', () => {
    assert.equal(order('a1 a2 a3'), 'a1 a2 a3')
  })

  it('does not let ten builds of one tenant delay the first of another', () => {
    assert.equal(order('a1 a2 a3 a4 b1'), 'a1 b1 a2 a3 a4')
    assert.equal(order('a2 a3 a4 b1', { running: ['a'], served: ['a'] }), 'b1 a2 a3 a4')
  })

  it('gives tenants their turns one after the other', () => {
    assert.equal(order('a1 a2 b1 b2 c1'), 'a1 b1 c1 a2 b2')
  })

  it('puts who had a turn longest ago first', () => {
    assert.equal(order('a1 b1 c1', { served: ['c', 'a'] }), 'b1 c1 a1')
  })

  it('counts what runs: who holds no slot comes before who holds one, even if its last turn was later', () => {
    assert.equal(order('a1 b1', { running: ['a'], served: ['a', 'b'] }), 'b1 a1')
  })

  it('holds for any arrivals: no build has more of another tenant before it than of its own, and those that run', () => {
    let seed = 7
    const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below
    for (let round = 0; round < 300; round++) {
      const tenants = ['a', 'b', 'c', 'd'].slice(0, 1 + random(4))
      const waiting = Array.from({ length: random(14) }, (_, n) => ({
        key: String(n),
        tenantId: tenants[random(tenants.length)] ?? 'a',
      }))
      const found = inTurns(waiting, nothing)
      assert.deepEqual(
        found.map(({ key }) => Number(key)).sort((x, y) => x - y),
        waiting.map(({ key }) => Number(key)),
      )
      found.forEach((build, at) => {
        const before = found.slice(0, at)
        const own = before.filter(({ tenantId }) => tenantId === build.tenantId)
        assert.deepEqual(
          own.map(({ key }) => Number(key)),
          own.map(({ key }) => Number(key)).sort((x, y) => x - y),
        )
        for (const other of tenants)
          assert.ok(
            before.filter(({ tenantId }) => tenantId === other).length <= own.length + 1,
            JSON.stringify({ found, at }),
          )
      })
    }
  })
})
