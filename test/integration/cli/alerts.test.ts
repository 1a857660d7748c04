/** berth alerts and berth webhooks, as a person sees them: the real command, the real API, a receiver that takes and one that does not. */
import assert from 'node:assert/strict'
import { createSender } from '../../../controller/webhooks/loop.ts'
import { saveAlerts } from '#core/store/alerts.ts'
import type { Alert } from '#core/domain/alert.ts'
import type { AppName, TenantId } from '#core/domain/ids.ts'
import { findApp } from '#core/store/apps.ts'
import { repeat } from '#core/runtime/clock.ts'
import { startApi, type TestApi } from '../../helpers/api.ts'
import { startReceiver, type Receiver } from '../../helpers/receiver.ts'
import { aPerson, type Person } from './harness.ts'

describe('berth alerts and berth webhooks', function () {
  this.timeout(90_000)
  let api: TestApi
  let receiver: Receiver
  let person: Person
  let sending: Promise<void>
  const stopping = new AbortController()

  before(async () => {
    receiver = await startReceiver(null)
    api = await startApi({ env: { BERTH_OUTBOUND_NETWORKS: '127.0.0.1', BERTH_DOMAIN_RESOLVERS: '127.0.0.1:1' } })
    const member = await api.member('alpha')
    await api.call(member, 'POST', '/v1/apps', { name: 'shop' })
    person = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: member })
    const { store, log, sealer, outbound, random, now } = api.context
    const sender = createSender({ store, log, sealer, outbound, random, now, mails: false }, stopping.signal)
    sending = repeat(200, sender.look, stopping.signal, () => {})
  })
  after(async () => {
    stopping.abort()
    await sending
    await person?.leave()
    await api?.stop()
    await receiver?.stop()
  })

  const berth = (...args: string[]) => person.berth([...args, '-a', 'shop'])

  it('add, test, show, rotate and remove a webhook', async () => {
    const url = `http://127.0.0.1:${receiver.port}/hook`
    const added = await berth('webhooks:add', url, 'deploy.*')
    assert.equal(added.code, 0, added.stderr)
    const [, id = ''] = /^Added (w-\S+) to shop, for deploy\.\*\.$/m.exec(added.stdout) ?? []
    assert.match(added.stdout, /^Its secret, shown this once: whsec_\S+$/m)
    const tested = await berth('webhooks', 'test', id)
    assert.match(tested.stdout, /^Delivered in .* \(204\)\.$/m)
    receiver.answer = (_request, res) => void res.writeHead(500).end()
    const failed = await berth('webhooks:test', id)
    assert.equal(failed.code, 1)
    assert.match(failed.stderr, /It was not taken: it answered 500/)
    const sent = await berth('webhooks:deliveries', id)
    assert.match(sent.stdout, /webhook\.test .* waiting +1 +in \d/)
    assert.match(sent.stdout, /^ {4}it answered 500$/m)
    const listed = await berth('webhooks')
    assert.match(listed.stdout, new RegExp(`^${id} +failing .*deploy\\.\\* +${url.replaceAll('.', '\\.')}$`, 'm'))
    receiver.answer = (_request, res) => void res.writeHead(204).end()
    const [, delivery = ''] = /^(msg-\S+) .*waiting/m.exec(sent.stdout) ?? []
    assert.equal((await berth('webhooks:redeliver', id, delivery)).code, 0)
    assert.match(
      (await berth('webhooks:rotate', id)).stdout,
      /whsec_\S+\nMessages are signed with the one before, too, until /,
    )
    assert.match((await berth('webhooks:set', id, 'alert.*')).stdout, /is sent alert\.\*, to http/)
    assert.match((await berth('webhooks:off', id)).stdout, /is off/)
    assert.match((await berth('webhooks:on', id)).stdout, /is on/)
    assert.equal((await berth('webhooks:remove', id)).stdout, `Removed ${id}.\n`)
    assert.match((await berth('webhooks')).stdout, /^There are no webhooks of shop\. Add one with/)
  })

  it('say what cannot be, and what to do instead', async () => {
    const cases: [string[], number, RegExp][] = [
      [['webhooks:add', 'https://10.0.0.1/'], 1, /does not lead to the public Internet/],
      [['webhooks:add', 'https://x.invalid/', 'nothing'], 1, /must be \*, a topic like deploy\.\*/],
      [['webhooks:test', '../../x'], 2, /write its id as berth webhooks shows it/],
      [['webhooks', '--tenant', 'alpha'], 2, /Choose an app .* not several/],
      [['alerts:set', 'memory'], 2, /write memory=off/],
      [['alerts:set', 'memory=lots'], 2, /write memory=10, memory=10\/5m/],
      [['alerts:set', 'nothing=1'], 2, /There are: errorRate, slow/],
      [['alerts:set', 'memory=5000'], 1, /must be 10 to 100/],
      [['alerts:mute', '--for', 'ever'], 2, /--for must be a time like/],
      [['webhooks', '--platform'], 2, /not several/],
    ]
    for (const [args, code, message] of cases) {
      const ran = await berth(...args)
      assert.equal(ran.code, code, `${args.join(' ')}: ${ran.stderr}`)
      assert.match(ran.stderr, message)
    }
    assert.equal((await person.berth(['webhooks', '--platform'])).code, 1)
  })

  it('list what goes on and what ended, and set who is told of what', async () => {
    assert.match((await person.berth(['alerts'])).stdout, /^Nothing needs attention/)
    const app = (await findApp(api.context.store, 'shop' as AppName)) ?? assert.fail()
    const alert: Alert = {
      id: 'al-one',
      kind: 'memory',
      appId: app.id,
      appName: app.name,
      tenantId: 'alpha' as TenantId,
      hostId: null,
      since: Date.now() - 600_000,
      until: null,
      mark: 0,
      text: 'web.1 of shop uses 95 % of its 512 MB of memory; the limit is 90 %',
    }
    const ended = { ...alert, id: 'al-two', kind: 'slow' as const, until: Date.now() - 60_000, text: 'slow' }
    const standing = { overSince: 0, underSince: null, seen: Date.now(), alert }
    await saveAlerts(
      api.context.store,
      new Map([['memory', standing]]),
      [],
      [{ news: 'ended', alert: ended }],
      Date.now(),
    )
    for (const args of [['alerts'], ['alerts', '-a', 'shop'], ['alerts', '--tenant', 'alpha']]) {
      const { stdout, code } = await person.berth(args)
      assert.equal(code, 0)
      assert.match(stdout, /^memory +shop +10 min ago +it goes on\n {4}web\.1 of shop uses 95 %/m)
      assert.match(stdout, /^slow +shop +10 min ago +1 min ago, after 9 min$/m)
    }
    const set = await berth('alerts:set', 'memory=85/5m', 'cronMissed=off', 'slow=on')
    assert.match(set.stdout, /^memory +85 % of an instance’s memory +5 min +here$/m)
    assert.match(set.stdout, /^cronMissed +off +at once +here$/m)
    assert.match(set.stdout, /^Mail: +the operator has named no mail server/m)
    assert.match((await berth('alerts:mute', 'memory', '--for', '2h')).stdout, /^Nobody is told of memory until /)
    assert.match((await berth('alerts:rules')).stdout, /^Muted: +memory until .* \(by member of alpha\)$/m)
    assert.match((await berth('alerts:unmute', 'memory')).stdout, /^Nothing is muted/)
    assert.match(
      (await berth('alerts:set', 'memory=default')).stdout,
      /^memory +90 % of an instance’s memory +2 min *$/m,
    )
    const json = JSON.parse((await berth('alerts:rules', '--json')).stdout) as { own: string[] }
    assert.deepEqual(json.own, ['slow', 'cronMissed'])
  })
})
