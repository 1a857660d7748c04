import assert from 'node:assert/strict'
import { Validator } from '@seriousme/openapi-schema-validator'
import { operations } from '#core/contract/operations/index.ts'
import { commandLines } from '../../../controller/reference/commands.ts'
import { startApi, type TestApi } from '../../helpers/api.ts'
import { aPerson } from '../cli/harness.ts'

describe('the reference of the API', function () {
  this.timeout(60_000)
  let api: TestApi
  before(async () => {
    api = await startApi()
  })
  after(() => api.stop())
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(api.url + path, { headers })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }

  it('is an OpenAPI 3.1 document that a validator accepts, and needs no login', async () => {
    const { status, headers, text } = await get('/v1/openapi.json')
    assert.equal(status, 200)
    assert.match(headers.get('content-type') ?? '', /^application\/json/)
    const { valid, errors } = await new Validator().validate(JSON.parse(text) as Record<string, unknown>)
    assert.ok(valid, (JSON.stringify(errors) ?? '').slice(0, 2000))
  })

  it('has every operation that the API admits', async () => {
    const { paths } = JSON.parse((await get('/v1/openapi.json')).text) as { paths: Record<string, object> }
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    )
    assert.deepEqual(documented.sort(), Object.keys(operations).sort())
  })

  it('is not sent again to whoever has it', async () => {
    const etag = (await get('/v1/openapi.json')).headers.get('etag') ?? ''
    const again = await get('/v1/openapi.json', { 'if-none-match': etag })
    assert.deepEqual([again.status, again.text], [304, ''])
  })

  it('is a page that shows each operation with an example, and names files of its own alone', async () => {
    const { status, headers, text } = await get('/docs/api')
    assert.equal(status, 200)
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'self'/)
    for (const summary of Object.values(operations).map((operation) => operation.summary))
      assert.ok(text.includes(summary.replaceAll("'", '&#39;')), summary)
    assert.match(text, /curl \\\n {2}-H &quot;Authorization: Bearer \$BERTH_TOKEN&quot;/)
    assert.match(text, /berth rollback v12 -a shop/)
    assert.doesNotMatch(text, /<script(?! src="\/)|<style|\son\w+=|style="|(?:src|href)="(?:https?:)?\/\//)
    for (const [, file = ''] of text.matchAll(/(?:src|href)="(\/[^"]*)"/g)) assert.equal((await get(file)).status, 200)
    assert.equal((await get('/docs/api/other.js')).status, 404)
  })

  it('shows commands that there are, for operations that there are', async function () {
    this.timeout(30_000)
    assert.deepEqual(
      Object.keys(commandLines).filter((route) => !(route in operations)),
      [],
    )
    const person = await aPerson()
    const { stdout } = await person.berth(['commands', '--json'])
    await person.leave()
    const { commands } = JSON.parse(stdout) as { commands: { name: string }[] }
    const known = new Set(commands.map(({ name }) => name))
    const unknown = Object.values(commandLines).filter((line) => !known.has(line.split(' ')[0] ?? ''))
    assert.deepEqual(unknown, [])
  })
})
