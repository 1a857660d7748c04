import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { archive } from '../../../../controller/audit/archive.ts'
import { createAuditLog } from '../../../../controller/audit/log.ts'
import { operations } from '#core/contract/operations/index.ts'
import type { AuditEntryView, AuditView } from '#core/contract/audit.ts'
import { createVerifier, type AuditEntry, type AuditFacts } from '#core/domain/audit.ts'
import { silentLog } from '#core/runtime/log.ts'
import { connectStore } from '#core/store/connection.ts'
import { heartbeat } from '#core/store/hosts.ts'
import { loadAuditHead, readAudit } from '#core/store/audit.ts'
import { keys } from '#core/store/keys.ts'
import { createTenant, newTenant } from '#core/store/tenants.ts'
import { setMember } from '#core/store/users.ts'
import type { HostId, TenantId } from '#core/domain/ids.ts'
import { startApi, type TestApi } from '#test/helpers/api.ts'
import { aSignedIn } from '#test/helpers/people.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('the audit log', function () {
  this.timeout(60_000)
  let api: TestApi
  let owner: string

  beforeEach(async () => {
    api = await startApi()
    owner = await api.member('alpha')
  })
  afterEach(() => api.stop())

  const entries = async (query = ''): Promise<AuditEntryView[]> => {
    const { body } = await api.call(api.operator, 'GET', `/v1/audit?limit=500${query}`)
    return (body as AuditView).entries
  }
  const all = () => readAudit(api.context.store, 1, 10_000)
  const verify = (lines: string[]) => {
    const verifier = createVerifier(sha256)
    lines.forEach((line) => verifier.take(line))
    return verifier.end()
  }

  it('C13 has an entry for every operation of the table that changes something, with its request id', async () => {
    const made = await api.call(owner, 'POST', '/v1/apps', { name: 'shop' })
    assert.equal(made.status, 201)
    for (const [route, { need }] of Object.entries(operations)) {
      const [method = '', path = ''] = route.split(' ')
      if (method === 'GET') continue
      const filled = path.replace(':app', 'shop').replace(':tenant', 'alpha').replace(/:\w+/g, 'x')
      // Destroying the app would make all later ones fail sooner than they should; it has a test of its own.
      if (route === 'DELETE /apps/:app') continue
      // A caller of its own for each: of one, only so many refusals a minute are written.
      const { body } = await api.call(api.operator, 'POST', '/v1/tokens', { description: 'x', operator: true })
      const caller = body as { id: string; token: string }
      const { status, headers } = await api.call(
        caller.token,
        method,
        `/v1${filled}`,
        method === 'DELETE' ? undefined : {},
      )
      const [newest] = await entries()
      const expected = [route, status, headers.get('x-request-id'), need === 'public' ? null : caller.id]
      assert.deepEqual(
        [newest?.operation, newest?.result.status, newest?.requestId, newest?.actor.tokenId],
        expected,
        route,
      )
    }
    assert.equal(verify(await all()).whole, true)
  })

  it('says who, what, before and after, from where, and how it ended', async () => {
    await api.call(owner, 'POST', '/v1/apps', { name: 'shop' })
    await api.call(owner, 'PATCH', '/v1/apps/shop/config', { DATABASE_URL: 'postgres://user:hunter2@db' })
    await api.call(
      owner,
      'PATCH',
      '/v1/apps/shop/config',
      { DATABASE_URL: 'postgres://other', KEY: 'k3y' },
      { 'user-agent': 'Mozilla\t1' },
    )
    await api.call(api.operator, 'PATCH', '/v1/tenants/alpha', { requestRate: { perSecond: 5, burst: 9 } })
    const [limited, changed, set, made] = await entries()
    assert.deepEqual([made?.operation, made?.tenant, made?.target['name']], ['POST /apps', 'alpha', 'shop'])
    assert.deepEqual(made?.asked, ['name'])
    assert.deepEqual(set?.changes, [{ field: 'config.DATABASE_URL', before: null, after: '[secret]' }])
    assert.deepEqual(
      changed?.changes.map(({ field, before }) => [field, before]),
      [
        ['config.DATABASE_URL', '[secret]'],
        ['config.KEY', null],
      ],
    )
    assert.equal(changed?.actor.name, 'member of alpha')
    assert.equal(changed?.app, 'shop')
    assert.equal(changed?.from?.agent, 'Mozilla\ufffd1')
    assert.match(changed?.from?.address ?? '', /127\.0\.0\.1/)
    assert.deepEqual(limited?.changes[0], { field: 'requestRate', before: null, after: { perSecond: 5, burst: 9 } })
    assert.doesNotMatch((await all()).join('\n'), /hunter2|postgres|k3y/)
  })

  it('C13 C14 keeps a stranger’s text on one line and tokens out of it', async () => {
    const secret = owner.split('_').at(-1) ?? ''
    await api.call(owner, 'DELETE', `/v1/tokens/${owner}`)
    await api.call(owner, 'POST', `/v1/nowhere/%0d%0a{"seq":1}`, {}, { 'user-agent': `x ${owner}` })
    await api.call(owner, 'DELETE', `/v1/apps/%0d%0aforged`)
    const lines = await all()
    assert.equal(lines.length, 4)
    for (const line of lines) assert.equal(line.split(/[\r\n]/).length, 1)
    assert.ok(secret.length > 20)
    assert.doesNotMatch(lines.join('\n'), new RegExp(secret))
  })

  it('writes down what was refused: wrong tokens, what is forbidden, and reading secrets; not every look', async () => {
    await api.call(owner, 'POST', '/v1/apps', { name: 'shop' })
    const before = (await all()).length
    await api.call(null, 'GET', '/v1/apps')
    await api.call(owner, 'GET', '/v1/apps')
    assert.equal((await all()).length, before)
    await api.call('berth_wrong', 'GET', '/v1/apps')
    await api.call(owner, 'GET', '/v1/hosts')
    await api.call(owner, 'GET', '/v1/apps/shop/config')
    const found = (await entries()).slice(0, 3).toReversed()
    assert.deepEqual(
      found.map(({ operation, actor, result: { status, code } }) => [operation, actor.kind, status, code]),
      [
        ['token refused', 'nobody', 401, 'UNAUTHENTICATED'],
        ['GET /hosts', 'member', 403, 'FORBIDDEN'],
        ['GET /apps/:app/config', 'member', 200, null],
      ],
    )
  })

  it('does not let one who is refused over and over fill it', async () => {
    const before = (await all()).length
    for (let n = 0; n < 50; n++) await api.call('berth_wrong', 'GET', '/v1/apps')
    assert.equal((await all()).length, before + 30)
  })

  it('C02 shows owners what concerns their tenant, members nothing, and operators’ addresses to operators', async () => {
    const other = await api.member('beta')
    await api.call(owner, 'POST', '/v1/apps', { name: 'shop' })
    await api.call(other, 'POST', '/v1/apps', { name: 'market' })
    await api.call(api.operator, 'POST', '/v1/tenants/alpha/suspend', { reason: 'a test' })
    const mine = ((await api.call(owner, 'GET', '/v1/audit')).body as AuditView).entries
    assert.ok(mine.length >= 2)
    assert.ok(mine.every(({ tenant }) => tenant === 'alpha'))
    const suspended = mine.find(({ operation }) => operation.endsWith('/suspend'))
    assert.equal(suspended?.from, null)
    assert.equal((await api.call(owner, 'GET', '/v1/audit/export')).status, 403)
  })

  it('finds by who, what, tenant, app and time, a page at a time', async () => {
    for (const name of ['one', 'two', 'three']) await api.call(owner, 'POST', '/v1/apps', { name })
    await api.call(api.operator, 'DELETE', '/v1/apps/two')
    assert.deepEqual((await entries('&operation=delete&app=two')).length, 1)
    assert.deepEqual((await entries('&actor=member%20of')).length, 3)
    assert.equal((await entries(`&until=${new Date(0).toISOString()}`)).length, 0)
    assert.equal((await entries(`&since=${new Date(Date.now() + 60_000).toISOString()}`)).length, 0)
    const first = await api.call(api.operator, 'GET', '/v1/audit?limit=2&tenant=alpha')
    const second = await api.call(api.operator, 'GET', `/v1/audit?limit=500&tenant=alpha&cursor=${first.body.next}`)
    const seqs = [...first.body.entries, ...second.body.entries].map(({ seq }: AuditEntryView) => seq)
    assert.deepEqual(
      seqs,
      (await entries('&tenant=alpha')).map(({ seq }) => seq),
    )
    assert.equal(second.body.next, null)
    assert.equal((await api.call(api.operator, 'GET', '/v1/audit?cursor=x')).status, 400)
  })

  it('shows an owner what is of the own tenants, though others did most of what was done', async () => {
    const tenants = ['alpha', 'beta', 'gamma']
    for (let n = 0; n < 30; n++)
      await api.context.audit.write({ ...facts(`thing ${n}`), tenant: tenants[n % 3] ?? null })
    const ownerOfTwo = await aSignedIn(api, 'two@example.com', { tenant: 'beta', role: 'owner' })
    await createTenant(api.context.store, newTenant('gamma' as TenantId, 0))
    const how = { before: 'any', force: false } as const
    await setMember(api.context.store, ownerOfTwo.id, 'gamma' as TenantId, 'owner', how)
    const page = (query: string) => ownerOfTwo.browser.call('GET', `/v1/audit?limit=7&operation=thing${query}`)
    const seen: AuditEntryView[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const { status, body } = await page(cursor === '' ? '' : `&cursor=${cursor}`)
      assert.equal(status, 200)
      const { entries: shown, next } = body as AuditView
      seen.push(...shown)
      cursor = next
    }
    const expected = Array.from({ length: 30 }, (_, n) => 29 - n).filter((n) => n % 3 !== 0)
    assert.deepEqual(
      seen.map(({ operation }) => operation),
      expected.map((n) => `thing ${n}`),
    )
    const { body } = await page('&tenant=gamma')
    assert.deepEqual(new Set((body as AuditView).entries.map(({ tenant }) => tenant)), new Set(['gamma']))
    assert.deepEqual((await page('&tenant=alpha')).body.entries, [], 'C02')
  })

  it('keeps one unbroken chain though two controllers write at once', async () => {
    const stores = [connectStore(api.redis.url), connectStore(api.redis.url)]
    const logs = stores.map((store) => createAuditLog({ store, now: Date.now }))
    await Promise.all(
      logs.flatMap((log, which) => Array.from({ length: 150 }, (_, n) => log.write(facts(`thing ${2 * n + which}`)))),
    )
    stores.forEach((store) => store.disconnect())
    const lines = await all()
    const operationsWritten = new Set(lines.map((line) => (JSON.parse(line) as AuditFacts).operation))
    for (let n = 0; n < 300; n++) assert.ok(operationsWritten.has(`thing ${n}`), String(n))
    const verdict = verify(lines)
    assert.deepEqual(verdict.whole && verdict.head, await loadAuditHead(api.context.store))
  })

  it('answers no success that is not in the log', async () => {
    await api.context.store.del(keys.auditHead)
    await api.context.store.set(keys.auditHead, 'no hash: every write of an entry fails')
    const { status, body } = await api.call(owner, 'POST', '/v1/apps', { name: 'shop' })
    assert.deepEqual([status, body.code], [503, 'AUDIT_NOT_WRITTEN'])
    assert.equal((await api.call(owner, 'POST', '/v1/apps', { name: '!' })).status, 422)
  })

  it('moves what is old to files that go on with the chain, and exports the rest with its head', async () => {
    for (let n = 0; n < 25; n++) await api.context.audit.write(facts(`thing ${n}`))
    const whole = await all()
    const context = { store: api.context.store, log: silentLog, home: api.home, now: Date.now }
    await archive(context, { keep: 10, together: 8, keepFilesMs: 3600_000 })
    const folder = join(api.home, 'audit')
    const names = (await readdir(folder)).sort()
    const archived = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
    const response = await fetch(`${api.url}/v1/audit/export`, { headers: { authorization: `Bearer ${api.operator}` } })
    const exported = (await response.text()).trimEnd().split('\n')
    assert.deepEqual(JSON.parse(exported.pop() ?? ''), { head: await loadAuditHead(api.context.store) })
    const places = await api.context.store.zrangebylex(keys.auditTenants, '-', '+')
    const kept = exported.map((line) => JSON.parse(line) as AuditEntry).filter(({ tenant }) => tenant !== null)
    assert.deepEqual(places.length, kept.length, 'the index holds what the log holds')
    const together = [...archived.join('').trimEnd().split('\n'), ...exported]
    assert.deepEqual(together, whole)
    assert.ok(exported.length <= 10)
    await archive({ ...context, now: () => Date.now() + 7200_000 }, { keep: 10, together: 8, keepFilesMs: 3600_000 })
    assert.deepEqual(await readdir(folder), [])
  })

  it('C20 shows the owners of a tenant what an operator did in its place, marked as that', async () => {
    await api.call(owner, 'POST', '/v1/apps', { name: 'shop' })
    await api.call(api.operator, 'PATCH', '/v1/apps/shop/config', { A: 'b' })
    await api.call(api.operator, 'GET', '/v1/apps/shop/config')
    await api.call(api.operator, 'POST', '/v1/hosts/none/cordon')
    const { body } = await api.call(owner, 'GET', '/v1/audit')
    const seen = (body as AuditView).entries
    assert.deepEqual(
      seen.filter(({ actor }) => actor.standsIn).map(({ operation, actor, from }) => [operation, actor.kind, from]),
      [
        ['GET /apps/:app/config', 'operator', null],
        ['PATCH /apps/:app/config', 'operator', null],
        ['POST /tokens', 'operator', null],
      ],
    )
    const own = seen.find(({ operation }) => operation === 'POST /apps')
    assert.equal(own?.actor.standsIn, undefined, 'what its own people do is not')
    const platform = (await entries()).find(({ operation }) => operation === 'POST /hosts/:host/cordon')
    assert.equal(platform?.actor.standsIn, undefined, 'nor what concerns the platform alone')
  })

  it('C20 says so when operators change hosts', async () => {
    await heartbeat(api.context.store, aHost)
    await api.call(api.operator, 'POST', '/v1/hosts/host-1/cordon')
    const [newest] = await entries()
    assert.deepEqual(newest?.changes, [{ field: 'cordoned', before: false, after: true }])
    assert.deepEqual([newest?.actor.kind, newest?.target], ['operator', { host: 'host-1', id: 'host-1' }])
  })
})

const aHost = {
  id: 'host-1' as HostId,
  hostname: 'host-1',
  capacity: { memoryMb: 1024, cpuMilli: 2000, diskMb: 1024, slots: 10 },
  stack: 'debian',
  stacks: [],
  version: '0.1.0',
  cgroup: 'v1' as const,
  startedAt: 0,
  cpuMilliUsed: 0,
  memoryMbUsed: 0,
}

const facts = (operation: string): AuditFacts => ({
  operation,
  requestId: 'r',
  actor: { kind: 'operator', name: 'operator', tokenId: null, userId: null },
  tenant: null,
  app: null,
  target: {},
  asked: [],
  changes: [],
  from: { address: '127.0.0.1', agent: '' },
  result: { status: 200, code: null },
  unrecorded: 0,
})
