import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket } from 'ws'
import type { App } from '#core/domain/app.ts'
import type { AuditView } from '#core/contract/audit.ts'
import type { Job } from '#core/contract/jobs.ts'
import type { InsideWish } from '#core/contract/session.ts'
import type { AppName, HostId, InstanceId, TokenId } from '#core/domain/ids.ts'
import { findApp } from '#core/store/apps.ts'
import { loadEvents } from '#core/store/events.ts'
import { endEnrolment } from '#core/store/enrolments.ts'
import { heartbeat } from '#core/store/hosts.ts'
import { assignInstance, reportInstance } from '#core/store/instances.ts'
import { removeToken } from '#core/store/tokens.ts'
import { startListener, type TestAgent, type TestListener } from '#test/helpers/agents.ts'
import { startApi, type TestApi } from '#test/helpers/api.ts'
import { aDesired, aHost } from '#test/helpers/cluster.ts'
import { liveRelease, storedLayer } from '#test/helpers/releases.ts'
import { aToken } from '#test/helpers/tokens.ts'
import { MAX_IDLE_MS, MAX_SESSION_MS, MAX_STANDING_IN_MS } from '../../../../controller/runs/inside.ts'
import { serveSessions } from '../../../../controller/runs/sessions.ts'

const idOf = (token: string) => token.split('_')[1] as TokenId
const INSTANCE = 'i-aaaaaaaaaaaaa' as InstanceId

describe('Getting into an instance that runs', function () {
  this.timeout(60_000)
  let api: TestApi
  let server: Server
  let listener: TestListener
  let own: TestAgent
  let other: TestAgent
  let url: string
  let member: string
  let stranger: string
  let app: App
  let shift: number
  let told: { host: HostId; job: Job }[]
  const stopping = new AbortController()

  before(async () => {
    api = await startApi()
    member = await api.member('alpha')
    stranger = await api.member('beta')
    await api.call(member, 'POST', '/v1/apps', { name: 'shop' })
    const { store } = api.context
    const found = await findApp(store, 'shop' as AppName)
    assert.ok(found)
    app = found
    server = createServer()
    const sessions = serveSessions(server, {
      ...api.context,
      now: () => Date.now() + shift,
      tell: (host, job) => void told.push({ host, job }),
      signal: stopping.signal,
    })
    listener = await startListener(api.context, sessions)
    own = await listener.agent('host-1')
    other = await listener.agent('host-2')
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
    await place('running')
  })
  after(async () => {
    stopping.abort()
    server?.closeAllConnections()
    server?.close()
    await listener?.stop()
    await api?.stop()
  })
  beforeEach(() => {
    shift = 0
    told = []
  })

  async function place(state: 'running' | 'failed'): Promise<void> {
    const { store } = api.context
    const desired = {
      ...aDesired(),
      id: INSTANCE,
      appId: app.id,
      appName: app.name,
      tenantId: app.tenantId,
      hostId: 'host-1' as HostId,
    }
    await heartbeat(store, aHost('host-1'))
    await assignInstance(store, desired)
    const facts = {
      address: null,
      reason: null,
      detail: null,
      exitCode: null,
      restarts: 0,
      since: 1,
      startedMs: 1,
      readyMs: 1,
      applied: null,
    }
    await reportInstance(store, desired.hostId, INSTANCE, { epoch: desired.epoch, state, ...facts })
  }

  const open = (token: string, path: string) =>
    new WebSocket(url + path, { headers: { authorization: `Bearer ${token}` }, perMessageDeflate: false })
  const refusal = (token: string, path: string) => refused(open(token, path))
  const refused = async (socket: WebSocket): Promise<number | undefined> => {
    socket.on('error', () => {})
    const [, response] = (await once(socket, 'unexpected-response')) as [
      unknown,
      { statusCode?: number; destroy(): void },
    ]
    response.destroy()
    return response.statusCode
  }
  const revoked = async (token: string): Promise<string> => {
    const { body } = await api.call(api.operator, 'GET', '/v1/tokens')
    const { id } = (body.tokens as { id: string }[]).at(-1) ?? assert.fail()
    await api.call(api.operator, 'DELETE', `/v1/tokens/${id}`)
    return token
  }
  const path = (instance = 'web.1', name = 'shop') => `/v1/apps/${name}/instances/${instance}/session`
  const next = async (socket: WebSocket): Promise<string> => String(((await once(socket, 'message')) as [Buffer])[0])
  const jobOf = async (): Promise<Extract<Job, { kind: 'session' }>> => {
    for (;;) {
      const [first] = told
      if (first?.job.kind === 'session') return first.job
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  async function begin(wish: InsideWish, token = member) {
    const client = open(token, path())
    await once(client, 'open')
    client.send(JSON.stringify(wish))
    const { session } = await jobOf()
    const agent = own.open(`/internal/sessions/${session}`)
    const order = await next(agent)
    return { client, agent, order, session }
  }
  const exec: InsideWish = { exec: { command: 'ls -l', streams: 'pipes' } }

  it('joins the client to the agent of the instance’s host, tells it the wish alone, and passes bytes both ways', async () => {
    const { client, agent, order } = await begin(exec)
    assert.deepEqual(JSON.parse(order), exec)
    assert.deepEqual(told[0]?.host, 'host-1')
    agent.send(JSON.stringify({ started: true }))
    assert.equal(await next(client), '{"started":true}')
    client.send(Buffer.from('typed'))
    assert.equal(await next(agent), 'typed')
    agent.send(Buffer.from([1, 0x68, 0x69]))
    assert.equal(await next(client), '\u0001hi')
    agent.send(JSON.stringify({ end: { reason: 'completed', exitCode: 0, detail: 'ended' } }))
    agent.close(1000)
    assert.match(await next(client), /"exitCode":0/)
    await once(client, 'close')
  })

  it('C13 is an event of the app’s, with who began it', async () => {
    const { client } = await begin({ exec: { command: 'rm -rf /app/x', streams: 'pipes' } })
    client.close()
    const [event] = await loadEvents(api.context.store, app.id, { limit: 1 })
    assert.deepEqual([event?.kind, event?.process], ['entered', 'web.1'])
    assert.match(event?.text ?? '', /^`rm -rf \/app\/x` was begun inside web\.1$/)
    assert.match(event?.actor ?? '', /member of alpha/)
  })

  it('tells the agent that its client has gone', async () => {
    const { client, agent } = await begin(exec)
    client.terminate()
    await once(agent, 'close')
  })

  it('C02 C03 is for the tenant’s members alone, and only for what is there and runs', async () => {
    assert.equal(await refusal('nonsense', path()), 401)
    assert.equal(await refusal(stranger, path()), 404)
    assert.equal(await refusal(member, path('web.7')), 404)
    assert.equal(await refusal(member, path('web.1', 'none')), 404)
    assert.equal(await refusal(member, '/internal/sessions/x-aaaaaaaaaaaaa'), 404)
    assert.equal(await refused(own.open('/internal/sessions/x-aaaaaaaaaaaaa')), 404)
  })

  it('C17 lets no agent of another host join, nor one that is none, and cuts off one whose enrolment ends', async () => {
    const client = open(member, path())
    await once(client, 'open')
    client.send(JSON.stringify(exec))
    const { session } = await jobOf()
    const place = `/internal/sessions/${session}`
    assert.equal(await refused(other.open(place)), 404)
    assert.equal(await refused(listener.caller({}).open(place)), 401)
    const agent = own.open(place)
    await next(agent)
    await endEnrolment(api.context.store, 'host-1' as HostId)
    const ended = once(agent, 'close')
    await ended
    assert.equal(await refused(own.open(place)), 401)
    own = await listener.agent('host-1')
    client.terminate()
  })

  it('C05 C18 cuts off a client whose token ends', async () => {
    const token = await aToken(api, { tenant: 'alpha', role: 'member' })
    const client = open(token, path())
    await once(client, 'open')
    await removeToken(api.context.store, idOf(token))
    await once(client, 'close')
    assert.equal(await refusal(token, path()), 401)
  })

  it('C02 C03 C04 opens no terminal, no port and no run to whoever may only look, or is somebody else', async () => {
    const token = async (wish: object) =>
      (await api.call(api.operator, 'POST', '/v1/tokens', { description: 'x', ...wish })).body.token as string
    await api.call(member, 'POST', '/v1/apps', { name: 'other' })
    const who: [string, string, number][] = [
      ['a viewer', await token({ tenant: 'alpha', role: 'viewer' }), 403],
      ['a token for looking', await token({ tenant: 'alpha', readOnly: true }), 403],
      ['an operator’s token for looking', await token({ operator: true, readOnly: true }), 403],
      ['a token of another app', await token({ tenant: 'alpha', app: 'other' }), 404],
      ['another tenant’s member', stranger, 404],
      ['another tenant’s owner', await token({ tenant: 'beta', role: 'owner' }), 404],
    ]
    await liveRelease(api.context, app, [await storedLayer(api.context, Buffer.from('code'))])
    const run = await api.call(member, 'POST', '/v1/apps/shop/runs', { command: 'sh', attach: 'terminal' })
    assert.equal(run.status, 201)
    // Whether a command or a port is wished is said after the door, so one door keeps both.
    for (const wanted of [path(), `/v1/apps/shop/runs/${run.body.name}/session`]) {
      for (const [name, proof, status] of who) assert.equal(await refusal(proof, wanted), status, `${name}: ${wanted}`)
      assert.equal(await refusal(await token({ tenant: 'alpha' }).then(revoked), wanted), 401)
    }
    assert.deepEqual(told, [], 'no host heard of it')
    const attached = open(member, `/v1/apps/shop/runs/${run.body.name}/session`)
    await once(attached, 'open')
    attached.terminate()
  })

  it('lets one agent join, once', async () => {
    const { client, session } = await begin(exec)
    assert.equal(await refused(own.open(`/internal/sessions/${session}`)), 404)
    client.close()
  })

  it('hangs up on who says no wish', async () => {
    for (const wrong of [
      '{"exec":{}}',
      'hello',
      '{"forward":{"port":0}}',
      '{"exec":{"command":"x","streams":"log"}}',
    ]) {
      const client = open(member, path())
      await once(client, 'open')
      client.send(wrong)
      const [code] = (await once(client, 'close')) as [number]
      assert.equal(code, 1008)
    }
    assert.deepEqual(told, [])
  })

  it('ends what says nothing for long, and what lasts too long, with a word', async () => {
    for (const later of [MAX_IDLE_MS, MAX_SESSION_MS]) {
      told = []
      shift = 0
      const { client } = await begin(exec)
      shift = later + 1000
      assert.match(await next(client), /"reason":"timedOut"/)
      await once(client, 'close')
    }
  })

  it('C20 lets an operator be in a tenant’s place for an hour at a time, and says so to its owners', async () => {
    const { client } = await begin(exec, api.operator)
    const { body } = await api.call(api.operator, 'GET', '/v1/audit?limit=1')
    const [entry] = (body as AuditView).entries
    assert.deepEqual([entry?.operation, entry?.tenant, entry?.actor.standsIn], ['enter an instance', 'alpha', true])
    shift = MAX_STANDING_IN_MS + 1000
    assert.match(await next(client), /"reason":"timedOut".*operators are in a tenant's place for 60 minutes/)
    await once(client, 'close')
  })

  it('says so when the host does not answer', async () => {
    const client = open(member, path())
    await once(client, 'open')
    client.send(JSON.stringify(exec))
    await jobOf()
    shift = 60_000
    assert.match(await next(client), /its host did not answer in time/)
  })

  it('holds an app to so many at a time', async () => {
    const clients = Array.from({ length: 32 }, () => open(member, path()))
    await Promise.all(clients.map((client) => once(client, 'open')))
    assert.equal(await refusal(member, path()), 429)
    for (const client of clients) client.terminate()
    for (let status: number | undefined = 429; status === 429;) {
      const client = open(member, path())
      client.on('error', () => {})
      status = await Promise.race([
        once(client, 'open').then(() => 101),
        once(client, 'unexpected-response').then(([, response]) => (response as { statusCode: number }).statusCode),
      ])
      client.terminate()
    }
  })

  it('does not lead into what does not run', async () => {
    await place('failed')
    const { status } = await api.call(member, 'GET', '/v1/apps/shop/instances')
    assert.equal(status, 200)
    assert.equal(await refusal(member, path()), 409)
  })
})
