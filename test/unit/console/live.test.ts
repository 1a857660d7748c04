import assert from 'node:assert/strict'
import type { LiveTopics } from '#core/contract/live.ts'
import { Collection } from '../../../console/src/live/collection.ts'
import { createSseReader, type SseEvent } from '../../../console/src/live/sse.ts'
import { createLiveStore, flush, take } from '../../../console/src/live/store.ts'

describe('Server-sent events, read by the console', () => {
  const read = (...pieces: string[]): SseEvent[] => {
    const events: SseEvent[] = []
    const reader = createSseReader((event) => events.push(event))
    for (const piece of pieces) reader(piece)
    return events
  }

  it('are the same wherever the stream was cut', () => {
    const text = 'event: apps\r\ndata: {"put":[]}\r\n\r\n: a comment\n\nevent: hosts\ndata: 1\ndata: 2\n\n'
    const whole = read(text)
    assert.deepEqual(whole, [
      { event: 'apps', data: '{"put":[]}' },
      { event: 'hosts', data: '1\n2' },
    ])
    for (let at = 1; at < text.length; at++)
      assert.deepEqual(read(text.slice(0, at), text.slice(at)), whole, `cut at ${at}`)
  })

  it('are none while the empty line is missing, and none of comments alone', () => {
    assert.deepEqual(read('event: apps\ndata: 1\n'), [])
    assert.deepEqual(read(':\n\nretry: 2000\n\n'), [])
  })
})

describe('The console’s store of what is live', () => {
  type Thing = { id: string; host: string; value: number }
  const thing = (id: string, host: string, value = 0): Thing => ({ id, host, value })
  const collection = (): Collection<Thing> =>
    new Collection<Thing>({ idOf: ({ id }) => id, indexes: { host: ({ host }) => host } })

  it('tells each listener only of what it listens to, and once for many changes', () => {
    const things = collection()
    const told: string[] = []
    for (const channel of ['*', 'id:a', 'id:b', 'host:h1', 'host:h2']) things.listen(channel, () => told.push(channel))
    things.apply({ put: [thing('a', 'h1')], drop: [] })
    things.apply({ put: [thing('a', 'h1', 1)], drop: [] })
    assert.deepEqual(told, [], 'nothing is told before the frame')
    things.flush()
    assert.deepEqual(told.sort(), ['*', 'host:h1', 'id:a'])
    things.flush()
    assert.equal(told.length, 3)
  })

  it('moves a thing from one key of an index to another', () => {
    const things = collection()
    things.apply({ put: [thing('a', 'h1'), thing('b', 'h1')], drop: [] })
    things.apply({ put: [thing('a', 'h2')], drop: [] })
    assert.deepEqual(
      things.within('host:h1').map(({ id }) => id),
      ['b'],
    )
    assert.deepEqual(
      things.within('host:h2').map(({ id }) => id),
      ['a'],
    )
    things.apply({ put: [], drop: ['b'] })
    assert.deepEqual([...things.counts('host')], [['h2', 1]])
  })

  it('forgets on a reset what the stream does not say again, and tells those who showed it', () => {
    const things = collection()
    things.apply({ put: [thing('a', 'h1'), thing('b', 'h1')], drop: [] })
    things.flush()
    let told = 0
    things.listen('id:b', () => told++)
    things.apply({ reset: true, put: [thing('a', 'h1', 5)], drop: [] })
    things.flush()
    assert.equal(things.get('b'), undefined)
    assert.equal(things.get('a')?.value, 5)
    assert.equal(told, 1)
  })

  it('names first who sums all up, then who shows some; and does not tell who has left meanwhile', () => {
    const things = collection()
    const told: string[] = []
    const leave = things.listen('id:a', () => told.push('id:a'))
    for (const channel of ['host:h1', '*']) things.listen(channel, () => told.push(channel))
    things.apply({ put: [thing('a', 'h1')], drop: [] })
    const { ofAll, ofSome } = things.changed()
    leave()
    for (const tell of [...ofAll, ...ofSome]) tell()
    assert.deepEqual(told, ['*', 'host:h1'])
    assert.deepEqual(things.changed(), { ofAll: [], ofSome: [] })
  })

  it('gives the same list while nothing changed, so that nothing is drawn for it', () => {
    const things = collection()
    things.apply({ put: [thing('a', 'h1')], drop: [] })
    things.flush()
    assert.equal(things.all(), things.all())
    const before = things.all()
    things.apply({ put: [thing('a', 'h1', 1)], drop: [] })
    things.flush()
    assert.notEqual(things.all(), before)
  })

  it('keeps the newest events and only so many, though they have no ids', () => {
    const store = createLiveStore()
    const event = (n: number) => ({ app: 'shop', at: `t${n}`, text: String(n) }) as LiveTopics['events']
    const put = Array.from({ length: 400 }, (_, n) => event(n))
    assert.ok(take(store, 'events', JSON.stringify({ reset: true, put, drop: [] })))
    assert.ok(take(store, 'events', JSON.stringify({ put: [event(400)], drop: [] })))
    flush(store)
    assert.equal(store.events.size, 300)
    assert.equal(store.events.all().at(-1)?.text, '400')
    assert.equal(store.events.all()[0]?.text, '101')
  })

  it('takes nothing that is no message, and nothing of a topic that it does not know', () => {
    const store = createLiveStore()
    assert.equal(take(store, 'apps', 'not json'), false)
    assert.equal(take(store, '__proto__', '{"put":[]}'), false)
    assert.equal(take(store, 'message', '{"put":[]}'), false)
    assert.equal(store.apps.known, false)
    assert.ok(take(store, 'apps', '{"reset":true,"put":[],"drop":[]}'))
    assert.equal(store.apps.known, true, 'an empty answer is an answer')
  })
})
