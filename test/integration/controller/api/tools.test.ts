import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { createHash } from 'node:crypto'
import { templateDetail, templatesView, versionView } from '#core/contract/tools.ts'
import { loadDeploys } from '#core/store/deploys.ts'
import { findApp } from '#core/store/apps.ts'
import type { AppName, DeployId } from '#core/domain/ids.ts'
import { startApi, type TestApi } from '#test/helpers/api.ts'

describe('What the API tells of itself', function () {
  // Packing the command line takes seconds on a busy machine.
  this.timeout(120_000)
  let api: TestApi
  let member: string

  before(async () => {
    api = await startApi()
    member = await api.member('alpha')
  })
  after(() => api.stop())

  it('is its version, which package.json has', async () => {
    const manifest = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
    const { status, body } = await api.call(member, 'GET', '/v1/version')
    assert.equal(status, 200)
    assert.deepEqual(versionView.parse(body), { version: manifest.version, cli: '/cli.tgz' })
  })

  it('are the templates, and the files of each', async () => {
    const { body } = await api.call(member, 'GET', '/v1/templates')
    const { templates } = templatesView.parse(body)
    assert.ok(templates.length >= 5)
    for (const { name, processes } of templates) {
      const answer = await api.call(member, 'GET', `/v1/templates/${name}`)
      const { files } = templateDetail.parse(answer.body)
      assert.ok(files.length > 0, name)
      assert.ok(processes.includes('web'), name)
    }
    const missing = await api.call(member, 'GET', '/v1/templates/none')
    assert.deepEqual([missing.status, missing.body.code], [404, 'NOT_FOUND'])
    for (const wrong of ['..%2f..', '%2e%2e', 'node%2fapp'])
      assert.equal((await api.call(member, 'GET', `/v1/templates/${wrong}`)).status, 404, wrong)
  })

  it('makes an app with a template by one call, and keeps its source for the build', async () => {
    const { status, body } = await api.call(member, 'POST', '/v1/apps', { name: 'from-node', template: 'node' })
    assert.equal(status, 201)
    assert.equal(body.name, 'from-node')
    const [request] = api.submitted.splice(0)
    assert.equal(request?.description, 'Deploy the template node')
    const kept = await text(api.context.sources.read(request?.id as DeployId))
    assert.equal(createHash('sha256').update(kept).digest('hex'), request?.source)
    assert.match(kept, /server\.js/)
    const app = await findApp(api.context.store, 'from-node' as AppName)
    assert.equal(app && (await loadDeploys(api.context.store, app.id, 5)).length, 1)
  })

  it('makes no app for a template that there is not', async () => {
    const { status } = await api.call(member, 'POST', '/v1/apps', { name: 'from-none', template: 'none' })
    assert.equal(status, 404)
    assert.equal(await findApp(api.context.store, 'from-none' as AppName), null)
  })

  it('leaves no app behind when its template cannot be deployed', async () => {
    const { deploys } = api.context
    const { submit } = deploys
    deploys.submit = () => Promise.reject(new Error('Redis is away'))
    try {
      const { status } = await api.call(member, 'POST', '/v1/apps', { name: 'half', template: 'node' })
      assert.equal(status, 500)
      assert.equal(await findApp(api.context.store, 'half' as AppName), null)
    } finally {
      deploys.submit = submit
    }
  })

  it('is a package of the command line, for anybody, the same each time, with an ETag', async () => {
    const first = await fetch(`${api.url}/cli.tgz`)
    assert.deepEqual([first.status, first.headers.get('content-type')], [200, 'application/gzip'])
    const bytes = Buffer.from(await first.arrayBuffer())
    const etag = first.headers.get('etag') ?? ''
    assert.equal(etag, `"${createHash('sha256').update(bytes).digest('hex')}"`)
    const again = await fetch(`${api.url}/cli.tgz`, {
      // fetch would ask for no cached answer otherwise.
      headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' },
    })
    assert.equal(again.status, 304)
    const head = await fetch(`${api.url}/cli.tgz`, { method: 'HEAD' })
    assert.deepEqual([head.status, Number(head.headers.get('content-length'))], [200, bytes.length])
  })
})
