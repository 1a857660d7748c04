import assert from 'node:assert/strict'
import type { DomainView, RoutingView } from '#core/contract/api.ts'
import { aPerson, ok, startFakeApi, type FakeApi, type Person } from './harness.ts'

const pending: DomainView = {
  address: '*.shop.example',
  host: '*.shop.example',
  path: '/',
  state: 'pending',
  createdAt: '2026-01-01T00:00:00.000Z',
  verified: null,
  challenge: { type: 'TXT', name: '_berth-challenge.shop.example', value: 'berth-abc' },
  check: null,
  certificate: null,
}
const usual: RoutingView = {
  protocol: 'http1',
  bodyLimitBytes: null,
  firstByteMs: 30_000,
  idleMs: 60_000,
  concurrency: null,
  sticky: false,
  maintenance: false,
  forceHttps: false,
}

describe('berth, on domains and routing', function () {
  this.timeout(30_000)
  let api: FakeApi
  let person: Person

  beforeEach(async () => {
    api = await startFakeApi()
    person = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: 't' })
  })
  afterEach(async () => {
    await api.stop()
    await person.leave()
  })

  const bodyOf = (method: string) => api.seen.find((seen) => seen.method === method)?.body

  it('adds a domain, and says which record to publish and what to do then', async () => {
    api.answers['POST /v1/apps/shop/domains'] = ok(pending, 201)
    const ran = await person.berth(['domains:add', '*.shop.example', '-a', 'shop'])
    assert.equal(ran.code, 0, ran.stderr)
    assert.deepEqual(bodyOf('POST'), { address: '*.shop.example' })
    assert.match(ran.stdout, /TXT record: +_berth-challenge\.shop\.example\nIts value: +berth-abc/)
    assert.match(ran.stderr, /carries no traffic yet.*berth domains:verify \*\.shop\.example -a shop/s)
  })

  it('lists an app’s domains with their states', async () => {
    const verified = { at: pending.createdAt, by: 'dns' as const }
    const certificate = {
      host: 'shop.example',
      state: 'issued',
      certificate: 'c-1',
      nextAt: null,
      failures: 0,
      problem: null,
    }
    const shown = { state: 'verified', verified, challenge: null, certificate } as const
    const other = { ...pending, address: 'shop.example/api', ...shown }
    api.answers['GET /v1/apps/shop/domains'] = ok({ own: 'shop.localhost', domains: [pending, other] })
    const ran = await person.berth(['domains', '-a', 'shop'])
    assert.equal(ran.code, 0, ran.stderr)
    assert.match(ran.stdout, /shop\.localhost +verified/)
    assert.match(ran.stdout, /\*\.shop\.example +pending .*waits for the TXT record _berth-challenge\.shop\.example/)
    assert.match(ran.stdout, /shop\.example\/api +verified .*issued +by DNS/)
  })

  it('names an address with a path in one piece of the API’s path', async () => {
    const at = '/v1/apps/shop/domains/shop.example%2Fapi'
    api.answers[`POST ${at}/verify`] = ok(pending)
    api.answers[`POST ${at}/approve`] = ok(pending)
    api.answers[`DELETE ${at}`] = (response) => void response.writeHead(204).end()
    for (const verb of ['verify', 'approve', 'remove']) {
      const ran = await person.berth([`domains:${verb}`, 'shop.example/api', '-a', 'shop'])
      assert.equal(ran.code, 0, ran.stderr)
    }
    assert.equal(api.seen.length, 3)
  })

  it('changes the routing and shows what it is then', async () => {
    api.answers['PATCH /v1/apps/shop/routing'] = ok({ ...usual, bodyLimitBytes: 1024 ** 2, sticky: true })
    const ran = await person.berth(['routing:set', '--body-limit', '1M', '--sticky', 'on', '-a', 'shop'])
    assert.equal(ran.code, 0, ran.stderr)
    assert.deepEqual(bodyOf('PATCH'), { bodyLimitBytes: 1024 ** 2, sticky: true })
    assert.match(ran.stdout, /Body limit: +1\.00 MiB/)
    assert.match(ran.stdout, /Sticky: +on/)
    assert.equal((await person.berth(['routing:set', '-a', 'shop'])).code, 2)
  })

  it('turns maintenance on and off', async () => {
    api.answers['PATCH /v1/apps/shop/routing'] = ok({ ...usual, maintenance: true })
    await person.berth(['maintenance:on', '-a', 'shop'])
    await person.berth(['maintenance:off', '-a', 'shop'])
    assert.deepEqual(
      api.seen.map(({ body }) => body),
      [{ maintenance: true }, { maintenance: false }],
    )
  })

  it('C14: takes a password from a pipe or makes one, and prints only the one that it made', async () => {
    api.answers['POST /v1/apps/shop/access/users'] = ok({ allow: [], users: ['ann'] }, 201)
    const piped = await person.berth(['access:users:add', 'ann', '-a', 'shop'], { input: 'correct horse\n' })
    assert.equal(piped.code, 0, piped.stderr)
    assert.deepEqual(bodyOf('POST'), { name: 'ann', password: 'correct horse' })
    assert.doesNotMatch(piped.stdout + piped.stderr, /correct/)

    api.seen.length = 0
    const made = await person.berth(['access:users:add', 'ci', '--generate', '-a', 'shop'])
    assert.match(made.stdout, /^[\w-]{20}\n$/)
    assert.deepEqual(bodyOf('POST'), { name: 'ci', password: made.stdout.trim() })
  })

  it('lets networks in and out', async () => {
    api.answers['PATCH /v1/apps/shop/access'] = ok({ allow: ['10.0.0.0/8'], users: [] })
    const ran = await person.berth(['access:allow', '10.0.0.0/8', '2001:db8::/32', '-a', 'shop'])
    assert.match(ran.stdout, /Networks: +10\.0\.0\.0\/8/)
    await person.berth(['access:deny', '2001:db8::/32', '-a', 'shop'])
    assert.deepEqual(
      api.seen.map(({ body }) => body),
      [{ add: ['10.0.0.0/8', '2001:db8::/32'] }, { remove: ['2001:db8::/32'] }],
    )
  })
})
