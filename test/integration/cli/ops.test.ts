import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostId } from '#core/domain/ids.ts'
import { heartbeat, saveDiagnosis } from '#core/store/hosts.ts'
import { startApi, type TestApi } from '#test/helpers/api.ts'
import { aPerson, ok, startFakeApi, type FakeApi, type Person } from './harness.ts'

describe('berth audit, hosts:drain and hosts:remove', function () {
  this.timeout(60_000)
  let api: TestApi
  let person: Person
  before(async () => {
    api = await startApi()
    person = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: api.operator })
    const owner = await api.member('alpha')
    await api.call(owner, 'POST', '/v1/apps', { name: 'shop' })
    await api.call(owner, 'PATCH', '/v1/apps/shop/config', { KEY: 'hidden' })
  })
  after(async () => {
    await person.leave()
    await api.stop()
  })

  it('shows who did what, with what changed, and as JSON', async () => {
    const shown = await person.berth(['audit', '-a', 'shop', '--since', '1h'])
    assert.equal(shown.code, 0, shown.stderr)
    assert.match(shown.stdout, /member of alpha +PATCH \/apps\/:app\/config +shop, alpha +done/)
    assert.match(shown.stdout, /config\.KEY: nothing → "\[secret\]"/)
    assert.doesNotMatch(shown.stdout, /hidden/)
    const json = await person.berth(['audit', '--operation', 'post /apps', '-n', '1', '--json'])
    assert.equal((JSON.parse(json.stdout) as { entries: unknown[] }).entries.length, 1)
    const none = await person.berth(['audit', '--actor', 'nobody at all'])
    assert.match(none.stdout, /^Nothing of the kind/)
    const wrong = await person.berth(['audit', '--since', 'yesterday'])
    assert.deepEqual([wrong.code, /--since must be a day/.test(wrong.stderr)], [2, true])
  })

  it('exports the chain to a file, and tells one that was changed', async () => {
    const exported = await person.berth(['audit:export', 'audit.jsonl'])
    assert.equal(exported.code, 0, exported.stderr)
    const head = /(\d+:[0-9a-f]{64})/.exec(exported.stdout)?.[1] ?? ''
    assert.match((await person.berth(['audit:verify', 'audit.jsonl'])).stdout, /^Whole: \d+ entries, 1 to/)
    assert.equal((await person.berth(['audit', 'verify', '--head', head])).code, 0)
    const file = join(person.home, 'audit.jsonl')
    await writeFile(file, (await readFile(file, 'utf8')).replace('member of alpha', 'member of beta_'))
    const changed = await person.berth(['audit:verify', 'audit.jsonl'])
    assert.equal(changed.code, 1)
    assert.match(changed.stderr, /not whole\. At entry \d+: it was changed/)
    assert.match((await person.berth(['audit:export', 'audit.jsonl'])).stderr, /is there already/)
    assert.match((await person.berth(['audit:verify', 'none.jsonl'])).stderr, /none\.jsonl cannot be read/)
    assert.equal((await person.berth(['audit:verify', '--head', 'x'])).code, 2)
  })

  it('shows what each host found of itself, and fails for a problem', async () => {
    await heartbeat(api.context.store, aHost)
    assert.match((await person.berth(['hosts:doctor'])).stdout, /host-9: has not looked yet/)
    const finding = { check: 'Kernel', found: '4.19', why: 'too old', remedy: 'upgrade' }
    const fine = { check: 'Redis', verdict: 'ok' as const, found: '7.2', why: '', remedy: null }
    const save = (verdict: 'advice' | 'problem') =>
      saveDiagnosis(api.context.store, aHost.id, { at: Date.now(), findings: [fine, { ...finding, verdict }] })
    await save('advice')
    const advised = await person.berth(['hosts:doctor', 'host-9'])
    assert.equal(advised.code, 0)
    assert.match(advised.stdout, /host-9 +advice +Kernel +4\.19\n +too old\n +> upgrade\nhost-9: 0 problems, 1 pieces/)
    await save('problem')
    assert.equal((await person.berth(['hosts:doctor'])).code, 1)
    assert.equal((await person.berth(['hosts:doctor', 'nowhere'])).code, 1)
  })

  it('removes a host that is gone, and none that lives', async () => {
    await heartbeat(api.context.store, aHost)
    const drained = await person.berth(['hosts:drain', 'host-9'])
    assert.equal(drained.code, 0, drained.stderr)
    assert.match(drained.stdout, /Nothing runs on host-9/)
    const refused = await person.berth(['hosts:remove', 'host-9'])
    assert.deepEqual([refused.code, /HOST_LIVES/.test(refused.stderr)], [1, true])
    await api.context.store.del('berth:host:host-9:lease')
    assert.match((await person.berth(['hosts', 'remove', 'host-9'])).stdout, /host-9 is forgotten/)
  })
})

describe('berth hosts:drain', function () {
  this.timeout(60_000)
  let api: FakeApi
  let person: Person
  before(async () => {
    api = await startFakeApi()
    person = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: 't' })
  })
  after(async () => {
    await api.stop()
    await person.leave()
  })

  it('says what is left until the host is empty, and fails when that takes too long', async () => {
    const on = (...hosts: string[]) => ({
      instances: hosts.map((host) => ({ host, app: 'shop', name: 'web.1', state: 'draining' })),
    })
    let asked = 0
    api.answers['POST /v1/hosts/h1/cordon'] = ok({})
    api.answers['GET /v1/instances'] = (response, seen) =>
      ok(++asked < 2 ? on('h1', 'h1', 'h2') : asked < 3 ? on('h1', 'h2') : on('h2'))(response, seen)
    const drained = await person.berth(['hosts:drain', 'h1'])
    assert.equal(drained.code, 0, drained.stderr)
    assert.match(drained.stderr, /2 instances are still on h1: shop\/web\.1 draining[^]*1 instances are still on h1/)
    api.answers['GET /v1/instances'] = ok(on('h1'))
    const stuck = await person.berth(['hosts:drain', 'h1', '--timeout', '1s', '--json'])
    assert.equal(stuck.code, 1)
    assert.deepEqual(JSON.parse(stuck.stdout), { host: 'h1', drained: false, instances: 1 })
    assert.match(stuck.stderr, /stays cordoned/)
    assert.equal((await person.berth(['hosts:drain', 'h1', '--timeout', 'soon'])).code, 2)
  })
})

const aHost = {
  id: 'host-9' as HostId,
  hostname: 'host-9',
  capacity: { memoryMb: 1024, cpuMilli: 2000, diskMb: 1024, slots: 10 },
  stack: 'debian',
  stacks: [],
  version: '0.1.0',
  cgroup: 'v1' as const,
  startedAt: 0,
  cpuMilliUsed: 0,
  memoryMbUsed: 0,
}
