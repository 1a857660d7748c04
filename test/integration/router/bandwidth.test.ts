import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TenantId } from '#core/domain/ids.ts'
import { anApp, get, httpApp, startWorld, type TestApp, type World } from './support.ts'

const RATE = 200_000
const SIZE = 600_000
/** What is beyond the credit needs its time; no bound above, since the machine may be busy. */
const LEAST_MS = 1_500
const large = 'the quick brown fox '.repeat(SIZE / 20)

describe('a tenant’s bandwidth, through the router', function () {
  this.timeout(60_000)
  let world: World
  let app: TestApp
  before(async () => {
    app = await httpApp((request, response) => {
      if (request.method === 'GET') response.end(request.url === '/large' ? large : 'small')
      else void digestOf(request).then((digest) => response.end(digest))
    })
  })
  beforeEach(async () => {
    world = await startWorld()
  })
  afterEach(() => world.stop())
  after(() => app.stop())

  const serve = (limit: 'inBytesPerSecond' | 'outBytesPerSecond') =>
    world.route([anApp('slow', [app.endpoint]), anApp('other', [app.endpoint], { tenantId: 't-two' as TenantId })], {
      't-one': { [limit]: RATE },
    })
  const timed = async <T>(work: Promise<T>): Promise<{ done: T; ms: number }> => {
    const began = performance.now()
    return { done: await work, ms: performance.now() - began }
  }

  it('Q01: holds an answer to it, loses nothing of it, and keeps nobody else', async () => {
    await serve('outBytesPerSecond')
    let over = false
    const slow = timed(get(world.port, 'slow.test', '/large')).finally(() => (over = true))
    const other = await get(world.port, 'other.test', '/large')
    assert.ok(!over, 'the other tenant’s came first')
    assert.ok(other.body === large)
    const { done, ms } = await slow
    assert.ok(done.body === large, 'nothing is lost')
    assert.ok(ms >= LEAST_MS, `took ${ms} ms`)
  })

  it('Q01: holds a request’s body to it, loses nothing of it, and keeps nobody else', async () => {
    await serve('inBytesPerSecond')
    const post = (host: string) => get(world.port, host, '/', { method: 'POST', body: large })
    let over = false
    const slow = timed(post('slow.test')).finally(() => (over = true))
    const other = await post('other.test')
    assert.ok(!over, 'the other tenant’s came first')
    assert.equal(other.body, hash('sha256', large))
    const { done, ms } = await slow
    assert.equal(done.body, hash('sha256', large), 'nothing is lost')
    assert.ok(ms >= LEAST_MS, `took ${ms} ms`)
  })
})

async function digestOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return hash('sha256', Buffer.concat(chunks))
}
