/** What an authority says at its worst: limits, nonsense, silence. A small server of the test's own plays it. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AcmeProblem, connectAcme } from '../../../../controller/certificates/acme/client.ts'
import { createSend } from '../../../../controller/certificates/acme/transport.ts'
import { problemOf } from '../../../../controller/certificates/issue.ts'
import { makeKey } from '../../../../controller/certificates/request.ts'

type Said = { status: number; headers?: Record<string, string>; body: unknown }

describe('An authority', function () {
  this.timeout(20_000)
  let server: Server
  let directory: string
  let says: Said[] = []
  let asked: string[] = []
  const { signal } = new AbortController()
  const at = Date.UTC(2026, 10, 21, 12)

  before(async () => {
    server = createServer((request, response) => {
      const base = `http://${request.headers.host}`
      asked.push(`${request.method} ${request.url}`)
      response.setHeader('Replay-Nonce', 'n')
      if (request.url === '/nonce') return void response.writeHead(200).end()
      const said: Said =
        request.url === '/dir'
          ? {
              status: 200,
              body: { newNonce: `${base}/nonce`, newAccount: `${base}/account`, newOrder: `${base}/order` },
            }
          : (says.shift() ?? { status: 500, body: {} })
      response.writeHead(said.status, said.headers)
      response.end(typeof said.body === 'string' ? said.body : JSON.stringify(said.body))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    directory = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dir`
  })
  beforeEach(() => {
    says = []
    asked = []
  })
  after(async () => {
    server?.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  const register = async () => {
    const client = await connectAcme(directory, createSend(null), () => at, signal)
    return client.register(await makeKey(), { email: null, externalAccount: null }, signal)
  }
  const problem = (type: string, detail: string, more: object = {}) => ({
    type: `urn:ietf:params:acme:error:${type}`,
    detail,
    ...more,
  })

  it('that limits us is left alone for as long as it says, in seconds or by a date', async () => {
    const limits: [Record<string, string>, number][] = [
      [{ 'retry-after': '7200' }, 7_200_000],
      [{ 'retry-after': new Date(at + 90_000).toUTCString() }, 90_000],
      [{}, 3_600_000],
    ]
    for (const [headers, waitMs] of limits) {
      says = [{ status: 429, headers, body: problem('rateLimited', 'too many certificates already issued') }]
      const error: unknown = await register().catch((thrown: unknown) => thrown)
      const found = problemOf(error, directory)
      assert.match(found.text, /limits how often.*too many certificates already issued/)
      assert.equal(found.waitMs, waitMs)
    }
  })

  it('is quoted with all that it says, each sentence once', async () => {
    const subproblems = [{ detail: 'one is on a list' }, { detail: 'one is on a list' }]
    says = [{ status: 403, body: problem('rejectedIdentifier', 'Some identifiers were rejected.', { subproblems }) }]
    const error = await register().catch((thrown: Error) => thrown)
    assert.ok(error instanceof AcmeProblem)
    assert.equal(error.kind, 'rejectedIdentifier')
    assert.equal(error.message, 'Some identifiers were rejected. one is on a list')
  })

  it('is asked again with a new nonce when it did not like one, but not for ever', async () => {
    const again = { status: 400, body: problem('badNonce', 'no good') }
    says = [again, again, { status: 201, headers: { location: '/account/1' }, body: {} }]
    const { url } = await register()
    assert.equal(url, directory.replace('/dir', '/account/1'))
    says = Array.from({ length: 100 }, () => again)
    await assert.rejects(register(), { kind: 'badNonce' })
    assert.ok(asked.length < 40)
  })

  it('that speaks no ACME, or too much, or not at all, is a sentence and no crash', async () => {
    says = [{ status: 200, body: '<html>' }]
    await assert.rejects(register(), { message: /names no location/ })
    says = [{ status: 502, body: '<html>' }]
    await assert.rejects(register(), { message: /answered 502 to \/account/ })
    says = [{ status: 200, body: 'x'.repeat(2_000_000) }]
    await assert.rejects(register(), { message: /longer than/ })
    const nothing = connectAcme(`${directory}/else`, createSend(null), () => at, signal)
    await assert.rejects(nothing, { message: /answered 500/ })
    const closed = await connectAcme('http://127.0.0.1:1/dir', createSend(null), () => at, signal).catch(
      (thrown: unknown) => thrown,
    )
    assert.match(problemOf(closed, 'http://127.0.0.1:1/dir').text, /authority at 127\.0\.0\.1:1 could not be asked/)
  })
})
