import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { slugFileRoutes } from '../../../../controller/api/slug-files.ts'
import { v1Routes } from '../../../../controller/api/server.ts'
import { internalRoutes } from '../../../../controller/api/internal.ts'
import { bootstrap } from '../../../../controller/bootstrap.ts'
import type { HostId, TenantId, TokenId } from '#core/domain/ids.ts'
import { keys } from '#core/store/keys.ts'
import { heartbeat } from '#core/store/hosts.ts'
import { loadTokens, removeToken } from '#core/store/tokens.ts'
import { operations } from '#core/contract/operations/index.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'

/** What a member of another tenant gets. A route that is not in this table fails the test. */
const foreign: Record<string, number> = {
  'GET /whoami': 200,
  'GET /live': 200,
  'GET /session': 200,
  'DELETE /session': 204,
  'POST /session/totp': 403,
  'POST /login-links': 403,
  'GET /account': 404,
  'PATCH /account': 403,
  'POST /account/password': 403,
  'POST /account/totp': 403,
  'POST /account/totp/confirm': 403,
  'POST /account/totp/disable': 403,
  'GET /account/sessions': 403,
  'DELETE /account/sessions': 403,
  'DELETE /account/sessions/:session': 403,
  'POST /account/invitations': 403,
  'DELETE /account/memberships/:membership': 403,
  'GET /users': 403,
  'POST /users': 403,
  'GET /users/:person': 403,
  'PATCH /users/:person': 403,
  'DELETE /users/:person': 403,
  'POST /users/:person/login-links': 403,
  'DELETE /users/:person/totp': 403,
  'DELETE /users/:person/sessions': 403,
  'GET /tenants/:tenant/members': 404,
  'POST /tenants/:tenant/members': 404,
  'PATCH /tenants/:tenant/members/:person': 404,
  'DELETE /tenants/:tenant/members/:person': 404,
  'GET /tenants/:tenant/invitations': 404,
  'POST /tenants/:tenant/invitations': 404,
  'DELETE /tenants/:tenant/invitations/:invitation': 404,
  'GET /invitations': 403,
  'POST /invitations': 403,
  'DELETE /invitations/:invitation': 403,
  'GET /apps/:app/metrics': 404,
  'GET /tenants/:tenant/metrics': 404,
  'GET /hosts/:host/metrics': 403,
  'GET /metrics': 403,
  'GET /apps': 200,
  'POST /apps': 201,
  'GET /apps/:app': 404,
  'DELETE /apps/:app': 404,
  'GET /apps/:app/formation': 404,
  'PATCH /apps/:app/formation': 404,
  'GET /apps/:app/config': 404,
  'PATCH /apps/:app/config': 404,
  'GET /apps/:app/domains': 404,
  'POST /apps/:app/domains': 404,
  'GET /apps/:app/domains/:address': 404,
  'DELETE /apps/:app/domains/:address': 404,
  'POST /apps/:app/domains/:address/verify': 404,
  'POST /apps/:app/domains/:address/approve': 404,
  'GET /apps/:app/routing': 404,
  'PATCH /apps/:app/routing': 404,
  'DELETE /apps/:app/routing': 404,
  'GET /apps/:app/access': 404,
  'PATCH /apps/:app/access': 404,
  'DELETE /apps/:app/access': 404,
  'POST /apps/:app/access/users': 404,
  'DELETE /apps/:app/access/users/:user': 404,
  'GET /apps/:app/drains': 404,
  'POST /apps/:app/drains': 404,
  'DELETE /apps/:app/drains/:drain': 404,
  'GET /drains': 403,
  'POST /drains': 403,
  'DELETE /drains/:drain': 403,
  'GET /apps/:app/releases': 404,
  'GET /apps/:app/releases/:version': 404,
  'POST /apps/:app/rollback': 404,
  'POST /apps/:app/restart': 404,
  'POST /apps/:app/pause': 404,
  'POST /apps/:app/resume': 404,
  'GET /apps/:app/deploys': 404,
  'GET /apps/:app/deploys/:deploy': 404,
  'GET /apps/:app/deploys/:deploy/log': 404,
  'GET /apps/:app/slugs': 404,
  'POST /apps/:app/slugs/adopt': 404,
  'POST /apps/:app/slugs/file': 404,
  'GET /apps/:app/slugs/:release/file': 404,
  'DELETE /apps/:app/build-cache': 404,
  'GET /apps/:app/build': 404,
  'PATCH /apps/:app/build': 404,
  'GET /apps/:app/builds': 404,
  'GET /apps/:app/builds/:build': 404,
  'GET /apps/:app/builds/:build/output': 404,
  'POST /apps/:app/builds/:build/cancel': 404,
  'GET /apps/:app/checks': 404,
  'PATCH /apps/:app/checks': 404,
  'GET /apps/:app/cron': 404,
  'GET /apps/:app/cron/:job': 404,
  'POST /apps/:app/cron/:job/pause': 404,
  'POST /apps/:app/cron/:job/resume': 404,
  'POST /apps/:app/cron/:job/run': 404,
  'POST /apps/:app/source': 404,
  'GET /apps/:app/instances': 404,
  'GET /apps/:app/runs': 404,
  'POST /apps/:app/runs': 404,
  'GET /apps/:app/runs/:run': 404,
  'POST /apps/:app/runs/:run/stop': 404,
  'GET /apps/:app/logs': 404,
  'GET /apps/:app/events': 404,
  'GET /apps/:app/usage': 404,
  'GET /usage': 200,
  'GET /tenants/:tenant/usage': 404,
  'GET /instances': 403,
  'GET /hosts': 403,
  'POST /hosts/:host/cordon': 403,
  'POST /hosts/:host/uncordon': 403,
  'GET /apps/:app/quota': 404,
  'PATCH /apps/:app/quota': 404,
  'DELETE /apps/:app/quota': 404,
  'GET /apps/:app/certificates': 404,
  'POST /apps/:app/certificates': 404,
  'POST /apps/:app/certificates/retry': 404,
  'GET /apps/:app/certificates/:certificate': 404,
  'DELETE /apps/:app/certificates/:certificate': 404,
  'GET /certificates': 403,
  'POST /certificates': 403,
  'POST /certificates/retry': 403,
  'GET /certificates/:certificate': 403,
  'DELETE /certificates/:certificate': 403,
  'GET /stacks': 403,
  'POST /stacks': 403,
  'PATCH /stacks': 403,
  'GET /stacks/:stack': 403,
  'DELETE /stacks/:stack': 403,
  'GET /stacks/:stack/log': 403,
  'GET /tenants': 403,
  'POST /tenants': 403,
  'GET /tenants/:tenant': 404,
  'PATCH /tenants/:tenant': 404,
  'POST /tenants/:tenant/suspend': 404,
  'POST /tenants/:tenant/resume': 404,
  'GET /plans': 403,
  'POST /plans': 403,
  'GET /plans/:plan': 403,
  'PATCH /plans/:plan': 403,
  'DELETE /plans/:plan': 403,
  'GET /keys': 200,
  'POST /keys': 400,
  'DELETE /keys/:key': 404,
  'GET /ssh': 200,
  'GET /tokens': 200,
  'POST /tokens': 400,
  'DELETE /tokens/:token': 404,
  'GET /apps/:app/webhooks': 404,
  'POST /apps/:app/webhooks': 404,
  'GET /apps/:app/webhooks/:webhook': 404,
  'PATCH /apps/:app/webhooks/:webhook': 404,
  'DELETE /apps/:app/webhooks/:webhook': 404,
  'POST /apps/:app/webhooks/:webhook/rotate': 404,
  'POST /apps/:app/webhooks/:webhook/test': 404,
  'GET /apps/:app/webhooks/:webhook/deliveries': 404,
  'GET /apps/:app/webhooks/:webhook/deliveries/:delivery': 404,
  'POST /apps/:app/webhooks/:webhook/deliveries/:delivery/redeliver': 404,
  'GET /tenants/:tenant/webhooks': 404,
  'POST /tenants/:tenant/webhooks': 404,
  'GET /tenants/:tenant/webhooks/:webhook': 404,
  'PATCH /tenants/:tenant/webhooks/:webhook': 404,
  'DELETE /tenants/:tenant/webhooks/:webhook': 404,
  'POST /tenants/:tenant/webhooks/:webhook/rotate': 404,
  'POST /tenants/:tenant/webhooks/:webhook/test': 404,
  'GET /tenants/:tenant/webhooks/:webhook/deliveries': 404,
  'GET /tenants/:tenant/webhooks/:webhook/deliveries/:delivery': 404,
  'POST /tenants/:tenant/webhooks/:webhook/deliveries/:delivery/redeliver': 404,
  'GET /webhooks': 403,
  'POST /webhooks': 403,
  'GET /webhooks/:webhook': 403,
  'PATCH /webhooks/:webhook': 403,
  'DELETE /webhooks/:webhook': 403,
  'POST /webhooks/:webhook/rotate': 403,
  'POST /webhooks/:webhook/test': 403,
  'GET /webhooks/:webhook/deliveries': 403,
  'GET /webhooks/:webhook/deliveries/:delivery': 403,
  'POST /webhooks/:webhook/deliveries/:delivery/redeliver': 403,
  'GET /apps/:app/alerts': 404,
  'PATCH /apps/:app/alerts': 404,
  'GET /apps/:app/alerts/rules': 404,
  'GET /tenants/:tenant/alerts': 404,
  'PATCH /tenants/:tenant/alerts': 404,
  'GET /tenants/:tenant/alerts/rules': 404,
  'GET /alerts': 200,
  'PATCH /alerts': 403,
  'GET /alerts/rules': 403,
  'GET /version': 200,
  'GET /templates': 200,
  'GET /templates/:template': 404,
  'GET /audit': 200,
  'GET /audit/head': 403,
  'GET /audit/export': 403,
  'GET /backup': 403,
  'POST /hosts': 403,
  'POST /hosts/:host/revoke': 403,
  'GET /hosts/:host/doctor': 403,
  'DELETE /hosts/:host': 403,
}

/** What everybody gets who sends nothing: these routes let people in. One that is not in this table fails the test. */
const open: Record<string, number> = {
  'POST /session': 400,
  'POST /session/once': 400,
  'GET /session/methods': 200,
  'POST /invitations/show': 400,
  'POST /invitations/accept': 400,
}

/** Mounted by itself, because its body is a stream. */
const uploads = { '/apps/:app/source': { POST: null } }

describe('access to the API', function () {
  // It asks every route in every wrong way.
  this.timeout(20_000)
  let api: TestApi
  let member: string
  let other: string
  let tokenId: string

  before(async () => {
    api = await startApi()
    member = await api.member('alpha')
    other = await api.member('beta')
    await api.call(member, 'POST', '/v1/apps', { name: 'shop' })
    tokenId = (await loadTokens(api.context.store)).find((token) => token.tenantId === ('alpha' as TenantId))?.id ?? ''
  })
  after(() => api.stop())

  const routes = () =>
    Object.entries({ ...v1Routes(api.context), ...slugFileRoutes(api.context), ...uploads }).flatMap(
      ([path, methods]) => Object.keys(methods).map((method) => ({ method, path, route: `${method} ${path}` })),
    )
  const fill = (path: string) =>
    '/v1' +
    path
      .replace(':app', 'shop')
      .replace(':version', '1')
      .replace(':release', '1')
      .replace(':address', 'shop.example')
      .replace(':user', 'ann')
      .replace(':certificate', 'c-aaaaaaaaaaaaa')
      .replace(':webhook', 'w-aaaaaaaaaaaaa')
      .replace(':delivery', 'msg-1-0')
      .replace(':deploy', 'd-aaaaaaaaaaaaa')
      .replace(':host', 'host-1')
      .replace(':run', 'run.1')
      .replace(':tenant', 'alpha')
      .replace(':plan', 'default')
      .replace(':token', tokenId)
  const bodyFor = (method: string) => (method === 'GET' || method === 'DELETE' ? undefined : {})

  it('C01 answers every route with one and the same 401 without a token and with any wrong one', async () => {
    const [, id = ''] = /^berth_(.+)_/.exec(member) ?? []
    const wrong = [
      null,
      'nonsense',
      `berth_t-aaaaaaaaaaaaa_${'0'.repeat(64)}`,
      `berth_${id}_${'0'.repeat(64)}`,
      member.slice(0, -1),
    ]
    for (const { method, path, route } of routes()) {
      for (const token of wrong) {
        const { status, body } = await api.call(token, method, fill(path), bodyFor(method))
        assert.equal(status, 401, route)
        assert.equal(body.code, 'UNAUTHENTICATED')
        assert.equal(body.detail, 'No valid API token was given. Run `berth login`, or set BERTH_TOKEN.')
      }
    }
  })

  it("C02 C03 shows a member nothing of another tenant's and nothing of the operators', on any route", async () => {
    assert.deepEqual(
      routes()
        .map(({ route }) => route)
        .sort(),
      Object.keys(foreign).sort(),
    )
    for (const { method, path, route } of routes()) {
      const { status, body } = await api.call(other, method, fill(path), bodyFor(method))
      assert.equal(status, foreign[route], route)
      if (status < 300) assert.doesNotMatch(JSON.stringify(body), /shop|alpha/, route)
    }
    assert.equal((await api.call(member, 'GET', '/v1/apps/shop')).status, 200)
  })

  it('lets in without a token only where people sign in', async () => {
    const declared = Object.entries(operations).filter(([, { need }]) => need === 'public')
    assert.deepEqual(declared.map(([route]) => route).sort(), Object.keys(open).sort())
    for (const [route, status] of Object.entries(open)) {
      const [method = '', path = ''] = route.split(' ')
      for (const token of [null, 'nonsense', other])
        assert.equal((await api.call(token, method, fill(path), bodyFor(method))).status, status, route)
    }
  })

  it('answers what is not there and what is another tenant’s alike', async () => {
    const strange = await api.call(other, 'GET', '/v1/apps/shop')
    const missing = await api.call(other, 'GET', '/v1/apps/none')
    const plain = ({ body }: typeof strange) => JSON.stringify({ ...body, requestId: '' }).replace(/shop|none/g, 'X')
    assert.equal(plain(strange), plain(missing))
  })

  it('has nothing under /internal, which agents reach by a door of their own', async () => {
    for (const [path, methods] of Object.entries(internalRoutes(api.context)))
      for (const method of Object.keys(methods))
        for (const token of [api.operator, member, null])
          assert.equal((await api.call(token, method, `/internal${path}`)).status, 404)
  })

  it('never takes one of many callers at once for another', async () => {
    const expected = ['member of alpha', 'member of beta', 'operator', undefined]
    const calls = Array.from({ length: 40 }, (_, index) => index % expected.length)
    const answers = await Promise.all(
      calls.map((which) => api.call([member, other, api.operator, 'wrong'][which] ?? null, 'GET', '/v1/whoami')),
    )
    assert.deepEqual(
      answers.map(({ body }) => (body as { actor?: string }).actor),
      calls.map((which) => expected[which]),
    )
  })

  it('does not take Basic credentials, which browsers send by themselves, under /v1', async () => {
    const authorization = `Basic ${Buffer.from(`x:${member}`).toString('base64')}`
    assert.equal((await api.call(null, 'GET', '/v1/apps', undefined, { authorization })).status, 401)
  })

  it('shows a token once, stores only its hash, and revokes it at once', async () => {
    const made = await api.call(member, 'POST', '/v1/tokens', { description: 'ci' })
    assert.equal(made.status, 201)
    const { id, token } = made.body as { id: string; token: string }
    assert.equal(made.body.tenant, 'alpha')
    assert.equal((await api.call(token, 'GET', '/v1/whoami')).body.actor, 'ci')
    const secret = token.split('_')[2] ?? ''
    assert.doesNotMatch(JSON.stringify(await loadTokens(api.context.store)), new RegExp(secret))
    const listed = await api.call(member, 'GET', '/v1/tokens')
    assert.doesNotMatch(JSON.stringify(listed.body), /secret|hash/i)
    assert.equal((await api.call(other, 'DELETE', `/v1/tokens/${id}`)).status, 404)
    assert.equal((await api.call(member, 'DELETE', `/v1/tokens/${id}`)).status, 204)
    assert.equal((await api.call(token, 'GET', '/v1/whoami')).status, 401)
  })

  it('never makes a token that reaches further than its maker', async () => {
    const attempts: [object, number][] = [
      [{ description: 'x', operator: true }, 403],
      [{ description: 'x', tenant: 'beta' }, 404],
      [{ description: 'x', role: 'operator' }, 400],
    ]
    for (const [body, status] of attempts)
      assert.equal((await api.call(member, 'POST', '/v1/tokens', body)).status, status)
    const both = await api.call(api.operator, 'POST', '/v1/tokens', {
      description: 'x',
      operator: true,
      tenant: 'beta',
    })
    assert.equal(both.status, 400)
  })

  it('lets operators cordon hosts and set quotas, and wakes the reconciler', async () => {
    await heartbeat(api.context.store, aHost('host-1'))
    const woken = api.wakes
    const cordoned = await api.call(api.operator, 'POST', '/v1/hosts/host-1/cordon')
    assert.equal(cordoned.body.cordoned, true)
    const { body } = await api.call(api.operator, 'GET', '/v1/hosts')
    assert.deepEqual([body.hosts[0].cordoned, body.hosts[0].live, body.hosts[0].reserved.slots], [true, true, 0])
    assert.equal((await api.call(api.operator, 'POST', '/v1/hosts/nowhere/cordon')).status, 404)
    const removing = () => api.call(api.operator, 'DELETE', '/v1/hosts/host-1')
    assert.equal((await removing()).body.code, 'HOST_LIVES')
    await api.context.store.del(keys.hostLease('host-1' as HostId))
    assert.equal((await removing()).status, 204)
    assert.deepEqual((await api.call(api.operator, 'GET', '/v1/hosts')).body.hosts, [])
    assert.equal((await removing()).status, 404)
    const requestRate = { perSecond: 5, burst: 9 }
    const patched = await api.call(api.operator, 'PATCH', '/v1/tenants/alpha', { requestRate })
    assert.deepEqual(patched.body.requestRate, requestRate)
    assert.deepEqual((await api.call(member, 'GET', '/v1/tenants/alpha')).body.requestRate, requestRate)
    assert.equal(api.wakes, woken + 2)
    assert.equal((await api.call(member, 'PATCH', '/v1/tenants/alpha', { requestRate })).status, 403)
    assert.equal((await api.call(api.operator, 'POST', '/v1/tenants', { id: 'alpha' })).status, 409)
  })

  it('keeps the token files at later starts, and makes them valid again when Redis lost its data', async () => {
    const { store, random, now } = api.context
    const start = () => bootstrap({ store, home: api.home, random, now })
    const path = join(api.home, 'operator-token')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    await start()
    assert.equal((await readFile(path, 'utf8')).trim(), api.operator)
    await removeToken(store, (/^berth_(.+)_/.exec(api.operator)?.[1] ?? '') as TokenId)
    assert.equal((await api.call(api.operator, 'GET', '/v1/whoami')).status, 401)
    await start()
    assert.equal((await api.call(api.operator, 'GET', '/v1/whoami')).body.operator, true)
  })
})

const aHost = (id: string) => ({
  id: id as HostId,
  hostname: id,
  capacity: { memoryMb: 1024, cpuMilli: 2000, diskMb: 1024, slots: 10 },
  stack: 'debian',
  stacks: [],
  version: '0.1.0',
  cgroup: 'v1' as const,
  startedAt: 0,
  cpuMilliUsed: 0,
  memoryMbUsed: 0,
})
