import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { StackLogLine, StacksView, StackView } from '#core/contract/api.ts'
import type { HostId, InstanceId, LayerDigest } from '#core/domain/ids.ts'
import { RECIPE_HASH } from '../../../../agent/stack.ts'
import { createApp, setCurrent } from '#core/store/apps.ts'
import { loadEvents } from '#core/store/events.ts'
import { heartbeat } from '#core/store/hosts.ts'
import { assignInstance, forgetInstance } from '#core/store/instances.ts'
import { createRelease } from '#core/store/releases.ts'
import { appendStackLog, reportStack } from '#core/store/stacks.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { aDesired, aHost, anApp, aSlug } from '../../../helpers/cluster.ts'

const OWN = 'debian-13-0123456789ab'

const HOST = 'host-a' as HostId

describe('stacks, by the API', () => {
  let api: TestApi

  beforeEach(async () => {
    api = await startApi()
    const ownImage = { name: OWN, digest: null, bytes: 50, debian: '13.1', builtAt: 0 }
    await heartbeat(api.context.store, aHost('host-a', { stack: OWN, stacks: [ownImage] }))
  })
  afterEach(() => api.stop())

  const call = async <T>(method: string, path: string, body?: unknown) => {
    const answer = await api.call(api.operator, method, `/v1${path}`, body)
    return { status: answer.status, body: answer.body as T & { code: string; detail: string } }
  }
  const list = async () => (await call<StacksView>('GET', '/stacks')).body
  const order = async () => (await call<StackView>('POST', '/stacks', {})).body.name
  /** What the host's agent does. */
  const build = async (name: string) => {
    const bytes = Buffer.from(name)
    const digest = createHash('sha256').update(bytes).digest('hex') as LayerDigest
    await api.context.layers.write(digest, Readable.from(bytes))
    const report = { state: 'built' as const, at: 1, digest, bytes: bytes.length, debian: '13.2', recipe: RECIPE_HASH }
    assert.ok(await reportStack(api.context.store, HOST, name, report))
    return digest
  }
  const serve = async (stack: string) => {
    const app = anApp()
    await createApp(api.context.store, app, 0)
    const release = {
      appId: app.id,
      slug: { ...aSlug(), stack },
      config: {},
      commit: null,
      description: '',
      actor: '',
      createdAt: 0,
      deployId: 'd-one' as never,
    }
    await createRelease(api.context.store, release, null)
    await setCurrent(api.context.store, app.id, { release: 1, generation: 0, since: 0 })
    return app
  }

  it('are ordered from a host that takes work, named by day and number, and followed to their end', async () => {
    const names = [await order(), await order()]
    const day = new Date().toISOString().slice(0, 10).replaceAll('-', '')
    assert.deepEqual(names, [`debian-13-${day}-1`, `debian-13-${day}-2`])
    assert.deepEqual(api.told[0], { host: 'host-a', job: { kind: 'stack', stack: names[0] } })
    const [name = ''] = names
    await appendStackLog(api.context.store, name, 'Setting up curl')
    const following = call<string>('GET', `/stacks/${name}/log`)
    await build(name)
    const lines = String((await following).body)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as StackLogLine)
    assert.deepEqual(lines[0], { line: 'Setting up curl' })
    assert.equal(lines[1] && 'end' in lines[1] && lines[1].end.state, 'built')
    assert.equal((await call('POST', '/stacks', { host: 'nowhere' })).status, 404)
  })

  it('come into use once they are built, are left by going back, and every app is told', async () => {
    const app = await serve('debian-13-0000')
    const name = await order()
    assert.equal((await call('PATCH', '/stacks', { use: name })).body.code, 'STACK_NOT_BUILT')
    assert.equal((await call('PATCH', '/stacks', { rollback: true })).body.code, 'NO_EARLIER_STACK')
    assert.equal((await call('PATCH', '/stacks', {})).status, 400)
    await build(name)
    const woken = api.wakes
    assert.equal((await call<StacksView>('PATCH', '/stacks', { use: name })).body.current, name)
    assert.equal(api.wakes, woken + 1)
    assert.equal((await call<StacksView>('PATCH', '/stacks', { rollback: true })).body.current, null)
    assert.equal((await call<StacksView>('PATCH', '/stacks', { rollback: true })).body.current, name)
    assert.equal((await call<StacksView>('PATCH', '/stacks', { use: OWN })).body.current, null)
    const events = await loadEvents(api.context.store, app.id, { limit: 10, kinds: ['stackChanged'] })
    assert.equal(events.length, 4)
    assert.match(events.at(-1)?.text ?? '', new RegExp(`moves to the stack ${name}`))
  })

  it('of another Debian release than an app was built on are refused, unless forced', async () => {
    await serve('debian-12-0000')
    const name = await order()
    await build(name)
    const refused = await call('PATCH', '/stacks', { use: name })
    assert.equal(refused.body.code, 'STACK_INCOMPATIBLE')
    assert.match(refused.body.detail, /apps were built on: shop/)
    assert.equal((await call('PATCH', '/stacks', { use: name, force: true })).status, 200)
  })

  it('are kept while anything needs them, and go with their bytes', async () => {
    const { store, layers } = api.context
    const name = await order()
    const destroy = () => call('DELETE', `/stacks/${name}`)
    assert.match((await destroy()).body.detail, /it is being built/)
    const digest = await build(name)
    await call('PATCH', '/stacks', { use: name })
    assert.match((await destroy()).body.detail, /it is the stack in use/)
    const heir = await order()
    await call('PATCH', '/stacks', { rollback: true })
    assert.match((await destroy()).body.detail, new RegExp(`${heir} is being built from it`))
    await reportStack(store, HOST, heir, { state: 'failed', at: 1, error: 'no' })
    const user = aDesired({ id: 'i-one' as InstanceId, stack: name })
    await assignInstance(store, user)
    assert.match((await destroy()).body.detail, /1 instances still run on it/)
    const shown = (await list()).stacks.map((stack) => [stack.name, stack.state, stack.own, stack.instances])
    assert.deepEqual(
      shown.sort(),
      [
        [OWN, 'built', true, 0],
        [name, 'built', false, 1],
        [heir, 'failed', false, 0],
      ].sort(),
    )
    await forgetInstance(store, user)
    assert.equal((await destroy()).status, 204)
    assert.equal(await layers.size(digest), null)
    // What its host still says of it does not bring half of it back.
    assert.equal(await reportStack(store, HOST, name, { state: 'building', at: 1 }), false)
    assert.equal((await call('GET', `/stacks/${name}`)).status, 404)
  })
})
