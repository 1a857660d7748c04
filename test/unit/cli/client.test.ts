import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from '../../../cli/client.ts'

describe('The client of the API', () => {
  it('is typed by the table of operations: what is not in it does not compile', async () => {
    const asked: string[] = []
    const server = createServer((req, res) => {
      asked.push(`${req.method} ${req.url}`)
      res.end('{}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const client = createClient({ apiUrl, token: 'berth_test' })
    try {
      const { name } = await client.get('/apps/:app', { app: 'a b' })
      name satisfies string
      // @ts-expect-error: no such operation
      await client.get('/app/:app', { app: 'shop' })
      // @ts-expect-error: it is read, not deleted
      await client.delete('/apps/:app/events', { app: 'shop' })
      // @ts-expect-error: whose?
      await client.get('/apps/:app/formation', { query: {} }).catch(() => {})
      // @ts-expect-error: misspelt in the body
      await client.post('/apps', { body: { nmae: 'shop' } })
      // @ts-expect-error: a destruction is confirmed
      await client.delete('/apps/:app', { app: 'shop' })
      // @ts-expect-error: an app has no such field
      assert.equal((await client.get('/apps/:app', { app: 'shop' })).colour, undefined)
      await client.delete('/apps/:app', { app: 'shop', query: { confirm: 'shop' } })
    } finally {
      server.closeAllConnections()
      server.close()
    }
    assert.deepEqual(
      [asked[0], asked.at(-1)],
      ['GET /v1/apps/a%20b', 'DELETE /v1/apps/shop?confirm=shop'],
      'and the path is filled with what was named',
    )
  })
})
