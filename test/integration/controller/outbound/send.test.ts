import assert from 'node:assert/strict'
import { createOutbound, openOutbound, type OutboundRequest } from '../../../../controller/outbound/index.ts'
import { createResolveName } from '../../../../controller/outbound/resolve.ts'
import { readConfig } from '#core/runtime/config.ts'
import { readNetwork, type Network } from '#core/domain/network.ts'
import { makeCertificate, makeRoot, type Authority } from '../../../helpers/certificates.ts'
import { startDns, type TestDns } from '../../../helpers/dns.ts'
import { startReceiver, type Receiver } from '../../../helpers/receiver.ts'

describe('sending to where a tenant says', function () {
  this.timeout(60_000)
  let dns: TestDns
  let root: Authority
  let secure: Receiver
  let plain: Receiver
  const never = new AbortController().signal

  before(async () => {
    dns = await startDns()
    root = await makeRoot()
    secure = await startReceiver(await makeCertificate('hooks', { names: ['hooks.example.test'], by: root }))
    plain = await startReceiver(null)
  })
  after(async () => {
    await Promise.all([dns.stop(), secure.stop(), plain.stop()])
  })
  beforeEach(() => {
    dns.addresses.clear()
    for (const receiver of [secure, plain]) {
      receiver.received.length = 0
      receiver.connections = 0
      receiver.answer = (_request, res) => void res.writeHead(204).end()
    }
  })

  const loopback = readNetwork('127.0.0.1') as Network
  const outbound = (named: Network[] = [loopback], ca: string | null = root.cert) =>
    createOutbound({ policy: () => ({ named, own: [] }), resolve: createResolveName([dns.address]), ca })
  const post = (url: string, more: Partial<OutboundRequest> = {}): OutboundRequest => ({
    url,
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"a":"é"}',
    ...more,
  })
  const name = (port = secure.port) => `https://hooks.example.test:${port}/hook?x=1`
  const connections = () => secure.connections + plain.connections

  it('arrives over TLS, with the name in Host and in the certificate', async () => {
    dns.addresses.set('hooks.example.test', [['127.0.0.1']])
    const answer = await outbound().send(post(name()), never)
    assert.equal(answer.status, 204)
    const [received] = secure.received
    assert.deepEqual([received?.method, received?.url, received?.body], ['POST', '/hook?x=1', '{"a":"é"}'])
    assert.equal(received?.headers.host, `hooks.example.test:${secure.port}`)
  })

  it('C12 does not connect to what is not public, by address or by name, and does not say whether something is there', async () => {
    dns.addresses.set('hooks.example.test', [['127.0.0.1']])
    dns.addresses.set('six.example.test', [['::1']])
    dns.addresses.set('mapped.example.test', [['::ffff:127.0.0.1']])
    dns.addresses.set('both.example.test', [['93.184.215.14', '127.0.0.1']])
    dns.addresses.set('meta.example.test', [['169.254.169.254']])
    const hosts = [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f000001',
      '0177.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[64:ff9b::127.0.0.1]',
      '0.0.0.0',
      'hooks.example.test',
      'six.example.test',
      'mapped.example.test',
      'both.example.test',
      'meta.example.test',
    ]
    for (const host of hosts) {
      for (const port of [secure.port, 1]) {
        const sent = outbound([]).send(post(`https://${host}:${port}/`), never)
        await assert.rejects(sent, { code: 'OUTBOUND_REFUSED', message: /does not lead to the public Internet/ }, host)
      }
    }
    assert.equal(connections(), 0)
  })

  it('C12 does not know the names of the machine’s own neighbourhood', async () => {
    await assert.rejects(outbound().send(post(`https://localhost:${secure.port}/`), never), { code: 'OUTBOUND_FAILED' })
    assert.equal(connections(), 0)
  })

  it('C12 connects to what it has judged, though DNS says something else a moment later', async () => {
    dns.addresses.set('hooks.example.test', [['127.0.0.1'], ['10.0.0.1']])
    dns.asked.length = 0
    assert.equal((await outbound().send(post(name()), never)).status, 204)
    await assert.rejects(outbound().send(post(name()), never), { code: 'OUTBOUND_REFUSED' })
    // Once for IPv4 and once for IPv6, each time.
    assert.equal(dns.asked.length, 4)
    assert.equal(secure.connections, 1)
  })

  it('C12 a name that turns from public to private between two requests is refused', async () => {
    dns.addresses.set('flip.example.test', [['93.184.215.14'], ['127.0.0.1']])
    const sender = outbound([])
    assert.deepEqual((await sender.addressesOf('flip.example.test')).addresses, ['93.184.215.14'])
    await assert.rejects(sender.send(post(`https://flip.example.test:${secure.port}/`), never), {
      code: 'OUTBOUND_REFUSED',
    })
    assert.equal(connections(), 0)
  })

  it('C12 follows no redirect', async () => {
    dns.addresses.set('hooks.example.test', [['127.0.0.1']])
    secure.answer = (_request, res) =>
      void res.writeHead(307, { location: `http://127.0.0.1:${plain.port}/internal` }).end()
    assert.equal((await outbound().send(post(name()), never)).status, 307)
    assert.equal(plain.connections, 0)
  })

  it('C12 speaks plain HTTP only to networks that the operator names', async () => {
    const url = `http://127.0.0.1:${plain.port}/`
    assert.equal((await outbound().send(post(url), never)).status, 204)
    await assert.rejects(outbound([]).send(post(url), never), { code: 'OUTBOUND_REFUSED' })
    dns.addresses.set('public.example.test', [['93.184.215.14']])
    const sent = outbound().send(post('http://public.example.test/'), never)
    await assert.rejects(sent, { code: 'OUTBOUND_REFUSED', message: /must begin with https:/ })
  })

  it('C12 refuses credentials in a URL before anything is looked up', async () => {
    dns.asked.length = 0
    const sent = outbound().send(post('https://user:secret@hooks.example.test/'), never)
    await assert.rejects(sent, { code: 'OUTBOUND_REFUSED', message: /no user and password/ })
    assert.deepEqual(dns.asked, [])
  })

  it('takes only a certificate of the name, by an authority that is trusted', async () => {
    dns.addresses.set('hooks.example.test', [['127.0.0.1']])
    dns.addresses.set('other.example.test', [['127.0.0.1']])
    const elsewhere = outbound().send(post(`https://other.example.test:${secure.port}/`), never)
    await assert.rejects(elsewhere, { code: 'OUTBOUND_FAILED', message: /certificate of other\.example\.test/ })
    await assert.rejects(outbound([loopback], null).send(post(name()), never), { code: 'OUTBOUND_FAILED' })
    assert.equal(secure.received.length, 0)
  })

  it('C12 reads so much of an answer and no more', async () => {
    dns.addresses.set('hooks.example.test', [['127.0.0.1']])
    let isGone = false
    secure.answer = (_request, res) => {
      const write = () => {
        while (res.write('x'.repeat(64 * 1024)));
      }
      res.on('drain', write).on('close', () => (isGone = true))
      write()
    }
    const answer = await outbound().send(post(name(), { maxAnswerBytes: 1000 }), never)
    assert.deepEqual([answer.body.length, answer.isCut], [1000, true])
    while (!isGone) await new Promise((resolve) => setTimeout(resolve, 10))
  })

  it('C12 gives up on an answer that trickles in, and on nobody who answers', async () => {
    dns.addresses.set('hooks.example.test', [['127.0.0.1']])
    secure.answer = (_request, res) => {
      res.writeHead(200)
      const timer = setInterval(() => res.write('x'), 20)
      res.on('close', () => clearInterval(timer))
    }
    const trickle = outbound().send(post(name(), { timeoutMs: 300 }), never)
    await assert.rejects(trickle, { code: 'OUTBOUND_FAILED', message: /did not answer within 0\.3 s/ })
    secure.answer = () => {}
    const silent = outbound().send(post(name(), { timeoutMs: 300 }), never)
    await assert.rejects(silent, { code: 'OUTBOUND_FAILED' })
  })

  it('ends with its signal, quietly told from a failure', async () => {
    dns.addresses.set('hooks.example.test', [['127.0.0.1']])
    const stopping = new AbortController()
    secure.answer = () => stopping.abort()
    await assert.rejects(outbound().send(post(name()), stopping.signal), { name: 'AbortError' })
  })

  it('C12 counts the addresses of this machine among the platform’s own', async () => {
    const settings = { BERTH_HOME: '/tmp/none', BERTH_DOMAIN_RESOLVERS: dns.address, BERTH_BLOCKED: '93.184.0.0/16' }
    const wide = await openOutbound(readConfig({ ...settings, BERTH_OUTBOUND_NETWORKS: '127.0.0.0/8,93.184.0.0/16' }))
    await assert.rejects(wide.addressesOf('127.0.0.1'), { code: 'OUTBOUND_REFUSED' })
    await assert.rejects(wide.addressesOf('93.184.215.14'), { code: 'OUTBOUND_REFUSED' })
    const alone = await openOutbound(readConfig({ ...settings, BERTH_OUTBOUND_NETWORKS: '127.0.0.1' }))
    assert.equal((await alone.addressesOf('127.0.0.1')).judgement, 'named')
  })
})
