import assert from 'node:assert/strict'
import { startApi, type TestApi } from '../../../helpers/api.ts'

/** What has an ETag, and a change of it. */
const settings: [path: string, change: unknown, other: unknown][] = [
  ['config', { COLOUR: 'red' }, { COLOUR: 'blue' }],
  ['formation', { web: { count: 2 } }, { web: { count: 3 } }],
  ['routing', { sticky: true }, { sticky: false }],
  ['access', { add: ['10.0.0.0/8'] }, { add: ['10.0.0.0/8', '192.168.0.0/16'] }],
  ['checks', { autoRollback: false }, { autoRollback: true }],
  ['build', { root: 'web' }, { root: 'api' }],
  ['quota', { concurrent: 5 }, { concurrent: 6 }],
]

describe('settings that have a tag', function () {
  this.timeout(30_000)
  let api: TestApi
  before(async () => {
    api = await startApi()
    await api.call(api.operator, 'POST', '/v1/apps', { name: 'shop' })
  })
  after(() => api.stop())
  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    api.call(api.operator, method, `/v1/apps/shop/${path}`, body, headers)

  for (const [path, change, other] of settings)
    it(`${path}: a change that was decided on by an older state is refused, and changes nothing`, async () => {
      const tag = (await call('GET', path)).headers.get('etag') ?? ''
      assert.match(tag, /^"[0-9a-f]{32}"$/)
      const changed = await call('PATCH', path, change, { 'if-match': tag })
      assert.ok(changed.status < 300, JSON.stringify(changed.body))
      const after = await call('GET', path)
      assert.equal(after.headers.get('etag'), changed.headers.get('etag'))
      assert.notEqual(after.headers.get('etag'), tag)
      const late = await call('PATCH', path, other, { 'if-match': tag })
      assert.deepEqual([late.status, late.body.code], [412, 'PRECONDITION_FAILED'])
      assert.match(String(late.body.detail), /shop.* has changed since you read it/)
      assert.deepEqual((await call('GET', path)).body, after.body)
    })

  it('are not sent again to whoever has them', async () => {
    const { headers } = await call('GET', 'config')
    const again = await call('GET', 'config', undefined, { 'if-none-match': `"other", ${headers.get('etag')}` })
    assert.deepEqual([again.status, again.body], [304, ''])
    assert.equal((await call('GET', 'config', undefined, { 'if-none-match': '"other"' })).status, 200)
  })

  it('are changed without a tag as ever, and with any tag by a star', async () => {
    assert.equal((await call('PATCH', 'routing', { sticky: true })).status, 200)
    assert.equal((await call('PATCH', 'routing', { sticky: false }, { 'if-match': '*' })).status, 200)
  })

  it('are changed once by two who decided at the same time', async () => {
    const tag = (await call('GET', 'config')).headers.get('etag') ?? ''
    const both = await Promise.all(
      ['one', 'two'].map((value) => call('PATCH', 'config', { WHO: value }, { 'if-match': tag })),
    )
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 412])
  })
})
