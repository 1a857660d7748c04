import assert from 'node:assert/strict'
import { z } from 'zod'
import type { Operations } from '#core/contract/operations/index.ts'
import { apiDocument } from '../../../controller/reference/document.ts'
import { curlOf } from '../../../controller/reference/examples.ts'
import { html } from '../../../controller/reference/html.ts'
import { referencePage } from '../../../controller/reference/page.ts'

const thing = z
  .strictObject({ id: z.string(), at: z.iso.datetime(), sort: z.string().nullable() })
  .meta({ id: 'TestThing' })
const table: Operations = {
  'GET /things/:thing': { summary: 'Show a <thing>', need: 'platform:read', answer: thing, tagged: true },
  'PATCH /things/:thing': {
    summary: 'Change a thing',
    need: 'platform:write',
    body: z.strictObject({ count: z.int().min(2), sort: z.enum(['a', 'b']).optional() }),
    query: z.object({ dry: z.coerce.boolean().default(false), why: z.string() }),
    answer: thing,
    tagged: true,
  },
}

describe("The API's document", () => {
  const document = apiDocument({ table })
  const [get, patch] = Object.values(document.paths['/things/{thing}'] ?? {})

  it('names what is in the path and in the query, and what must be there', () => {
    assert.deepEqual(
      patch?.parameters.map(({ name, in: place, required }) => [name, place, required ?? false]),
      [
        ['thing', 'path', true],
        ['dry', 'query', false],
        ['why', 'query', true],
        ['If-Match', 'header', false],
      ],
    )
  })

  it('has each named shape once, and refers to it', () => {
    const reference = { 'application/json': { schema: { $ref: '#/components/schemas/TestThing' } } }
    assert.deepEqual([get?.responses['200']?.['content'], patch?.responses['200']?.['content']], [reference, reference])
    assert.deepEqual(document.components.schemas['TestThing'], {
      type: 'object',
      properties: {
        id: { type: 'string' },
        at: { type: 'string', format: 'date-time' },
        sort: { type: ['string', 'null'] },
      },
      required: ['id', 'at', 'sort'],
    })
  })

  it('is closed for tests: what is not documented is then not allowed in an answer', () => {
    const closed = apiDocument({ table, closed: true }).components.schemas['TestThing']
    assert.equal(closed?.['additionalProperties'], false)
  })

  it('says who may call it, and with which refusals', () => {
    assert.equal(get?.description, 'For operators.')
    assert.deepEqual(Object.keys(get?.responses ?? {}), ['200', '304', '401', '403', '404', 'default'])
    assert.deepEqual(Object.keys(patch?.responses ?? {}), [
      ...['200', '400', '401', '403', '404', '412', '413', '415', 'default'],
    ])
  })

  it('says what needs no login, takes no Idempotency-Key there, and shows it without a token', () => {
    const whole = apiDocument()
    assert.deepEqual(whole['security'], [{ token: [] }, { session: [] }, { sessionOnLoopback: [] }])
    const signIn = whole.paths['/session']?.['post']
    assert.ok(signIn)
    assert.deepEqual([signIn.security, signIn.parameters], [[], []])
    assert.doesNotMatch(curlOf('POST', '/session', signIn), /Authorization/)
    const show = whole.paths['/session']?.['get']
    assert.equal(show?.security, undefined)
    assert.deepEqual(Object.keys(whole.paths['/session/methods']?.['get']?.responses ?? {}), ['200', 'default'])
  })

  it('shows both forms of what goes on', () => {
    const log = apiDocument().paths['/apps/{app}/logs']?.['get']
    const { content } = log?.responses['200'] as { content: object }
    assert.deepEqual(Object.keys(content), ['application/x-ndjson', 'text/event-stream'])
  })

  it('makes an example of what must be sent', () => {
    assert.ok(patch)
    const curl = curlOf('PATCH', '/things/{thing}', patch)
    assert.match(curl, /-X PATCH/)
    assert.match(curl, /-d '\{"count":2\}'/)
    assert.match(curl, /"\$BERTH_API_URL\/v1\/things\/THING\?why=VALUE"$/)
  })

  it('becomes a page in which nothing but its own markup is markup (C09)', () => {
    const page = referencePage(document)
    assert.match(page, /Show a &lt;thing&gt;/)
    assert.match(page, /string or null/)
    assert.equal(html`<b>${'<i>'}</b>${[html`<u>${'"&\''}</u>`]}`.text, '<b>&lt;i&gt;</b><u>&quot;&amp;&#39;</u>')
  })
})
