import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApi } from '../../../../controller/api/server.ts'
import { startApi, type TestApi } from '#test/helpers/api.ts'

describe('the rate limit of the API', function () {
  this.timeout(30_000)
  let api: TestApi
  let member: string
  beforeEach(async () => {
    api = await startApi({ sourceBytes: 1024 ** 2, apiRate: 20 })
    member = await api.member('alpha')
  })
  afterEach(() => api.stop())

  const ask = (token: string | null, path = '/v1/whoami') => api.call(token, 'GET', path)
  const statuses = async (count: number, token: string | null) => {
    const answers: number[] = []
    for (let n = 0; n < count; n++) answers.push((await ask(token)).status)
    return answers
  }

  it('says with each answer how much is left, and refuses one who asks too often, not the others', async () => {
    const first = await ask(member)
    assert.equal(first.headers.get('ratelimit-policy'), '"caller";q=20;w=60')
    assert.equal(first.headers.get('ratelimit'), '"caller";r=19;t=3')
    assert.deepEqual(new Set(await statuses(19, member)), new Set([200]))
    const refused = await ask(member)
    assert.deepEqual([refused.status, refused.body.code], [429, 'TOO_MANY_REQUESTS'])
    assert.match(refused.headers.get('content-type') ?? '', /problem\+json/)
    assert.match(refused.headers.get('ratelimit') ?? '', /^"caller";r=0;t=\d+$/)
    const wait = Number(refused.headers.get('retry-after'))
    assert.ok(wait >= 1 && wait <= 3, String(wait))
    assert.equal((await ask(api.operator)).status, 200)
  })

  it('counts strangers by their address, and lets whoever has a token in meanwhile', async () => {
    const answers = await statuses(25, 'berth_wrong')
    assert.deepEqual(new Set(answers.slice(0, 20)), new Set([401]))
    assert.equal(answers.at(-1), 429)
    assert.equal((await ask(null)).status, 429)
    assert.equal((await ask(member)).status, 200)
  })

  it('is one limit for all controllers', async () => {
    const second = createServer(createApi(api.context))
    await new Promise<void>((resolve) => void second.listen(0, '127.0.0.1', resolve))
    const { port } = second.address() as AddressInfo
    try {
      await statuses(20, member)
      const there = await fetch(`http://127.0.0.1:${port}/v1/whoami`, {
        headers: { authorization: `Bearer ${member}` },
      })
      assert.equal(there.status, 429)
    } finally {
      second.closeAllConnections()
      second.close()
    }
  })

  it('leaves out health checks', async () => {
    for (let n = 0; n < 30; n++) assert.equal((await ask(null, '/healthz')).status, 200)
  })

  it('stops nobody when the store does not count', async () => {
    await api.context.store.call('ACL', 'SETUSER', 'default', '-eval', '-evalsha')
    assert.deepEqual(new Set(await statuses(30, member)), new Set([200]))
  })
})
