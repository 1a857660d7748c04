import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { unavailable } from '#core/domain/errors.ts'
import type { LayerDigest } from '#core/domain/ids.ts'
import { sleep } from '#core/runtime/clock.ts'
import { createControllerClient } from '../../../agent/controller-client.ts'

type Answer = (req: IncomingMessage, res: ServerResponse) => void

describe('A layer that a build sends to the controller', function () {
  this.timeout(20_000)
  const content = randomBytes(3_000_000)
  const digest = createHash('sha256').update(content).digest('hex') as LayerDigest
  let folder: string
  let file: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-sent-'))
    file = join(folder, 'layer')
    await writeFile(file, content)
  })
  after(() => rm(folder, { recursive: true, force: true }))

  async function listen(answer: Answer, port = 0): Promise<Server> {
    const server = createServer(answer).listen(port, '127.0.0.1')
    await once(server, 'listening')
    return server
  }
  const portOf = (server: Server) => (server.address() as AddressInfo).port

  /** As the agent's own, but for the certificates. */
  const doorTo = (port: number): Parameters<typeof createControllerClient>[0] => ({
    url: `http://127.0.0.1:${port}`,
    ask: (path, { method = 'GET', headers = {}, body }, signal) =>
      new Promise<Response>((resolve, reject) => {
        const sent = request({ port, host: '127.0.0.1', path, method, headers, signal }, (answer) => {
          void buffer(answer).then((bytes) => {
            const status = answer.statusCode ?? 0
            resolve(new Response(status === 204 || method === 'HEAD' ? null : new Uint8Array(bytes), { status }))
          }, reject)
        })
        sent.on('error', reject)
        if (body) pipeline(body(), sent).catch(reject)
        else sent.end()
      }).catch((cause: unknown) => {
        throw unavailable('The controller', cause)
      }),
  })

  it('I4: is sent again, whole, when the controller was killed in the middle and is back', async () => {
    const { promise: died, resolve: dies } = Promise.withResolvers<void>()
    const first = await listen((req, res) => {
      if (req.method === 'HEAD') return void res.writeHead(404).end()
      req.once('data', () => {
        first.close()
        first.closeAllConnections()
        dies()
      })
    })
    const port = portOf(first)
    const sent = createControllerClient(doorTo(port)).uploadLayer(
      digest,
      file,
      content.length,
      AbortSignal.timeout(15_000),
    )
    await died
    await sleep(700)
    let taken = ''
    const second = await listen((req, res) => {
      if (req.method === 'HEAD') return void res.writeHead(404).end()
      void buffer(req).then((body) => {
        taken = createHash('sha256').update(body).digest('hex')
        res.writeHead(204).end()
      })
    }, port)
    await sent
    assert.equal(taken, digest)
    second.close()
    second.closeAllConnections()
  })

  it('is not sent where it is already, and a refusal is not tried again', async () => {
    let puts = 0
    let has = true
    const server = await listen((req, res) => {
      if (req.method === 'HEAD') return void res.writeHead(has ? 200 : 404).end()
      puts++
      req.resume().on('end', () => res.writeHead(422).end('no'))
    })
    const client = createControllerClient(doorTo(portOf(server)))
    const send = () => client.uploadLayer(digest, file, content.length, AbortSignal.timeout(5000))
    await send()
    assert.equal(puts, 0)
    has = false
    await assert.rejects(send(), /The controller answered .* with 422: no/)
    assert.equal(puts, 1)
    server.close()
    server.closeAllConnections()
  })
})
