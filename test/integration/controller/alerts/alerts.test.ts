import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import type { AlertRulesView, AlertsView } from '#core/contract/alerts.ts'
import { makeId, type AppId, type AppName, type HostId, type TenantId, type UserId } from '#core/domain/ids.ts'
import type { User } from '#core/domain/user.ts'
import { readConfig } from '#core/runtime/config.ts'
import { findApp } from '#core/store/apps.ts'
import { loadAllAlertSettings } from '#core/store/alerts.ts'
import { heartbeat } from '#core/store/hosts.ts'
import { assignInstance, reportInstance, reportStats } from '#core/store/instances.ts'
import { loadWaitingMail } from '#core/store/mails.ts'
import { addToOutbox } from '#core/store/outbox.ts'
import { changeTenant } from '#core/store/tenants.ts'
import { createUser, loadUser, removeUser } from '#core/store/users.ts'
import type { TrafficFigures } from '../../../../controller/alerts/facts.ts'
import { lookAtAlerts, type AlertContext } from '../../../../controller/alerts/loop.ts'
import { lookAtMail, MOST_MAILS_A_DAY, type MailContext } from '../../../../controller/alerts/mail.ts'
import { createMailer } from '../../../../controller/alerts/mailer.ts'
import { expandOutbox } from '../../../../controller/webhooks/expand.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { makeCertificate, makeRoot, type Authority } from '../../../helpers/certificates.ts'
import { aDesired, aHost, aReport } from '../../../helpers/cluster.ts'

const MINUTE = 60_000

describe('alerts', function () {
  this.timeout(60_000)
  let api: TestApi
  let member: string
  let context: AlertContext
  let clock: number
  let appId: AppId
  const traffic = new Map<AppId, TrafficFigures>()
  const never = new AbortController().signal

  beforeEach(async () => {
    traffic.clear()
    api = await startApi({
      env: {
        BERTH_SMTP_URL: 'smtp://mail.example.com',
        BERTH_MAIL_FROM: 'berth@example.com',
        BERTH_DOMAIN_RESOLVERS: '127.0.0.1:1',
      },
    })
    member = await api.member('alpha')
    await api.call(member, 'POST', '/v1/apps', { name: 'shop' })
    appId = (await findApp(api.context.store, 'shop' as AppName))?.id ?? assert.fail()
    clock = Date.now()
    const { store, log, random } = api.context
    context = {
      store,
      log,
      random,
      now: () => clock,
      traffic: () => Promise.resolve(traffic),
      wanted: () => Promise.resolve([]),
    }
  })
  afterEach(() => api.stop())

  async function join(email: string): Promise<User> {
    const user = { id: makeId('u', randomBytes(13)) as UserId, email, name: email, createdAt: 0 }
    const joining = { tenantId: 'alpha' as TenantId, role: 'viewer' as const }
    await createUser(api.context.store, { ...user, operator: false, password: null }, joining, null)
    return (await loadUser(api.context.store, user.id)) ?? assert.fail()
  }

  /** Looks every 10 s, as the leader does. */
  async function pass(ms: number): Promise<void> {
    for (const end = clock + ms; clock < end; clock += 10_000) await lookAtAlerts(context, never)
  }

  const errors = (perSecond: number) =>
    traffic.set(appId, { requestsPerSecond: 10, errorsPerSecond: perSecond, p95Ms: 20 })

  async function list(path: string, token = member): Promise<AlertsView['alerts']> {
    const { status, body } = await api.call(token, 'GET', `/v1${path}`)
    assert.equal(status, 200, JSON.stringify(body))
    return (body as AlertsView).alerts
  }

  it('begin, are shown where they belong, and end', async () => {
    errors(5)
    await pass(MINUTE)
    assert.deepEqual(await list('/apps/shop/alerts'), [])
    await pass(2 * MINUTE)
    for (const path of ['/apps/shop/alerts', '/tenants/alpha/alerts', '/alerts']) {
      const [alert] = await list(path)
      assert.deepEqual([alert?.kind, alert?.state, alert?.app, alert?.tenant], ['errorRate', 'firing', 'shop', 'alpha'])
      assert.equal(alert?.text, '50 % of the answers of shop are errors (5xx); the limit is 5 %')
    }
    const other = await api.member('beta')
    assert.deepEqual(await list('/alerts', other), [])
    assert.deepEqual(await list('/alerts?tenant=alpha', other), [])
    assert.equal((await list('/alerts', api.operator)).length, 1)
    errors(0)
    await pass(3 * MINUTE)
    const [ended] = await list('/apps/shop/alerts')
    assert.equal(ended?.state, 'ended')
    assert.ok(Date.parse(ended?.until ?? '') > Date.parse(ended?.since ?? ''))
    assert.deepEqual(await list('/apps/shop/alerts?n=0'), [])
  })

  it('are decided on what agents and hosts really report', async () => {
    const { store } = api.context
    const host = 'host-1' as HostId
    await heartbeat(store, aHost('host-1'), { usedBytes: 97, totalBytes: 100 })
    const desired = aDesired({ appId, appName: 'shop' as AppName, tenantId: 'alpha' as TenantId, hostId: host })
    await assignInstance(store, desired)
    await reportInstance(store, host, desired.id, aReport({ epoch: 1, state: 'starting', restarts: 4 }))
    const bytes = desired.size.memoryMb * 1024 ** 2
    await changeTenant(store, 'alpha' as TenantId, {
      budget: { month: '2026-11', mark: 90, of: 'cpuSeconds', used: 3300, limit: 3600, at: clock },
    })
    for (let round = 0; round < 18; round++) {
      await heartbeat(store, aHost('host-1'), { usedBytes: 97, totalBytes: 100 })
      if (round === 3) await reportInstance(store, host, desired.id, aReport({ epoch: 1, restarts: 4, since: clock }))
      await reportStats(store, host, new Map([[desired.id, { at: clock, cpuMilli: 5, memoryBytes: bytes * 0.95 }]]))
      await pass(10_000)
    }
    const kinds = (await list('/alerts', api.operator)).map(({ kind, state }) => `${kind} ${state}`).sort()
    assert.deepEqual(kinds, ['crashLoop firing', 'disk firing', 'memory firing', 'quota firing'])
    // What is the platform's is not a tenant's to see.
    assert.deepEqual((await list('/alerts')).map(({ kind }) => kind).sort(), ['crashLoop', 'memory', 'quota'])
    await store.del('berth:host:host-1:lease')
    await pass(MINUTE)
    assert.ok(
      (await list('/alerts', api.operator)).some((alert) => alert.kind === 'hostLost' && alert.host === 'host-1'),
    )
  })

  it('are told to webhooks, unless they are muted', async () => {
    const { store, log } = api.context
    // DNS does not know it yet, and that is no reason to refuse it.
    const made = await api.call(member, 'POST', '/v1/apps/shop/webhooks', { url: 'https://hooks.nowhere.invalid/' })
    assert.equal(made.status, 201)
    const { id } = made.body as { id: string }
    const told = async () => {
      await expandOutbox({ store, log, now: () => clock, mails: false }, never)
      const { body } = await api.call(member, 'GET', `/v1/apps/shop/webhooks/${id}/deliveries`)
      return (body as { deliveries: { type: string }[] }).deliveries.map(({ type }) => type).sort()
    }
    const until = new Date(clock + 10 * MINUTE).toISOString()
    const muted = await api.call(member, 'PATCH', '/v1/apps/shop/alerts', { mute: { kind: 'errorRate', until } })
    assert.deepEqual(muted.body.mutes, [{ kind: 'errorRate', until, by: 'member of alpha' }])
    errors(5)
    await pass(4 * MINUTE)
    assert.equal((await list('/apps/shop/alerts')).length, 1)
    assert.deepEqual(await told(), [])
    errors(0)
    clock += 10 * MINUTE
    await pass(4 * MINUTE)
    assert.deepEqual(await told(), ['alert.ended'])
    errors(5)
    await pass(4 * MINUTE)
    assert.deepEqual(await told(), ['alert.began', 'alert.ended'])
  })

  it('have rules that the platform, a tenant and an app may set, the narrower winning', async () => {
    const set = async (token: string, path: string, body: object) => {
      const answer = await api.call(token, 'PATCH', `/v1${path}`, body)
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
      return answer.body as AlertRulesView
    }
    await set(api.operator, '/alerts', { rules: { errorRate: { limit: 80 }, memory: { on: false } } })
    await set(member, '/tenants/alpha/alerts', { rules: { errorRate: { limit: 60 } } })
    const { body } = await api.call(member, 'GET', '/v1/apps/shop/alerts/rules')
    assert.deepEqual([body.rules.errorRate.limit, body.rules.memory.on, body.own], [60, false, []])
    errors(5)
    await pass(5 * MINUTE)
    assert.deepEqual(await list('/apps/shop/alerts'), [])
    const own = await set(member, '/apps/shop/alerts', { rules: { errorRate: { limit: 10, forSeconds: 0 } } })
    assert.deepEqual([own.rules.errorRate, own.own], [{ on: true, limit: 10, forSeconds: 0 }, ['errorRate']])
    await pass(10_000)
    assert.equal((await list('/apps/shop/alerts'))[0]?.state, 'firing')
    const back = await set(member, '/apps/shop/alerts', { rules: { errorRate: null } })
    assert.equal(back.rules.errorRate.limit, 60)
    assert.equal((await api.call(member, 'PATCH', '/v1/alerts', { rules: {} })).status, 403)
  })

  it('say what of a rule cannot be', async () => {
    const wrong: [object, RegExp][] = [
      [{ rules: { memory: { limit: 500 } } }, /rules\.memory\.limit: must be 10 to 100 % of an instance/],
      [{ rules: { hostLost: { limit: 1 } } }, /rules\.hostLost\.limit: has no limit that could be set/],
      [{ rules: { nothing: { on: true } } }, /rules/],
      [{ mail: ['ann@example.com\r\nBcc: all@example.com'] }, /mail\.0: must be one mail address/],
      [{ mail: ['a@x.test, b@x.test'] }, /mail\.0: must be one mail address/],
      [{ mute: { kind: null, until: 'tomorrow' } }, /mute\.until/],
    ]
    for (const [body, message] of wrong) {
      const answer = await api.call(member, 'PATCH', '/v1/apps/shop/alerts', body)
      assert.equal(answer.status, 400)
      assert.match(String(answer.body.detail), message)
    }
  })

  it('end with their app, and so does what was set for it', async () => {
    errors(5)
    await join('ann@example.com')
    await api.call(member, 'PATCH', '/v1/apps/shop/alerts', { mail: ['ann@example.com'] })
    await pass(4 * MINUTE)
    assert.equal((await api.call(member, 'DELETE', '/v1/apps/shop?confirm=shop')).status, 204)
    await pass(20_000)
    assert.equal((await list('/tenants/alpha/alerts'))[0]?.state, 'ended')
    assert.deepEqual([...(await loadAllAlertSettings(api.context.store)).keys()], [])
  })

  describe('by mail', () => {
    type Received = { from: string; to: string[]; raw: string }
    let root: Authority
    let server: SMTPServer
    let inbox: Received[]
    let refuse: boolean
    let mail: MailContext
    let people: string[]

    before(async () => {
      root = await makeRoot()
    })
    beforeEach(async () => {
      inbox = []
      refuse = false
      people = []
      await join('ann@example.com')
      const { cert, key } = await makeCertificate('mail', { names: ['localhost'], by: root })
      server = new SMTPServer({
        cert,
        key,
        authOptional: false,
        onAuth: ({ username, password }, _session, done) => {
          if (username === 'berth' && password === 'pass word') done(null, { user: 'berth' })
          else done(new Error('no such user'))
        },
        onData(stream, session, done) {
          let raw = ''
          stream.on('data', (piece: Buffer) => (raw += piece.toString()))
          stream.on('end', () => {
            if (refuse) return done(new Error('the disk is full'))
            const { mailFrom, rcptTo } = session.envelope
            inbox.push({ from: mailFrom ? mailFrom.address : '', to: rcptTo.map(({ address }) => address), raw })
            done()
          })
        },
      })
      server.listen(0, '127.0.0.1')
      await once(server.server, 'listening')
      const { port } = server.server.address() as AddressInfo
      const { mail: settings } = readConfig({
        BERTH_HOME: '/tmp/none',
        BERTH_SMTP_URL: `smtp://berth:pass%20word@localhost:${port}`,
        BERTH_MAIL_FROM: 'Berth <berth@example.com>',
      })
      const { store, log } = api.context
      const mailer = createMailer(settings ?? assert.fail(), root.cert)
      mail = { store, log, now: () => clock, mailer, addressesOf: () => Promise.resolve(people) }
    })
    afterEach(async () => {
      mail.mailer.stop()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    })

    async function happens(text: string, kind: 'memory' | 'slow' = 'memory'): Promise<void> {
      const subject = { appId, appName: 'shop' as AppName, tenantId: 'alpha' as TenantId, hostId: null }
      const alert = { id: 'al-one', kind, ...subject, since: clock, until: null, mark: 0, text }
      await addToOutbox(api.context.store, { kind: 'alert', news: 'began', alert, at: clock })
      await expandOutbox({ store: api.context.store, log: api.context.log, now: () => clock, mails: true }, never)
    }
    const recipients = (list: string[] | null, path = '/apps/shop') =>
      api.call(member, 'PATCH', `/v1${path}/alerts`, { mail: list })

    it('go to members of the tenant alone, who are members then', async () => {
      const stranger = await recipients(['ann@example.com', 'victim@example.com'])
      assert.equal(stranger.status, 400)
      assert.match(String(stranger.body.detail), /^mail: victim@example\.com is no member of alpha/)
      const bob = await join('bob@example.com')
      assert.equal((await recipients(['Ann@Example.com', 'bob@example.com'])).status, 200)
      await removeUser(api.context.store, bob, false)
      await happens('web.1 uses 95 %')
      clock += MINUTE
      await lookAtMail(mail, never)
      assert.deepEqual(
        inbox.map(({ to }) => to),
        [['Ann@example.com']],
      )
      const { status } = await api.call(api.operator, 'PATCH', '/v1/alerts', { mail: ['team@example.org'] })
      assert.equal(status, 200, 'the platform’s list is its operators’ business')
    })

    it('come as one for a burst, over TLS, and the next one minutes later', async () => {
      await join('bob@example.com')
      await recipients(['ann@example.com', 'bob@example.com'])
      await happens('web.1 uses 95 %')
      await happens('one in twenty is slow', 'slow')
      await lookAtMail(mail, never)
      assert.equal(inbox.length, 0)
      clock += 30_000
      await lookAtMail(mail, never)
      await lookAtMail(mail, never)
      assert.equal(inbox.length, 1)
      const [{ from, to, raw } = assert.fail()] = inbox
      assert.deepEqual([from, to], ['berth@example.com', ['ann@example.com', 'bob@example.com']])
      assert.match(raw, /^Subject: \[Berth\] shop: 2 alerts\r$/m)
      assert.match(raw, /memory began: web\.1 uses 95 %/)
      assert.match(raw, /^Content-Type: text\/plain/m)
      assert.match(raw, /^Auto-Submitted: auto-generated\r$/m)
      // They need not know of each other.
      assert.doesNotMatch(raw, /ann@|bob@/)
      await happens('again')
      clock += MINUTE
      await lookAtMail(mail, never)
      assert.equal(inbox.length, 1)
      clock += 5 * MINUTE
      await lookAtMail(mail, never)
      assert.equal(inbox.length, 2)
      assert.deepEqual(await loadWaitingMail(api.context.store), [])
    })

    it('C19 hold no header that a text has brought', async () => {
      await recipients(['ann@example.com'])
      await happens('x\r\nBcc: victim@example.com\r\n\r\n<script>')
      clock += MINUTE
      await lookAtMail(mail, never)
      const [{ to, raw } = assert.fail()] = inbox
      assert.deepEqual(to, ['ann@example.com'])
      assert.doesNotMatch(raw, /^Bcc/im)
    })

    it('are kept while the server refuses, and sent when it takes them', async () => {
      await recipients(['ann@example.com'])
      refuse = true
      await happens('first')
      clock += MINUTE
      await lookAtMail(mail, never)
      assert.equal((await loadWaitingMail(api.context.store))[0]?.lines.size, 1)
      refuse = false
      await lookAtMail(mail, never)
      assert.equal(inbox.length, 0)
      clock += MINUTE
      await lookAtMail(mail, never)
      assert.equal(inbox.length, 1)
    })

    it('go to the tenant’s people where nobody said otherwise, and to nobody where that was said', async () => {
      people = ['owner@example.com']
      await happens('first')
      clock += MINUTE
      await lookAtMail(mail, never)
      assert.deepEqual(inbox[0]?.to, ['owner@example.com'])
      await join('team@example.com')
      await recipients(['team@example.com'], '/tenants/alpha')
      await happens('second')
      clock += 10 * MINUTE
      await lookAtMail(mail, never)
      assert.deepEqual(inbox[1]?.to, ['team@example.com'])
      await recipients([])
      await happens('third')
      clock += 10 * MINUTE
      await lookAtMail(mail, never)
      assert.equal(inbox.length, 2)
      assert.deepEqual(await loadWaitingMail(api.context.store), [])
    })

    it('have an end for each tenant and day', async () => {
      await recipients(['ann@example.com'])
      clock = Date.parse('2026-11-21T12:00:00Z')
      await api.context.store.set('berth:mails:count:alpha:2026-11-21', MOST_MAILS_A_DAY - 1)
      await happens('the last one')
      clock += MINUTE
      await lookAtMail(mail, never)
      await happens('one too many')
      clock += 10 * MINUTE
      await lookAtMail(mail, never)
      assert.equal(inbox.length, 1)
      assert.deepEqual(await loadWaitingMail(api.context.store), [])
    })

    it('C14 do not carry a password over a line that is not encrypted', async () => {
      const plain = new SMTPServer({ disabledCommands: ['STARTTLS'], authOptional: true })
      plain.listen(0, '127.0.0.1')
      await once(plain.server, 'listening')
      const { port } = plain.server.address() as AddressInfo
      const mailer = createMailer(
        { host: '127.0.0.1', port, secure: false, auth: { user: 'berth', pass: 'secret' }, from: 'berth@example.com' },
        null,
      )
      await assert.rejects(mailer.send({ to: ['ann@example.com'], subject: 's', text: 't' }), /STARTTLS|TLS/)
      mailer.stop()
      await new Promise<void>((resolve) => plain.close(() => resolve()))
    })
  })
})
