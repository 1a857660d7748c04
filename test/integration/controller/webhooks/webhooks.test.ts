import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Webhook } from 'standardwebhooks'
import { createSender, sweepWebhooks, type WebhookContext } from '../../../../controller/webhooks/loop.ts'
import { expandOutbox } from '../../../../controller/webhooks/expand.ts'
import { eventOfApp } from '../../../../controller/events.ts'
import type { DeliveryView, WebhookSecretView } from '#core/contract/webhooks.ts'
import type { AppName } from '#core/domain/ids.ts'
import { sleep } from '#core/runtime/clock.ts'
import { findApp, removeApp } from '#core/store/apps.ts'
import { appendEvent } from '#core/store/events.ts'
import { addToOutbox, outboxLength } from '#core/store/outbox.ts'
import { loadWebhooks } from '#core/store/webhooks.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { makeCertificate, makeRoot } from '../../../helpers/certificates.ts'
import { startDns, type TestDns } from '../../../helpers/dns.ts'
import { startReceiver, type Received, type Receiver } from '../../../helpers/receiver.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

describe('webhooks', function () {
  this.timeout(60_000)
  let dns: TestDns
  let receiver: Receiver
  let folder: string
  let settings: Record<string, string>
  let api: TestApi
  let member: string
  let context: WebhookContext
  let clock: number
  const never = new AbortController().signal

  before(async () => {
    dns = await startDns()
    const root = await makeRoot()
    receiver = await startReceiver(await makeCertificate('hooks', { names: ['hooks.example.test'], by: root }))
    folder = await mkdtemp(join(tmpdir(), 'berth-webhooks-'))
    await writeFile(join(folder, 'ca.pem'), root.cert)
    settings = {
      BERTH_OUTBOUND_NETWORKS: '127.0.0.1',
      BERTH_OUTBOUND_CA: join(folder, 'ca.pem'),
      BERTH_DOMAIN_RESOLVERS: dns.address,
    }
  })
  after(async () => {
    await Promise.all([dns.stop(), receiver.stop(), rm(folder, { recursive: true })])
  })
  beforeEach(async () => {
    dns.addresses.clear()
    dns.addresses.set('hooks.example.test', [['127.0.0.1']])
    receiver.received.length = 0
    receiver.connections = 0
    receiver.answer = (_request, res) => void res.writeHead(204).end()
    api = await startApi({ env: settings })
    member = await api.member('alpha')
    await api.call(member, 'POST', '/v1/apps', { name: 'shop' })
    clock = Date.now()
    const { store, log, sealer, outbound, random } = api.context
    context = { store, log, sealer, outbound, random, now: () => clock, mails: false }
  })
  afterEach(() => api.stop())

  const url = () => `https://hooks.example.test:${receiver.port}/berth`

  async function add(path = '/apps/shop', body: object = {}, token = member): Promise<WebhookSecretView> {
    const { status, body: made } = await api.call(token, 'POST', `/v1${path}/webhooks`, { url: url(), ...body })
    assert.equal(status, 201, JSON.stringify(made))
    return made as WebhookSecretView
  }

  async function happens(kind: Parameters<typeof eventOfApp>[0], text = 'it happened', app = 'shop'): Promise<void> {
    const found = await findApp(api.context.store, app as AppName)
    await appendEvent(api.context.store, found?.id ?? assert.fail(), eventOfApp(kind, text, 'ann', clock))
  }

  /** What a leader does at a moment, until nothing is under way. */
  async function lead(signal = never): Promise<void> {
    await expandOutbox(context, signal)
    const sender = createSender(context, signal)
    await sender.look()
    await sender.idle()
  }

  async function deliveries(id: string, path = '/apps/shop'): Promise<DeliveryView[]> {
    const { body } = await api.call(member, 'GET', `/v1${path}/webhooks/${id}/deliveries`)
    return (body as { deliveries: DeliveryView[] }).deliveries
  }

  const opened = (secret: string, { headers, body }: Received) =>
    new Webhook(secret).verify(body, headers as Record<string, string>) as {
      type: string
      data: Record<string, unknown>
    }

  it('are sent what happens to their app, signed, and nothing that they did not ask for', async () => {
    const { id, secret } = await add('/apps/shop', { events: ['deploy.*'] })
    await happens('scaled')
    await happens('released', 'v1 is live')
    await lead()
    assert.equal(receiver.received.length, 1)
    const [received] = receiver.received
    const { type, data } = opened(secret, received ?? assert.fail())
    assert.deepEqual(
      [type, data['app'], data['tenant'], data['text']],
      ['deploy.succeeded', 'shop', 'alpha', 'v1 is live'],
    )
    const [delivery] = await deliveries(id)
    assert.deepEqual([delivery?.state, delivery?.attempts[0]?.status], ['delivered', 204])
    assert.equal(delivery?.id, received?.headers['webhook-id'])
    assert.equal(await outboxLength(api.context.store), 0)
  })

  it('hear that a deploy begins', async () => {
    const { secret } = await add()
    const app = (await findApp(api.context.store, 'shop' as AppName)) ?? assert.fail()
    const entry = { deployId: 'd-one' as never, actor: 'ann', text: 'Deploy 3f2a91c', at: clock }
    await addToOutbox(api.context.store, { kind: 'deployStarted', appId: app.id, ...entry })
    await lead()
    const { type, data } = opened(secret, receiver.received[0] ?? assert.fail())
    assert.deepEqual([type, data['deploy'], data['app']], ['deploy.started', 'd-one', 'shop'])
  })

  it('C02 C12 never hear of another tenant, and the platform’s hears of all', async () => {
    const other = await api.member('beta')
    await api.call(other, 'POST', '/v1/apps', { name: 'forum' })
    const own = await add('/tenants/alpha', { events: ['*'] })
    const platform = await add('', { events: ['*'] }, api.operator)
    await happens('released', 'v1 is live', 'forum')
    await lead()
    assert.deepEqual(await deliveries(own.id, '/tenants/alpha'), [])
    assert.equal(receiver.received.length, 1)
    assert.equal(opened(platform.secret, receiver.received[0] ?? assert.fail()).data['app'], 'forum')
    for (const [path, id] of [
      ['/tenants/alpha', own.id],
      ['/apps/shop', own.id],
      ['', platform.id],
    ]) {
      const { status } = await api.call(other, 'GET', `/v1${path}/webhooks/${id}`)
      assert.ok(status === 404 || status === 403)
    }
    // A member finds an id only where it belongs.
    assert.equal((await api.call(member, 'GET', `/v1/apps/shop/webhooks/${own.id}`)).status, 404)
    assert.equal((await api.call(member, 'GET', `/v1/apps/shop/webhooks/${platform.id}`)).status, 404)
  })

  it('C14 show their secret once, and keep it sealed', async () => {
    const { id, secret } = await add()
    const stored = JSON.stringify(await loadWebhooks(api.context.store))
    assert.ok(!stored.includes(secret) && !stored.includes(secret.slice(6)))
    for (const path of ['', `/${id}`, `/${id}/deliveries`]) {
      const { body } = await api.call(member, 'GET', `/v1/apps/shop/webhooks${path}`)
      assert.doesNotMatch(JSON.stringify(body), /whsec_|sealed/)
    }
  })

  it('are signed with both secrets for a day after a rotation, so that none is lost meanwhile', async () => {
    const before = await add()
    const { status, body } = await api.call(member, 'POST', `/v1/apps/shop/webhooks/${before.id}/rotate`)
    const after = body as WebhookSecretView
    assert.equal(status, 200)
    assert.ok(after.secret !== before.secret && after.oldSecretUntil !== null)
    await happens('released')
    await lead()
    for (const { secret } of [before, after]) opened(secret, receiver.received[0] ?? assert.fail())
    // A message of the day after that, which the library is to take for one of now.
    const [webhook] = await loadWebhooks(api.context.store)
    assert.equal(webhook?.secrets.length, 2)
    assert.ok((webhook?.secrets[1]?.until ?? 0) <= clock + DAY + MINUTE)
  })

  it('are tried again until they take it, with the same id and the same body', async () => {
    const { id } = await add()
    receiver.answer = (_request, res) => void res.writeHead(503).end('secret of the receiver')
    await happens('released')
    await lead()
    await lead()
    const [first] = await deliveries(id)
    assert.deepEqual([first?.state, first?.attemptCount, receiver.received.length], ['pending', 1, 1])
    assert.ok(Date.parse(first?.nextAt ?? '') - clock >= 5_000)
    assert.doesNotMatch(JSON.stringify(first), /secret of the receiver/)
    const { body: view } = await api.call(member, 'GET', `/v1/apps/shop/webhooks/${id}`)
    assert.deepEqual([view.state, view.problem], ['failing', 'it answered 503'])
    receiver.answer = (_request, res) => void res.writeHead(200).end()
    clock += 10_000
    await lead()
    assert.equal((await deliveries(id))[0]?.state, 'delivered')
    const [one, two] = receiver.received
    assert.deepEqual([one?.headers['webhook-id'], one?.body], [two?.headers['webhook-id'], two?.body])
  })

  it('heed Retry-After', async () => {
    const { id } = await add()
    receiver.answer = (_request, res) => void res.writeHead(429, { 'retry-after': '600' }).end()
    await happens('released')
    await lead()
    const [delivery] = await deliveries(id)
    assert.ok(Date.parse(delivery?.nextAt ?? '') - clock >= 600_000 - 1000)
  })

  it('are given up after days without a success, which others are told, and begin anew when they are turned on', async () => {
    const bad = await add('/apps/shop', { events: ['app.paused'] })
    const watcher = await add('/tenants/alpha', { events: ['webhook.disabled'] })
    receiver.answer = ({ body }, res) => void res.writeHead(body.includes('webhook.disabled') ? 204 : 500).end()
    await happens('paused')
    await lead()
    clock += 5 * DAY + HOUR
    await happens('paused')
    await lead()
    await lead()
    const { body } = await api.call(member, 'GET', `/v1/apps/shop/webhooks/${bad.id}`)
    assert.equal(body.state, 'disabled')
    assert.match(String(body.problem), /nothing has arrived for 5 days/)
    const told = receiver.received.find((one) => one.body.includes('webhook.disabled'))
    const message = JSON.parse(told?.body ?? '{}') as { data: { webhook: string; text: string } }
    assert.equal(message.data.webhook, bad.id)
    assert.equal((await deliveries(watcher.id, '/tenants/alpha')).length, 1)
    const refused = await api.call(member, 'POST', `/v1/apps/shop/webhooks/${bad.id}/test`)
    assert.deepEqual([refused.status, refused.body.code], [409, 'WEBHOOK_OFF'])
    const count = receiver.received.length
    await happens('paused')
    await lead()
    assert.equal(receiver.received.length, count)
    const on = await api.call(member, 'PATCH', `/v1/apps/shop/webhooks/${bad.id}`, { enabled: true })
    assert.equal(on.body.state, 'new')
    await happens('paused')
    await lead()
    assert.equal(receiver.received.length, count + 1)
  })

  it('can be tested, and what was sent can be sent again', async () => {
    const { id, secret } = await add('/apps/shop', { events: ['domain.added'] })
    const { status, body } = await api.call(member, 'POST', `/v1/apps/shop/webhooks/${id}/test`)
    assert.equal(status, 202)
    clock = Date.now()
    await lead()
    assert.equal(opened(secret, receiver.received[0] ?? assert.fail()).type, 'webhook.test')
    const path = `/v1/apps/shop/webhooks/${id}/deliveries/${body.id}`
    assert.equal((await api.call(member, 'GET', path)).body.state, 'delivered')
    assert.equal((await api.call(member, 'POST', `${path}/redeliver`)).status, 202)
    clock = Date.now()
    await lead()
    assert.equal(receiver.received.length, 2)
    assert.equal(receiver.received[1]?.headers['webhook-id'], body.id)
    assert.equal(
      (await api.call(member, 'POST', `/v1/apps/shop/webhooks/${id}/deliveries/msg-9-9/redeliver`)).status,
      404,
    )
  })

  it('C12 are refused when they are set to lead inside, and do not when DNS changes its mind later', async () => {
    dns.addresses.set('inside.example.test', [['10.0.0.7']])
    const refused = [
      ['https://10.0.0.7/', 422],
      ['https://[::1]/', 422],
      ['https://169.254.169.254/latest/meta-data/', 422],
      ['https://2130706434/', 422],
      ['https://inside.example.test/', 422],
      ['http://hooks.nowhere.test/', 502],
      ['https://user:pass@hooks.example.test/', 400],
      ['ftp://hooks.example.test/', 400],
      ['nonsense', 400],
    ] as const
    for (const [bad, status] of refused) {
      const answer = await api.call(member, 'POST', '/v1/apps/shop/webhooks', { url: bad })
      assert.equal(answer.status, status, `${bad}: ${JSON.stringify(answer.body)}`)
      assert.doesNotMatch(JSON.stringify(answer.body), /10\.0\.0\.7/u.test(bad) ? /nothing/ : /10\.0\.0\.7/)
    }
    const { id } = await add()
    dns.addresses.set('hooks.example.test', [['10.0.0.7']])
    await happens('released')
    await lead()
    const [delivery] = await deliveries(id)
    assert.equal(delivery?.state, 'pending')
    assert.match(delivery?.attempts[0]?.error ?? '', /hooks\.example\.test does not lead to the public Internet/)
    assert.equal(receiver.connections, 0)
  })

  it('C12 follow no redirect, and say so', async () => {
    const { id } = await add()
    receiver.answer = (_request, res) => void res.writeHead(302, { location: 'https://169.254.169.254/' }).end()
    await happens('released')
    await lead()
    assert.match((await deliveries(id))[0]?.attempts[0]?.error ?? '', /302; redirects are not followed/)
    assert.equal(receiver.received.length, 1)
  })

  it('say which event is none, and have an end', async () => {
    const wrong = await api.call(member, 'POST', '/v1/apps/shop/webhooks', { url: url(), events: ['deploys'] })
    assert.equal(wrong.status, 400)
    assert.match(String(wrong.body.detail), /events\.0: must be \*, a topic like deploy\.\*, or one of deploy\.started/)
    for (let count = 0; count < 20; count++) await add()
    const answer = await api.call(member, 'POST', '/v1/apps/shop/webhooks', { url: url() })
    assert.deepEqual([answer.status, answer.body.code], [422, 'TOO_MANY_WEBHOOKS'])
  })

  it('have a queue with an end, and count what did not fit', async () => {
    const { id } = await add('/apps/shop', { events: ['app.paused'] })
    for (let count = 0; count < 505; count++) await happens('paused')
    await expandOutbox(context, never)
    const { body } = await api.call(member, 'GET', `/v1/apps/shop/webhooks/${id}`)
    assert.equal(body.dropped, 5)
    assert.equal((await deliveries(id)).length, 500)
  })

  it('do not hold each other up: a receiver that hangs keeps two connections', async () => {
    const slow = await add('/apps/shop', { events: ['app.paused'] })
    const quick = await add('/apps/shop', { events: ['domain.added'] })
    const stopping = new AbortController()
    receiver.answer = ({ body }, res) => {
      if (!body.includes('app.paused')) res.writeHead(204).end()
    }
    for (let count = 0; count < 40; count++) await happens('paused')
    await happens('domainAdded')
    await expandOutbox(context, stopping.signal)
    const sender = createSender(context, stopping.signal)
    await sender.look()
    while ((await deliveries(quick.id))[0]?.state !== 'delivered') await sleep(20)
    await sender.look()
    stopping.abort()
    await sender.idle()
    assert.ok(receiver.received.filter(({ body }) => body.includes('app.paused')).length <= 2)
    // What was under way when the leader ended counts as not sent.
    assert.ok((await deliveries(slow.id)).every(({ state, attemptCount }) => state === 'pending' && attemptCount === 0))
  })

  it('find what is due later, though what was due before it is not to be sent any more', async () => {
    const { id } = await add('/apps/shop', { events: ['app.paused'] })
    const { store } = api.context
    await happens('paused', 'first')
    await expandOutbox(context, never)
    clock += 60_000
    await happens('paused', 'second')
    await expandOutbox(context, never)
    const first = (await deliveries(id)).at(-1)
    await store.hdel(`berth:webhook:${id}:deliveries`, first?.id ?? '')
    clock -= 30_000
    await lead()
    await lead()
    assert.equal(receiver.received.length, 0)
    clock += 30_000
    await lead()
    assert.equal(receiver.received.length, 1)
  })

  it('go with their app, with all that waits', async () => {
    const { id } = await add()
    await happens('released')
    await expandOutbox(context, never)
    const app = (await findApp(api.context.store, 'shop' as AppName)) ?? assert.fail()
    await removeApp(api.context.store, app, clock)
    await sweepWebhooks(context)
    await lead()
    assert.deepEqual([await loadWebhooks(api.context.store), receiver.received.length], [[], 0])
    assert.deepEqual(await api.context.store.keys(`*${id}*`), [])
    assert.equal(await api.context.store.zcard('berth:webhooks:due'), 0)
  })

  it('arrive though the sender is killed at any moment', async () => {
    const { id } = await add('/apps/shop', { events: ['app.paused'] })
    const start = () =>
      spawn(process.execPath, [fileURLToPath(new URL('../../../fixtures/webhook-sender.ts', import.meta.url))], {
        env: { ...process.env, ...settings, BERTH_HOME: api.home, BERTH_REDIS_URL: api.redis.url },
        stdio: 'inherit',
      })
    const kill = async (child: ChildProcess) => {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    // The first ones arrive and are never answered: the sender does not know, and is killed.
    receiver.answer = () => {}
    for (let count = 0; count < 5; count++) await happens('paused', `pause ${count}`)
    const first = start()
    try {
      while (receiver.received.length < 2) await sleep(20)
    } finally {
      await kill(first)
    }
    for (let count = 5; count < 8; count++) await happens('paused', `pause ${count}`)
    receiver.answer = (_request, res) => void res.writeHead(204).end()
    const second = start()
    try {
      while ((await deliveries(id)).filter(({ state }) => state === 'delivered').length < 8) await sleep(50)
    } finally {
      await kill(second)
    }
    const texts = new Set(
      receiver.received.map(({ body }) => (JSON.parse(body) as { data: { text: string } }).data.text),
    )
    assert.deepEqual(
      [...texts].sort(),
      Array.from({ length: 8 }, (_, index) => `pause ${index}`),
    )
    // What came twice has the same id both times.
    assert.equal(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size, 8)
    assert.ok(receiver.received.length >= 10)
  })
})
