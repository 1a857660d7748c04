import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { download } from '../../../agent/download.ts'

describe('A download of a layer', function () {
  this.timeout(30_000)
  const content = randomBytes(300_000)
  let folder: string
  let file: string
  let server: Server
  let url: string
  let ranges: (string | undefined)[]
  let answer: (request: IncomingMessage, response: ServerResponse) => void

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-download-'))
    file = join(folder, 'layer')
    ranges = []
    server = createServer((request, response) => {
      ranges.push(request.headers.range)
      answer(request, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await rm(folder, { recursive: true, force: true })
  })

  /** As the controller answers; the connection is cut after so many bytes. */
  function send(request: IncomingMessage, response: ServerResponse, cutAfter = Infinity): void {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    if (from >= content.length) return void response.writeHead(416).end()
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': content.length - from })
    const rest = content.subarray(from)
    if (cutAfter >= rest.length) return void response.end(rest)
    response.write(rest.subarray(0, cutAfter), () => setTimeout(() => response.destroy(), 50))
  }

  const ask = (from: number) => fetch(url, from === 0 ? {} : { headers: { range: `bytes=${from}-` } })
  const fetched = (patienceMs = 5000) => download({ file, ask, signal: AbortSignal.timeout(20_000), patienceMs })

  it('goes on where the connection broke off, as often as it takes', async () => {
    answer = (request, response) => send(request, response, 90_000)
    await fetched()
    assert.ok((await readFile(file)).equals(content))
    assert.deepEqual(ranges, [undefined, 'bytes=90000-', 'bytes=180000-', 'bytes=270000-'])
  })

  it('goes on with what an agent that was killed had fetched', async () => {
    await writeFile(file, content.subarray(0, 123_456))
    answer = send
    await fetched()
    assert.ok((await readFile(file)).equals(content))
    assert.deepEqual(ranges, ['bytes=123456-'])
  })

  it('is over when all of it had arrived', async () => {
    await writeFile(file, content)
    answer = send
    await fetched()
    assert.ok((await readFile(file)).equals(content))
  })

  it('begins again where the other side knows no ranges', async () => {
    await writeFile(file, 'something else')
    answer = (_request, response) => void response.writeHead(200).end(content)
    await fetched()
    assert.ok((await readFile(file)).equals(content))
  })

  it('gives up when nothing comes any more, and keeps what it has', async () => {
    await writeFile(file, content.subarray(0, 1000))
    answer = (request, response) => send(request, response, 0)
    await assert.rejects(fetched(1000), /broke off after 1000 bytes/)
    assert.equal((await readFile(file)).length, 1000)
  })
})
