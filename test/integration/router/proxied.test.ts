import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { sleep } from '#core/runtime/clock.ts'
import { silentLog } from '#core/runtime/log.ts'
import { proxied, proxyHeaderOf } from '../../../router/proxied.ts'
import { trustedFrom } from '../../../router/trust.ts'
import { talk } from './support.ts'

const LINE = 'PROXY TCP4 192.0.2.1 203.0.113.9 50000 443\r\n'
const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

describe('A port behind a load balancer that speaks the PROXY protocol', () => {
  const fronts: Server[] = []
  const front = async (behind: Server, trusted = ['127.0.0.0/8']) => {
    const server = proxied(behind, trustedFrom(trusted), silentLog)
    fronts.push(server.listen(0, '127.0.0.1'))
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const clientOf = (socket: Socket) => JSON.stringify(proxyHeaderOf(socket)?.source ?? null)
  const http = () => createHttpServer((request, response) => response.end(clientOf(request.socket)))
  const plain = () =>
    createServer((socket) => socket.once('data', (data) => socket.end(`${clientOf(socket)} ${data.toString()}`)))

  afterEach(async () => {
    for (const server of fronts.splice(0)) {
      server.close()
      await once(server, 'close')
    }
  })

  it('tells the client that the load balancer names, wherever the bytes are cut', async () => {
    const port = await front(http())
    const bytes = LINE + GET
    for (let cut = 1; cut < bytes.length; cut += 3) {
      const client = talk(port, bytes.slice(0, cut))
      await sleep(1)
      client.send(bytes.slice(cut))
      assert.match(await client.end(), /^HTTP\/1\.1 200 OK[\s\S]*"192\.0\.2\.1"/, `cut at ${cut}`)
    }
  })

  it('hands on exactly the bytes behind the header', async () => {
    const port = await front(plain())
    assert.equal(await talk(port, `${LINE}hello`).end(), '{"address":"192.0.2.1","port":50000} hello')
  })

  it('goes before the TLS handshake', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-tls-'))
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '1', '-subj', '/CN=a'], { stdio: 'ignore' }) // prettier-ignore
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket: TLSSocket) =>
      socket.end('hello'),
    )
    rmSync(folder, { recursive: true })
    const raw = connect(await front(server), '127.0.0.1')
    raw.write(LINE)
    const secure = connectTls({ socket: raw, rejectUnauthorized: false })
    const [data] = (await once(secure, 'data')) as [Buffer]
    assert.equal(data.toString(), 'hello')
    secure.destroy()
  })

  it('H57: takes no connection of anyone else', async () => {
    const served: Socket[] = []
    const behind = createServer((socket) => void served.push(socket))
    const port = await front(behind, ['10.0.0.0/8'])
    assert.equal(await talk(port, LINE + GET).end(), '')
    assert.deepEqual(served, [])
  })

  it('takes no connection without a header, and none with a bad one', async () => {
    const port = await front(http())
    for (const bytes of [GET, `PROXY TCP4 192.0.2.1\r\n${GET}`, '\r\n\r\n\0\r\nQUIT\n\x51\x11\0\x0c'])
      assert.equal(await talk(port, bytes).end(), '')
  })

  it('outlives load balancers that go away amid a header', async () => {
    const port = await front(http())
    for (const bytes of ['', 'PROX', LINE]) {
      const client = talk(port, bytes)
      await once(client.socket, 'connect')
      await sleep(5)
      client.socket.resetAndDestroy()
    }
    assert.match(await talk(port, LINE + GET).end(), /^HTTP\/1\.1 200 OK/)
  })
})
