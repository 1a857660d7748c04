import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { WebSocket } from 'ws'
import { admitAgentsTo } from '../../../../controller/agents/admit.ts'
import { holdersOf } from '../../../../controller/agents/holdings.ts'
import { agentOperations, judgeAgent, type AgentNeed, type AgentOperation } from '#core/domain/agent-access.ts'
import { makeId, type DeployId, type HostId, type InstanceId, type LayerDigest } from '#core/domain/ids.ts'
import { createDeploy, loadDeploy } from '#core/store/deploys.ts'
import { assignInstance } from '#core/store/instances.ts'
import { createRelease } from '#core/store/releases.ts'
import { giveBuild, startListener, type TestAgent, type TestListener } from '#test/helpers/agents.ts'
import { endDeploy, startApi, type TestApi } from '#test/helpers/api.ts'
import { aDesired, aSlug } from '#test/helpers/cluster.ts'
import { anAppOf } from '#test/helpers/tokens.ts'

const own = 'host-a' as HostId
const SESSION = 'x-aaaaaaaaaaaaa'

/** Everything that an agent may ask, asked by the host whose it is, by another, by a host that was removed, and by nobody. */
describe('C17 every operation of agents', function () {
  this.timeout(60_000)
  let api: TestApi
  let listener: TestListener
  const names = {} as Record<'instance' | 'run' | 'deploy' | 'digest' | 'buildpack' | 'session', string>
  const who = {} as Record<'owner' | 'other' | 'removed' | 'nobody', TestAgent>

  before(async () => {
    api = await startApi()
    const { context } = api
    listener = await startListener(context, {
      hostOfSession: (id) => (id === SESSION ? own : null),
      admit: () => Promise.resolve((socket: WebSocket) => socket.close(1000)),
    })
    who.owner = await listener.agent(own)
    who.other = await listener.agent('host-b')
    who.removed = await listener.agent('host-c')
    who.nobody = listener.caller({})
    await api.call(api.operator, 'POST', '/v1/hosts/host-c/revoke')
    await placeAll()
  })
  after(async () => {
    await listener?.stop()
    await api?.stop()
  })

  /** One of each, all of them the first host's. */
  async function placeAll(): Promise<void> {
    const { store, layers, sources } = api.context
    await api.member('alpha')
    const appId = await anAppOf(api, 'alpha', 'shop')
    const bytes = randomBytes(1000)
    const digest = createHash('sha256').update(bytes).digest('hex') as LayerDigest
    await layers.write(digest, Readable.from([bytes]))
    const slug = { ...aSlug(), layers: [{ digest, bytes: 1000, kind: 'app' as const }] }
    const release = await createRelease(
      store,
      {
        appId,
        slug,
        config: {},
        commit: null,
        description: 'x',
        actor: 'x',
        createdAt: 1,
        deployId: 'd-x' as DeployId,
      },
      null,
    )
    const instance = makeId('i', randomBytes(13)) as InstanceId
    await assignInstance(store, { ...aDesired(), id: instance, appId, hostId: own, release: release ?? 0 })
    const deploy = await aDeploy(appId)
    await sources.keep(deploy, Readable.from([Buffer.from('source')]))
    await giveBuild(api.context, own, deploy)
    Object.assign(names, { instance, run: instance, deploy, digest, buildpack: 'none', session: SESSION })
  }

  async function aDeploy(appId: ReturnType<typeof aDesired>['appId']): Promise<DeployId> {
    const id = makeId('d', randomBytes(13)) as DeployId
    const { body } = await api.call(api.operator, 'PATCH', '/v1/apps/shop/config', { A: 'b' })
    const queued = await loadDeploy(api.context.store, body.deploy.id as DeployId)
    assert.ok(queued)
    await createDeploy(api.context.store, { ...queued, id, appId, kind: 'push', commit: 'c'.repeat(40), config: null })
    return id
  }

  const pathOf = (operation: AgentOperation) =>
    `/internal${(operation.split(' ')[1] ?? '').replace(/:(\w+)/g, (_, name: keyof typeof names) => names[name])}`

  async function visit(agent: TestAgent, operation: AgentOperation): Promise<string> {
    const [method = ''] = operation.split(' ')
    const status =
      method === 'SESSION' ? await opening(agent, operation) : await asking(agent, method as 'GET', operation)
    if (status === 401) return 'unknown'
    return status === 404 ? 'hidden' : 'let in'
  }

  async function asking(agent: TestAgent, method: 'GET' | 'PUT' | 'POST', operation: AgentOperation): Promise<number> {
    const body = method === 'PUT' ? Buffer.from('x') : method === 'POST' ? {} : undefined
    const { status, body: said } = await agent.call(method, pathOf(operation), body)
    // There is no such buildpack; whoever is let in is told just that.
    return status === 404 && /There is no buildpack "none"/.test(String(said?.detail)) ? 200 : status
  }

  async function opening(agent: TestAgent, operation: AgentOperation): Promise<number> {
    const socket = agent.open(pathOf(operation))
    socket.on('error', () => {})
    const refused = once(socket, 'unexpected-response') as Promise<[unknown, { statusCode: number; destroy(): void }]>
    const opened = once(socket, 'open').then(() => 101)
    const status = await Promise.race([
      opened,
      refused.then(([, response]) => (response.destroy(), response.statusCode)),
    ])
    socket.terminate()
    return status
  }

  const expected = (need: AgentNeed): Record<keyof typeof who, string> => {
    if (need === 'joining') return { owner: 'let in', other: 'let in', removed: 'let in', nobody: 'let in' }
    const isOwn = need !== 'itself'
    return { owner: 'let in', other: isOwn ? 'hidden' : 'let in', removed: 'unknown', nobody: 'unknown' }
  }

  for (const [operation, need] of Object.entries(agentOperations) as [AgentOperation, AgentNeed][])
    it(`${operation} is for ${need === 'joining' ? 'whoever joins' : 'the host whose it is'}`, async () => {
      const seen = {} as Record<string, string>
      for (const one of ['nobody', 'removed', 'other', 'owner'] as const) seen[one] = await visit(who[one], operation)
      // A join without a token is refused as one, and not as an agent's.
      if (operation === 'POST /join') return assert.deepEqual(new Set(Object.values(seen)), new Set(['let in']))
      assert.deepEqual(seen, { ...expected(need) })
    })

  it('starts nothing that is not declared', () => {
    const admission = { store: api.context.store, now: Date.now, watch: listener.watch, hostOfSession: () => null }
    assert.throws(() => admitAgentsTo('GET /everything', admission), /GET \/everything is not declared/)
  })

  it('gives a host what belongs to it only as long as it does', async () => {
    const context = { store: api.context.store, hostOfSession: () => null }
    const holds = async (need: AgentNeed, id: string, host = own) =>
      judgeAgent(host, need, await holdersOf(need, id, host, context))
    assert.equal(await holds('build', names.deploy), 'allowed')
    assert.equal(await holds('layer', names.digest), 'allowed')
    for (const strange of ['..%2f', 'A', '', 'i-none']) assert.equal(await holds('instance', strange), 'hidden')
    const deploy = await loadDeploy(api.context.store, names.deploy as DeployId)
    assert.ok(deploy)
    await endDeploy(api, deploy, { state: 'failed', buildHost: own })
    assert.equal(await holds('build', names.deploy), 'hidden')
    assert.equal(await holds('building', ''), 'hidden')
  })
})
