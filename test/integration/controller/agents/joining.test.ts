import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { X509Certificate } from 'node:crypto'
import { openIdentity } from '../../../../agent/identity/index.ts'
import { identityFile } from '../../../../agent/identity/file.ts'
import { makeKeys } from '../../../../agent/identity/keys.ts'
import { loadAuthority } from '../../../../controller/agents/authority.ts'
import type { ApiContext } from '../../../../controller/api/context.ts'
import type { JoinTokenView } from '#core/contract/enrolment.ts'
import { JOIN_WITHIN_MS } from '#core/domain/agent-access.ts'
import type { HostId } from '#core/domain/ids.ts'
import { ownApiUrl } from '#core/runtime/config.ts'
import { silentLog } from '#core/runtime/log.ts'
import { heartbeat } from '#core/store/hosts.ts'
import { keys } from '#core/store/keys.ts'
import { startListener, withFolder, type TestListener } from '#test/helpers/agents.ts'
import { startApi, type TestApi } from '#test/helpers/api.ts'
import { aHost } from '#test/helpers/cluster.ts'

describe('C17 how machines become hosts', function () {
  this.timeout(60_000)
  let api: TestApi
  let listener: TestListener
  let shift = 0
  let context: ApiContext

  before(async () => {
    api = await startApi()
    const { random } = api.context
    const now = () => Date.now() + shift
    context = {
      ...api.context,
      now,
      authority: await loadAuthority(joinPath(api.home, 'agents-authority'), { random, now }),
    }
    listener = await startListener(context)
  })
  after(async () => {
    await listener?.stop()
    await api?.stop()
  })
  beforeEach(() => {
    shift = 0
  })

  const settings = (home: string, host: string, joinToken: string | null = null) => ({
    home,
    hostId: host as HostId,
    controllerUrl: listener.url,
    joinToken,
    apiAddress: '127.0.0.1',
    apiPort: Number(new URL(api.url).port),
  })
  const added = async (host: string) =>
    (await api.call(api.operator, 'POST', '/v1/hosts', { host })).body as JoinTokenView
  const tokenFor = async (host: string) => (await added(host)).token
  const joining = async (token: string, host: string) =>
    listener.caller({}).call('POST', '/internal/join', { token, host, publicKey: (await makeKeys()).publicKey })

  it('by a token that an operator makes, good once, for one name, within ten minutes', async () => {
    const body = await added('host-a')
    assert.match(body.token, /^berth_j-[a-z2-7]{13}_[0-9a-f]{64}_[0-9a-f]{64}$/)
    assert.equal(body.replaces, false)
    assert.ok(Date.parse(body.expiresAt) - Date.now() <= JOIN_WITHIN_MS)
    const refused = async (token: string, host: string, why: string) => {
      const answer = await joining(token, host)
      assert.deepEqual([answer.status, answer.body.code], [401, 'JOIN_TOKEN_REFUSED'], why)
      assert.match(String(answer.body.detail), /berth hosts:add/)
    }
    await refused(body.token, 'host-b', 'for another host')
    await refused(body.token.replace(/_[0-9a-f]{64}_/, `_${'0'.repeat(64)}_`), 'host-a', 'with another secret')
    await refused('berth', 'host-a', 'that is none')
    shift = JOIN_WITHIN_MS + 1000
    await refused(body.token, 'host-a', 'too old')
    shift = 0
    const weak = await listener
      .caller({})
      .call('POST', '/internal/join', { token: body.token, host: 'host-a', publicKey: 'x' })
    assert.equal(weak.status, 400)
    const both = await Promise.all([joining(body.token, 'host-a'), joining(body.token, 'host-a')])
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 401])
    await refused(body.token, 'host-a', 'used twice')
    assert.equal((await added('host-a')).replaces, true)
    await api.call(api.operator, 'POST', '/v1/hosts/host-a/revoke')
  })

  it('keeps no secret of the token, and writes down who let whom in', async () => {
    const token = await tokenFor('host-l')
    const [, , secret = ''] = token.split('_')
    assert.doesNotMatch((await api.context.store.get(keys.joinToken('host-l' as HostId))) ?? '', new RegExp(secret))
    assert.equal((await joining(token, 'host-l')).status, 200)
    const { body } = await api.call(api.operator, 'GET', '/v1/audit?limit=2')
    const [joined, made] = body.entries
    assert.deepEqual([made.operation, made.target.host], ['POST /hosts', 'host-l'])
    assert.deepEqual([joined.operation, joined.actor.kind, joined.target], ['join as a host', 'agent', { host: 'host-l', by: 'operator' }]) // prettier-ignore
    assert.doesNotMatch(JSON.stringify(body), new RegExp(secret))
  })

  it('tells the secret to nobody but the controller that made the token', async () => {
    const token = await tokenFor('host-p')
    const pinned = token.replace(/[0-9a-f]{64}$/, 'f'.repeat(64))
    await withFolder(async (home) => {
      await assert.rejects(
        openIdentity({ config: settings(home, 'host-p', pinned), log: silentLog, now: Date.now }),
        /is not the controller that made the join token.*BERTH_CONTROLLER_URL/,
      )
    })
    assert.equal((await joining(token, 'host-p')).status, 200, 'it was not spent')
  })

  it('keeps its key to itself, and is the same host after a restart', () =>
    withFolder(async (home) => {
      const file = joinPath(home, 'join-token')
      await writeFile(file, `${await tokenFor('host-k')}\n`)
      const open = () => openIdentity({ config: settings(home, 'host-k'), log: silentLog, now: Date.now })
      const first = await open()
      await first.stop()
      assert.equal((await stat(identityFile(home))).mode & 0o777, 0o600)
      await assert.rejects(stat(file), 'a token that was spent is removed')
      const second = await open()
      assert.equal((await second.ask('/internal/instances/i-none/launch', {}, AbortSignal.timeout(9000))).status, 404)
      await second.stop()
    }))

  it('is by itself on the controller’s own machine, also when the store has forgotten it', () =>
    withFolder(async (home) => {
      const config = settings(home, 'host-o')
      await assert.rejects(
        openIdentity({ config, log: silentLog, now: Date.now }),
        /berth hosts:add host-o.*BERTH_JOIN_TOKEN/,
      )
      await writeFile(joinPath(home, 'operator-token'), api.operator)
      assert.equal(ownApiUrl(config), api.url)
      for (let time = 0; time < 2; time++) {
        const identity = await openIdentity({ config, log: silentLog, now: Date.now })
        assert.equal((await identity.ask('/internal/layers/x', {}, AbortSignal.timeout(9000))).status, 404)
        await identity.stop()
        await api.context.store.del(keys.enrolments)
      }
    }))

  it('renews its certificate at half of its time, with a new key, while requests go on', () =>
    withFolder(async (home) => {
      const brief = await startListener({ ...context, config: { ...context.config, hostCertificateMs: 3000 } })
      const config = { ...settings(home, 'host-r', await tokenFor('host-r')), controllerUrl: brief.url }
      const identity = await openIdentity({ config, log: silentLog, now: Date.now })
      const certificates = new Set<string>()
      const statuses = new Set<number>()
      const until = Date.now() + 6500
      while (Date.now() < until) {
        statuses.add((await identity.ask('/internal/layers/x', {}, AbortSignal.timeout(9000))).status)
        const { certificate } = JSON.parse(await readFile(identityFile(home), 'utf8')) as { certificate: string }
        certificates.add(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'pem' }).toString())
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      await identity.stop()
      await brief.stop()
      assert.deepEqual([...statuses], [404], 'it was known all the time')
      assert.ok(certificates.size >= 3, `${certificates.size} keys`)
    }))

  it('counts no certificate of another authority, none that has ended, and not for whom it is not', async () => {
    const { key, publicKey } = await makeKeys()
    const reason = async (given: { key: string; certificate: string } | object) => {
      const { status, body } = await listener.caller(given).call('GET', '/internal/instances/i-none/launch')
      assert.equal(status, 401)
      assert.equal(body.code, 'HOST_NOT_ENROLLED')
      return String(body.reason)
    }
    assert.equal(await reason({}), 'none')
    const agent = await listener.agent('host-f')
    const identity = {
      host: 'host-f' as HostId,
      enrolment: (await api.context.store.hget(keys.enrolments, 'host-f')) ?? '',
    }
    const certify = (by: typeof context.authority, until = Date.now() + 60_000) => ({
      key,
      certificate: by.certifyAgent(identity, publicKey, until),
    })
    assert.equal((await listener.caller(certify(context.authority)).call('GET', '/internal/layers/x')).status, 404)
    await withFolder(async (folder) => {
      const foreign = await loadAuthority(joinPath(folder, 'authority'), context)
      assert.equal(await reason(certify(foreign)), 'foreign')
    })
    assert.equal(await reason(certify(context.authority, Date.now() - 1000)), 'expired')
    const server = await context.authority.certifyListener(Date.now() + 60_000)
    assert.equal(await reason({ key: server.key, certificate: server.chain }), 'foreign')
    // On a connection that was open before, too.
    assert.equal((await agent.call('GET', '/internal/layers/x')).status, 404)
    shift = 25 * 3600_000
    assert.equal((await agent.call('GET', '/internal/layers/x')).body.reason, 'expired')
  })

  it('ends at once when the host is revoked, removed or replaced, on connections that are open, too', async () => {
    for (const end of ['revoke', 'remove', 'replace'] as const) {
      const host = `host-${end}`
      const agent = await listener.agent(host)
      assert.equal((await agent.call('GET', '/internal/layers/x')).status, 404)
      const [socket] = Object.values(agent.connections.freeSockets).flat()
      assert.ok(socket, 'a connection is kept open')
      const closed = once(socket, 'close')
      await heartbeat(api.context.store, aHost(host))
      await api.context.store.del(keys.hostLease(host as HostId))
      if (end === 'revoke') assert.equal((await api.call(api.operator, 'POST', `/v1/hosts/${host}/revoke`)).status, 204)
      if (end === 'remove') assert.equal((await api.call(api.operator, 'DELETE', `/v1/hosts/${host}`)).status, 204)
      if (end === 'replace') await listener.agent(host)
      assert.equal((await agent.call('GET', '/internal/layers/x')).body.reason, 'revoked', end)
      await closed
      assert.equal((await agent.call('POST', '/internal/certificate', {})).body.reason, 'revoked')
    }
    const { body } = await api.call(api.operator, 'GET', '/v1/hosts')
    const { hosts } = body as { hosts: { id: string; cordoned: boolean }[] }
    assert.equal(hosts.find(({ id }) => id === 'host-revoke')?.cordoned, true)
    assert.equal((await api.call(api.operator, 'POST', '/v1/hosts/host-none/revoke')).status, 404)
    const token = await tokenFor('host-revoke')
    await api.call(api.operator, 'POST', '/v1/hosts/host-revoke/revoke')
    assert.equal((await joining(token, 'host-revoke')).status, 401, 'so does a token that was made for it')
  })
})
