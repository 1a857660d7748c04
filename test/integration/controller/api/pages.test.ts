import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { EventView } from '#core/contract/api.ts'
import { makeId, type AppName, type DeployId, type TenantId } from '#core/domain/ids.ts'
import { findApp } from '#core/store/apps.ts'
import { createDeploy } from '#core/store/deploys.ts'
import { appendEvent } from '#core/store/events.ts'
import { createTenant, newTenant } from '#core/store/tenants.ts'
import type { Deploy } from '#core/domain/release.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'

describe('lists of the API, in pages', function () {
  this.timeout(30_000)
  let api: TestApi
  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.stop())

  const get = async (path: string) =>
    (await api.call(api.operator, 'GET', `/v1${path}`)).body as Record<string, { name: string }[]> & { next?: string }
  const create = async (...names: string[]) => {
    for (const name of names) await api.call(api.operator, 'POST', '/v1/apps', { name })
  }
  /** Follows `next` to the end. */
  async function all<T>(path: string, list: string, eachPage: (page: number) => Promise<void> = async () => {}) {
    const found: T[] = []
    for (let next: string | undefined = '', page = 1; next !== undefined; page++) {
      const separator = path.includes('?') ? '&' : '?'
      const body = (await get(path + (next === '' ? '' : `${separator}cursor=${next}`))) as unknown as Record<
        string,
        T[]
      > & {
        next?: string
      }
      found.push(...(body[list] ?? []))
      await eachPage(page)
      next = body.next
      assert.ok(page < 100, 'it ends')
    }
    return found
  }
  const names = (views: { name: string }[]) => views.map(({ name }) => name)

  it('answer as ever to whoever asks for no page', async () => {
    await create('alpha', 'beta')
    const body = await get('/apps')
    assert.deepEqual(names(body['apps'] ?? []), ['alpha', 'beta'])
    assert.equal('next' in body, false)
  })

  it('show each thing once, whatever is added and destroyed meanwhile', async () => {
    await create('bb', 'dd', 'ff', 'hh')
    const found = await all<{ name: string }>('/apps?limit=2', 'apps', async (page) => {
      if (page !== 1) return
      // Before what was shown, behind it, and the very one that the cursor names.
      await create('aa', 'gg')
      await api.call(api.operator, 'DELETE', '/v1/apps/dd?confirm=dd')
    })
    assert.deepEqual(names(found), ['bb', 'dd', 'ff', 'gg', 'hh'])
  })

  it('go through what happened to an app, although events have no names', async () => {
    await create('shop')
    const app = await findApp(api.context.store, 'shop' as AppName)
    assert.ok(app)
    const event = { kind: 'scaled', process: null, instance: null, host: null, release: null, actor: null } as const
    // Several at one moment.
    for (let n = 1; n <= 7; n++)
      await appendEvent(api.context.store, app.id, { ...event, at: n < 5 ? 1 : 2, text: `event ${n}`, lastOutput: [] })
    const found = await all<EventView>('/apps/shop/events?limit=2', 'events')
    assert.deepEqual(
      found.map(({ text }) => text),
      [7, 6, 5, 4, 3, 2, 1].map((n) => `event ${n}`),
    )
  })

  it('find builds among many other deploys', async () => {
    await create('shop')
    const app = await findApp(api.context.store, 'shop' as AppName)
    assert.ok(app)
    const ids: string[] = []
    for (let n = 0; n < 12; n++) {
      const isBuild = n % 4 === 0
      const id = makeId('d', randomBytes(13)) as DeployId
      if (isBuild) ids.unshift(id)
      await createDeploy(api.context.store, {
        id,
        appId: app.id,
        kind: isBuild ? 'push' : 'config',
        state: 'queued',
        source: isBuild ? 'e'.repeat(64) : null,
        createdAt: n,
        endedAt: null,
        startedAt: null,
        buildHost: null,
        commit: null,
        release: null,
        error: null,
        phases: [],
        actor: 'ada',
        description: '',
      } as unknown as Deploy)
    }
    const found = await all<{ id: string }>('/apps/shop/builds?limit=1', 'builds')
    assert.deepEqual(
      found.map(({ id }) => id),
      ids,
    )
    assert.equal((await all('/apps/shop/deploys?limit=5', 'deploys')).length, 12)
  })

  it('go through tenants and tokens', async () => {
    for (const id of ['one', 'two', 'three']) await createTenant(api.context.store, newTenant(id as TenantId, 0))
    for (const n of [1, 2, 3]) await api.call(api.operator, 'POST', '/v1/tokens', { description: `token ${n}` })
    const tenants = await all<{ id: string }>('/tenants?limit=1', 'tenants')
    assert.deepEqual(
      tenants.map(({ id }) => id),
      ['default', 'one', 'three', 'two'],
    )
    const whole = await get('/tokens')
    assert.deepEqual(await all('/tokens?limit=2', 'tokens'), whole['tokens'])
  })

  it('refuse a cursor that is none, that was changed, or that is another list’s', async () => {
    await create('alpha', 'beta')
    const { next } = await get('/apps?limit=1')
    for (const cursor of ['nonsense', `${String(next)}x`, Buffer.from('["tokens","t-1",1]').toString('base64url')]) {
      const answer = await api.call(api.operator, 'GET', `/v1/apps?cursor=${cursor}`)
      assert.deepEqual([answer.status, answer.body.code], [400, 'CURSOR_REFUSED'], cursor)
    }
    const tooMany = await api.call(api.operator, 'GET', '/v1/apps?limit=100000')
    assert.deepEqual([tooMany.status, tooMany.body.code], [400, 'BAD_REQUEST'])
    assert.match(String(tooMany.body.detail), /limit: .*1000/)
  })
})
