import assert from 'node:assert/strict'
import { aPerson, ok, problem, startFakeApi, type FakeApi, type Person } from './harness.ts'

describe('berth, where the network is bad', function () {
  this.timeout(60_000)
  let api: FakeApi
  let person: Person
  before(async () => {
    api = await startFakeApi()
    person = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: 'token' })
  })
  after(async () => {
    await person.leave()
    await api.stop()
  })
  beforeEach(() => {
    api.seen.length = 0
  })
  const tenant = { id: 'acme', plan: 'default' }
  const keysSent = () => api.seen.map(({ headers }) => headers['idempotency-key'])

  it('sends what creates again under the same key when the connection breaks off, and waits for the first', async () => {
    api.answers['POST /v1/tenants'] = (response, seen) => {
      if (api.seen.length === 1) return void response.socket?.destroy()
      if (api.seen.length === 2) return problem(409, 'CALL_UNDER_WAY', 'It is under way.')(response, seen)
      return ok(tenant, 201)(response, seen)
    }
    const { code, stdout, stderr } = await person.berth(['tenants:create', 'acme', '--json'])
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(JSON.parse(stdout), tenant)
    const [first, ...others] = keysSent()
    assert.match(String(first), /^[0-9a-f-]{36}$/)
    assert.deepEqual(others, [first, first])
  })

  it('uses another key for another call', async () => {
    api.answers['POST /v1/tenants'] = ok(tenant, 201)
    await person.berth(['tenants:create', 'acme', '--json'])
    await person.berth(['tenants:create', 'acme', '--json'])
    const [one, two] = keysSent()
    assert.notEqual(one, two)
  })

  it('gives up in the end, and says so', async () => {
    api.answers['POST /v1/tenants'] = (response) => void response.socket?.destroy()
    const { code, stderr } = await person.berth(['tenants:create', 'acme'])
    assert.equal(code, 4)
    assert.match(stderr, /cannot be reached: the connection broke off/)
    assert.equal(api.seen.length, 4)
  })

  it('lists all pages as one list', async () => {
    api.answers['GET /v1/tokens'] = (response, seen) => {
      const cursor = new URL(seen.url, api.url).searchParams.get('cursor')
      const page = cursor === null ? 1 : Number(cursor)
      const token = {
        id: `t-${page}`,
        description: 'x',
        tenant: null,
        operator: false,
        createdAt: '2026-01-01T00:00:00Z',
      }
      return ok({ tokens: [token], ...(page < 3 ? { next: String(page + 1) } : {}) })(response, seen)
    }
    const { code, stdout } = await person.berth(['tokens', '--json'])
    assert.equal(code, 0)
    const body = JSON.parse(stdout) as { tokens: { id: string }[]; next?: string }
    assert.deepEqual(
      body.tokens.map(({ id }) => id),
      ['t-1', 't-2', 't-3'],
    )
    assert.equal(body.next, undefined)
  })
})
