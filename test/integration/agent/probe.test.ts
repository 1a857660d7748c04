import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { probe } from '../../../agent/health/probe.ts'

const http = { kind: 'http', path: '/' } as const
const tcp = { kind: 'tcp', path: '/' } as const

describe('A probe of an app', function () {
  this.timeout(30_000)
  const servers: Server[] = []
  const sockets = new Set<Socket>()

  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
  })

  async function listen(server: Server): Promise<{ host: string; port: number }> {
    servers.push(server)
    server.on('connection', (socket) => sockets.add(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  }
  const saying = (text: string) => createServer((socket) => void socket.on('error', () => {}).end(text))

  it('asks for the path of its check, and hears the status', async () => {
    const paths: string[] = []
    const at = await listen(
      createHttpServer((request, response) => {
        paths.push(request.url ?? '')
        response.writeHead(request.url === '/up?deep=1' ? 204 : 404).end()
      }),
    )
    assert.deepEqual(await probe({ kind: 'http', path: '/up?deep=1' }, at), {
      kind: 'answered',
      status: 204,
      body: '',
    })
    assert.deepEqual(paths, ['/up?deep=1'])
  })

  it('keeps the first bytes of a refusal, however long it is', async () => {
    const at = await listen(createHttpServer((_, response) => void response.writeHead(503).end('no '.repeat(100_000))))
    const answer = await probe(http, at)
    assert.ok(answer.kind === 'answered' && answer.status === 503)
    assert.equal(answer.body, 'no '.repeat(200).slice(0, 512))
  })

  it('hears a connection where no more is asked for, and a refusal', async () => {
    const at = await listen(createServer(() => {}))
    assert.deepEqual(await probe(tcp, at), { kind: 'accepted' })
    await new Promise((resolve) => servers.pop()?.close(resolve))
    assert.deepEqual(await probe(tcp, at), { kind: 'refused' })
    assert.deepEqual(await probe(http, at), { kind: 'refused' })
  })

  it('S01: ends within its time when an app says nothing, or drips for ever', async () => {
    const silent = await listen(createServer(() => {}))
    const drips = (head: string) =>
      createServer((socket) => {
        socket.on('error', () => {})
        socket.write(head)
        const timer = setInterval(() => socket.write('a'), 50)
        socket.on('close', () => clearInterval(timer))
      })
    const [slowHead, slowBody] = [await listen(drips('HTTP/1.1 200 ')), await listen(drips('HTTP/1.1 500 No\r\n\r\n'))]
    const answers = await Promise.all([silent, slowHead, slowBody].map((at) => probe(http, at)))
    assert.deepEqual(
      answers.map(({ kind }) => kind),
      ['silent', 'silent', 'answered'],
    )
  })

  it('S01: takes what is not HTTP, and a head without end, for a broken answer', async () => {
    for (const text of ['SSH-2.0-OpenSSH_9.2\r\n', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(1_000_000)}`])
      assert.equal((await probe(http, await listen(saying(text)))).kind, 'broken')
  })
})
