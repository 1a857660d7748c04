import assert from 'node:assert/strict'
import { request } from 'node:http'
import type { LogLine } from '#core/contract/logs.ts'
import type { AppName, TokenId } from '#core/domain/ids.ts'
import { findApp } from '#core/store/apps.ts'
import { appendLogs } from '#core/store/logs.ts'
import { removeToken } from '#core/store/tokens.ts'
import { startApi, endDeploy, type TestApi } from '../../../helpers/api.ts'
import { openEvents } from '../../../helpers/event-source.ts'

describe('answers that go on', function () {
  this.timeout(40_000)
  let api: TestApi
  let member: string

  before(async () => {
    api = await startApi()
    member = await api.member('alpha')
    await api.call(member, 'POST', '/v1/apps', { name: 'shop' })
  })
  after(() => api.stop())

  const appOf = async () => {
    const app = await findApp(api.context.store, 'shop' as AppName)
    assert.ok(app)
    return app
  }
  const say = async (line: string) =>
    appendLogs(api.context.store, (await appOf()).id, [
      { at: new Date().toISOString(), source: 'app', ps: 'web.1', line },
    ])

  it('are events for those who ask for them: logs with their lines, and a deploy to its end', async () => {
    await say('one')
    const logs = await openEvents(`${api.url}/v1/apps/shop/logs?tail=1`, member)
    assert.equal(logs.response.headers['content-type']?.split(';')[0], 'text/event-stream')
    assert.equal(((await logs.next()).data as LogLine).line, 'one')
    await say('two')
    assert.equal(((await logs.next()).data as LogLine).line, 'two')
    logs.close()

    const deploy = await api.context.deploys.submit({
      app: await appOf(),
      kind: 'config',
      actor: 'test',
      description: 'a deploy',
      commit: null,
      source: null,
      fromRelease: null,
      config: null,
    })
    const followed = await openEvents(`${api.url}/v1/apps/shop/deploys/${deploy.id}/log`, member)
    await endDeploy(api, deploy, { state: 'succeeded' }, ['-----> Done'])
    assert.deepEqual((await followed.next()).data, { line: '-----> Done' })
    assert.equal(((await followed.next()).data as { end: { state: string } }).end.state, 'succeeded')
    assert.equal((await followed.next()).event, 'end')
    await followed.ended
  })

  it('are lines of JSON for all others', async () => {
    const { headers, body } = await api.call(member, 'GET', '/v1/apps/shop/logs?n=1', undefined, { accept: '*/*' })
    assert.equal(headers.get('content-type')?.split(';')[0], 'application/x-ndjson')
    assert.ok(JSON.stringify(body).includes('two'))
  })

  it('C06 end when the token is revoked, whoever they are for', async () => {
    const made = await api.call(member, 'POST', '/v1/tokens', { description: 'for a moment' })
    const { id, token } = made.body as { id: TokenId; token: string }
    const lost = new Promise<void>((resolve, reject) => {
      request(`${api.url}/v1/apps/shop/logs?tail=1`, { headers: { authorization: `Bearer ${token}` } }, (response) => {
        response.on('error', () => {})
        response.once('data', () => void removeToken(api.context.store, id).catch(reject))
        response.on('close', resolve)
        response.resume()
      })
        .on('error', reject)
        .end()
    })
    await lost
  })
})
