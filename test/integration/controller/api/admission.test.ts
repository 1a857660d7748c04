import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unavailable } from '#core/domain/errors.ts'
import type { AppId, HostId, InstanceId } from '#core/domain/ids.ts'
import { silentLog } from '#core/runtime/log.ts'
import { keys } from '#core/store/keys.ts'
import { beAdmitted, knownRedisUrl } from '../../../../agent/admission.ts'
import { createControllerClient } from '../../../../agent/controller-client.ts'
import type { JobsKey } from '../../../../agent/orders.ts'
import type { TestAgent } from '../../../helpers/agents.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { aDesired } from '../../../helpers/cluster.ts'

/** As the agent's own, without renewing what it shows. */
const doorOf = (agent: TestAgent): Parameters<typeof createControllerClient>[0] => ({
  url: 'https://controller.invalid',
  async ask(path, { method = 'GET' }) {
    const { status, bytes } = await agent.call(method, path)
    return new Response(new Uint8Array(bytes), { status })
  },
})
const closed: Parameters<typeof createControllerClient>[0] = {
  url: 'https://controller.invalid',
  ask: () => Promise.reject(unavailable('The controller', 'ECONNREFUSED')),
}

const pemOf = (key: JobsKey) => key.current().export({ type: 'spki', format: 'pem' }).toString()

describe('An agent, before it begins', function () {
  this.timeout(60_000)
  let api: TestApi
  let home: string
  let agent: TestAgent
  before(async () => {
    api = await startApi()
    agent = await api.agentOf('host-a')
    home = await mkdtemp(join(tmpdir(), 'berth-admission-'))
  })
  after(async () => {
    await api.stop()
    await rm(home, { recursive: true, force: true })
  })

  it('C16 is told by its controller with which key jobs are signed, and goes on with that when it starts alone', async () => {
    const config = { home, hostId: 'host-a' as HostId, redisUrl: api.redis.url }
    const there = { config, controller: createControllerClient(doorOf(agent)), log: silentLog }
    const first = await beAdmitted(there)
    assert.equal(pemOf(first.key), api.context.jobsKey)
    const file = join(home, 'agent', 'admission.json')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    const away = { ...there, controller: createControllerClient(closed) }
    assert.equal(pemOf((await beAdmitted(away)).key), api.context.jobsKey)
    assert.doesNotMatch(await readFile(file, 'utf8'), /PRIVATE/)
  })

  it('C15 speaks to Redis as the URL says, where all share one', async () => {
    const config = { home, hostId: 'host-a' as HostId, redisUrl: api.redis.url }
    assert.equal(await knownRedisUrl(config), api.redis.url)
    const { status, body } = await agent.call('POST', '/internal/store-login', {})
    assert.deepEqual([status, body], [200, { login: null }])
  })

  it('C16 finds no code to run for desired state that somebody has put into Redis', async () => {
    const forged = aDesired({ id: 'i-forged' as InstanceId, appId: 'a-none' as AppId })
    await api.context.store.hset(keys.instance(forged.id), 'desired', JSON.stringify(forged))
    const { status } = await agent.call('GET', '/internal/instances/i-forged/launch')
    assert.equal(status, 404)
  })
})
