import assert from 'node:assert/strict'
import type { EventView } from '#core/contract/api.ts'
import { KEEP_EVENTS } from '#core/domain/event.ts'
import type { AppName } from '#core/domain/ids.ts'
import { findApp, removeApp } from '#core/store/apps.ts'
import { appendEvent, loadEvents } from '#core/store/events.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { anEvent } from '../../../helpers/events.ts'

describe('the events of an app', () => {
  let api: TestApi

  before(async () => {
    api = await startApi()
  })
  after(() => api.stop())

  const newApp = async (name: string) => {
    await api.call(api.operator, 'POST', '/v1/apps', { name })
    const app = await findApp(api.context.store, name as AppName)
    assert.ok(app)
    return app
  }
  const events = async (path: string) => {
    const { status, body } = await api.call(api.operator, 'GET', `/v1/apps/${path}`)
    assert.equal(status, 200, JSON.stringify(body))
    return (body as { events: EventView[] }).events
  }

  it('come newest first, and can be asked for by number, kind and time', async () => {
    const { id } = await newApp('told')
    const { store } = api.context
    for (const [at, kind] of [
      [1000, 'started'],
      [2000, 'outOfMemory'],
      [3000, 'started'],
    ] as const)
      await appendEvent(store, id, anEvent({ at, kind }))
    const times = async (query: string) => (await events(`told/events${query}`)).map(({ at }) => Date.parse(at))
    assert.deepEqual(await times(''), [3000, 2000, 1000])
    assert.deepEqual(await times('?n=1'), [3000])
    assert.deepEqual(await times('?kind=outOfMemory'), [2000])
    assert.deepEqual(await times('?since=1970-01-01T00:00:02Z'), [3000, 2000])
    assert.equal((await api.call(api.operator, 'GET', '/v1/apps/told/events?kind=tired')).status, 400)
  })

  it('are kept up to a number, and none is large, whatever an app prints', async () => {
    const { id } = await newApp('loud')
    const { store } = api.context
    const lastOutput = Array.from({ length: 50 }, (_, line) => `${line}`.padEnd(5000, 'x'))
    for (let at = 1; at <= KEEP_EVENTS + 3; at++) await appendEvent(store, id, anEvent({ at, lastOutput }))
    const kept = await loadEvents(store, id, { limit: Number.MAX_SAFE_INTEGER })
    assert.equal(kept.length, KEEP_EVENTS)
    assert.equal(kept.at(-1)?.at, 4)
    assert.deepEqual(kept[0]?.lastOutput.length, 10)
    assert.ok(JSON.stringify(kept[0]).length < 6000)
  })

  it('go with the app, and one that comes late does not bring them back', async () => {
    const app = await newApp('gone')
    const { store } = api.context
    await appendEvent(store, app.id, anEvent())
    await removeApp(store, app, Date.now())
    await appendEvent(store, app.id, anEvent())
    assert.deepEqual(await loadEvents(store, app.id, { limit: 10 }), [])
  })
})
