import assert from 'node:assert/strict'
import { append, carry, diff, emptyTail, since, visible, type Item } from '../../../../controller/live/changes.ts'
import type { AppId, TenantId } from '#core/domain/ids.ts'

const target = (tenant: string, app = 'a') => ({ tenantId: tenant as TenantId, appId: app as AppId })
const anItem = (text: string, of = 'alpha'): Item => ({ target: target(of), text, sources: [] })
const items = (all: Record<string, Item>) => new Map(Object.entries(all))

describe('live changes between two pictures', () => {
  it('are what is new, what is another object, and what is gone', () => {
    const same = anItem('same')
    const [old, young, gone, fresh] = [anItem('old'), anItem('young'), anItem('gone'), anItem('fresh')]
    const found = diff(items({ same, changed: old, gone }), items({ same, changed: young, fresh }))
    assert.deepEqual(found, [
      { id: 'changed', before: old, after: young },
      { id: 'fresh', before: null, after: fresh },
      { id: 'gone', before: gone, after: null },
    ])
  })

  it('take an item over where it would be the same, and make it only where its sources are others', () => {
    const source = {}
    let made = 0
    const make = () => ({ target: target('alpha'), view: { count: (made += 0) } })
    const first = carry(undefined, [source, true], make)
    assert.equal(
      carry(first, [source, true], () => assert.fail('made again')),
      first,
    )
    assert.equal(carry(first, [{}, true], make), first, 'other sources, but the same view')
    made = 1
    const other = carry(first, [{}, true], () => ({ target: target('alpha'), view: { count: made } }))
    assert.notEqual(other, first)
    const moved = carry(first, [{}], () => ({ target: target('beta'), view: { count: 0 } }))
    assert.notEqual(moved, first, "the same view, but another tenant's")
  })

  it('C03 are told to those alone who may see them; what passes to another tenant is gone for the first', () => {
    const differences = diff(
      items({ moves: anItem('1', 'alpha'), leaves: anItem('2', 'beta'), stays: anItem('3', 'alpha') }),
      items({ moves: anItem('1', 'beta'), stays: anItem('4', 'alpha'), comes: anItem('5', 'beta') }),
    )
    const seenBy = (tenant: string) => {
      const { put, drop } = visible(differences, (of) => of?.tenantId === tenant)
      return { put: put.map(({ text }) => text), drop }
    }
    assert.deepEqual(seenBy('alpha'), { put: ['4'], drop: ['moves'] })
    assert.deepEqual(seenBy('beta'), { put: ['1', '5'], drop: ['leaves'] })
    assert.deepEqual(seenBy('gamma'), { put: [], drop: [] })
  })

  it('of a row without end are its newest, or unknown to whoever was away for too long', () => {
    const news = (...texts: string[]) => texts.map((text) => anItem(text))
    const textsSince = (before: Parameters<typeof since>[0], after: typeof before) =>
      since(before, after)?.map(({ text }) => text) ?? null
    const one = append(emptyTail, news('1', '2', '3'), 4)
    const two = append(one, news('4', '5'), 4)
    assert.deepEqual(textsSince(one, two), ['4', '5'])
    assert.deepEqual(textsSince(two, two), [])
    assert.deepEqual(
      two.items.map(({ text }) => text),
      ['2', '3', '4', '5'],
    )
    assert.deepEqual(textsSince(emptyTail, two), null)
    assert.deepEqual(textsSince(one, append(two, news('6', '7', '8'), 4)), null)
  })
})
