import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AppId, HostId, InstanceId } from '#core/domain/ids.ts'
import { silentLog } from '#core/runtime/log.ts'
import { keys } from '#core/store/keys.ts'
import { beAdmitted, knownRedisUrl } from '../../../../agent/admission.ts'
import { createControllerClient } from '../../../../agent/controller-client.ts'
import type { JobsKey } from '../../../../agent/orders.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { aDesired } from '../../../helpers/cluster.ts'

const pemOf = (key: JobsKey) => key.current().export({ type: 'spki', format: 'pem' }).toString()

describe('An agent, before it begins', function () {
  this.timeout(60_000)
  let api: TestApi
  let home: string
  before(async () => {
    api = await startApi()
    home = await mkdtemp(join(tmpdir(), 'berth-admission-'))
  })
  after(async () => {
    await api.stop()
    await rm(home, { recursive: true, force: true })
  })

  it('C16 is told by its controller with which key jobs are signed, and goes on with that when it starts alone', async () => {
    const config = { home, hostId: 'host-a' as HostId, redisUrl: api.redis.url }
    const there = { config, controller: createControllerClient(api.url, api.agent), log: silentLog }
    const first = await beAdmitted(there)
    assert.equal(pemOf(first.key), api.context.jobsKey)
    const file = join(home, 'agent', 'admission.json')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    const away = { ...there, controller: createControllerClient('http://127.0.0.1:1', api.agent) }
    assert.equal(pemOf((await beAdmitted(away)).key), api.context.jobsKey)
    assert.doesNotMatch(await readFile(file, 'utf8'), /PRIVATE/)
  })

  it('C15 speaks to Redis as the URL says, where all share one', async () => {
    const config = { home, hostId: 'host-a' as HostId, redisUrl: api.redis.url }
    assert.equal(await knownRedisUrl(config), api.redis.url)
    const { status, body } = await api.call(api.agent, 'POST', '/internal/hosts/host-a/store-login')
    assert.deepEqual([status, body], [200, { login: null }])
    assert.equal((await api.call(api.agent, 'POST', '/internal/hosts/Host_A/store-login')).status, 404)
  })

  it('C16 finds no code to run for desired state that somebody has put into Redis', async () => {
    const forged = aDesired({ id: 'i-forged' as InstanceId, appId: 'a-none' as AppId })
    await api.context.store.hset(keys.instance(forged.id), 'desired', JSON.stringify(forged))
    const { status } = await api.call(api.agent, 'GET', '/internal/instances/i-forged/launch')
    assert.equal(status, 404)
  })
})
