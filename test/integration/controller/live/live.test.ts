import assert from 'node:assert/strict'
import type { LiveChange, LiveTopic } from '#core/contract/live.ts'
import type { App } from '#core/domain/app.ts'
import type { AppName, TokenId } from '#core/domain/ids.ts'
import { findApp, removeApp, setFormation } from '#core/store/apps.ts'
import { loadDeploys, saveDeploy } from '#core/store/deploys.ts'
import { appendEvent } from '#core/store/events.ts'
import { heartbeat } from '#core/store/hosts.ts'
import { assignInstance, forgetInstance, reportInstance } from '#core/store/instances.ts'
import { removeToken } from '#core/store/tokens.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { openEvents, type EventSource } from '../../../helpers/event-source.ts'
import { anEvent } from '../../../helpers/events.ts'
import { aLiveHost, aRunningReport, anInstanceOf } from '../../../helpers/instances.ts'

describe('live changes', function () {
  this.timeout(60_000)
  let api: TestApi
  let member: string
  let other: string
  const open: EventSource[] = []

  before(async () => {
    api = await startApi()
    member = await api.member('alpha')
    other = await api.member('beta')
    await api.call(member, 'POST', '/v1/apps', { name: 'shop' })
    await api.call(other, 'POST', '/v1/apps', { name: 'blog' })
    await heartbeat(api.context.store, aLiveHost)
  })
  afterEach(() => {
    for (const source of open.splice(0)) source.close()
  })
  after(() => api.stop())

  const follow = async (token: string, query: string): Promise<EventSource> => {
    const source = await openEvents(`${api.url}/v1/live?${query}`, token)
    assert.equal(source.response.statusCode, 200)
    open.push(source)
    return source
  }
  /** The next change of a topic in which something is told that is wanted. */
  const change = async <Topic extends LiveTopic>(
    source: EventSource,
    topic: Topic,
    wanted: (change: LiveChange<Topic>) => boolean = () => true,
  ): Promise<LiveChange<Topic>> => {
    const { data } = await source.next(({ event, data }) => event === topic && wanted(data as LiveChange<Topic>))
    return data as LiveChange<Topic>
  }
  const appOf = async (name: string): Promise<App> => {
    const app = await findApp(api.context.store, name as AppName)
    assert.ok(app)
    return app
  }

  it('begins with all that there is, and goes on with what is new, different and gone', async () => {
    const { store } = api.context
    const source = await follow(api.operator, 'topics=hosts,apps,instances')
    assert.match(source.response.headers['content-type'] ?? '', /^text\/event-stream/)
    assert.deepEqual(
      (await change(source, 'hosts')).put.map(({ id, live }) => [id, live]),
      [['host-1', true]],
    )
    const apps = await change(source, 'apps')
    assert.equal(apps.reset, true)
    assert.deepEqual(apps.put.map(({ name }) => name).sort(), ['blog', 'shop'])
    assert.match(apps.put[0]?.gitUrl ?? '', /^http:\/\/127\.0\.0\.1:\d+\/git\/(blog|shop)\.git$/)
    assert.deepEqual(await change(source, 'instances'), { reset: true, put: [], drop: [] })

    const desired = anInstanceOf(await appOf('shop'), 1)
    await assignInstance(store, desired)
    const made = await change(source, 'instances')
    assert.deepEqual([made.reset, made.put.map(({ id, state }) => [id, state])], [undefined, [[desired.id, 'pending']]])
    await reportInstance(store, aLiveHost.id, desired.id, aRunningReport)
    assert.deepEqual(
      (await change(source, 'instances')).put.map(({ id, state }) => [id, state]),
      [[desired.id, 'running']],
    )
    await forgetInstance(store, desired)
    assert.deepEqual(await change(source, 'instances'), { put: [], drop: [desired.id] })
  })

  it('tells of deploys while they go on and when they end, and of what happens to apps, the newest last', async () => {
    const { store } = api.context
    const app = await appOf('shop')
    await appendEvent(store, app.id, anEvent({ at: 1, text: 'before' }))
    const source = await follow(member, 'topics=deploys,events&app=shop')
    assert.deepEqual((await change(source, 'deploys')).put, [])
    const known = await change(source, 'events')
    assert.deepEqual([known.reset, known.put.at(-1)?.text, known.put.at(-1)?.app], [true, 'before', 'shop'])

    await api.context.deploys.submit(aRequest(app))
    const begun = await change(source, 'deploys')
    assert.deepEqual([begun.put[0]?.state, begun.put[0]?.app], ['queued', 'shop'])
    const [deploy] = await loadDeploys(store, app.id, 1)
    assert.ok(deploy)
    await saveDeploy(store, { ...deploy, state: 'succeeded', endedAt: Date.now() })
    assert.equal((await change(source, 'deploys')).put[0]?.state, 'succeeded')

    await appendEvent(store, app.id, anEvent({ at: 2, text: 'one' }))
    await appendEvent(store, app.id, anEvent({ at: 3, text: 'two' }))
    const news = [...(await change(source, 'events')).put]
    while (news.length < 2) news.push(...(await change(source, 'events')).put)
    assert.deepEqual(
      news.map(({ text }) => text),
      ['one', 'two'],
    )
  })

  it("C02 C03 shows nobody another tenant's, and hosts to operators alone", async () => {
    const { store } = api.context
    const [shop, blog] = [await appOf('shop'), await appOf('blog')]
    const source = await follow(member, '')
    assert.deepEqual(
      (await change(source, 'apps')).put.map(({ name }) => name),
      ['shop'],
    )
    await change(source, 'instances')
    await setFormation(store, blog, {}, await promisesOf(blog))
    await appendEvent(store, blog.id, anEvent({ text: 'secret of blog' }))
    await assignInstance(store, anInstanceOf(blog, 2))
    const own = anInstanceOf(shop, 3)
    await assignInstance(store, own)
    const seen = await change(source, 'instances')
    assert.deepEqual(
      seen.put.map(({ id }) => id),
      [own.id],
    )
    assert.doesNotMatch(source.text(), /blog|beta|host-1","hostname|event: hosts/)
    assert.equal((await api.call(member, 'GET', '/v1/live?topics=hosts')).status, 403)
    assert.equal((await api.call(member, 'GET', '/v1/live?app=blog')).status, 404)
    assert.equal((await api.call(null, 'GET', '/v1/live')).status, 401)
    const wrong = await api.call(member, 'GET', '/v1/live?topics=apps,weather')
    assert.deepEqual([wrong.status, /weather/.test(JSON.stringify(wrong.body))], [400, true])
  })

  it('forgets for its followers what passes out of their sight', async () => {
    const { store } = api.context
    await api.call(member, 'POST', '/v1/apps', { name: 'short-lived' })
    const app = await appOf('short-lived')
    const source = await follow(member, 'topics=apps')
    await change(source, 'apps')
    await removeApp(store, app, Date.now())
    assert.deepEqual(await change(source, 'apps'), { put: [], drop: [app.id] })
  })

  it('C06 ends as soon as its token is revoked', async () => {
    const made = await api.call(member, 'POST', '/v1/tokens', { description: 'for a moment' })
    const { id, token } = made.body as { id: TokenId; token: string }
    const source = await follow(token, 'topics=apps')
    await change(source, 'apps')
    await removeToken(api.context.store, id)
    await source.ended
    assert.equal((await api.call(token, 'GET', '/v1/live')).status, 401)
  })

  it('keeps no more streams for one caller than it can afford', async () => {
    const made = await api.call(member, 'POST', '/v1/tokens', { description: 'greedy' })
    const { token } = made.body as { token: string }
    for (let count = 0; count < 50; count++) await follow(token, 'topics=alerts')
    const refused = await api.call(token, 'GET', '/v1/live?topics=alerts')
    assert.deepEqual([refused.status, refused.body.code], [429, 'TOO_MANY_STREAMS'])
    open.splice(0, 1)[0]?.close()
    await until(async () => (await api.call(token, 'GET', '/v1/live?topics=alerts')).status === 200)
  })

  const promisesOf = async (app: App): Promise<number> =>
    Number((await api.context.store.get(`berth:tenant:${app.tenantId}:promises`)) ?? 0)
})

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await isTrue())) {
    assert.ok(Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const aRequest = (app: App) => ({
  app,
  kind: 'config' as const,
  actor: 'test',
  description: 'a deploy',
  commit: null,
  source: null,
  fromRelease: null,
  config: null,
})
