/** TLS at the router, by real clients: which certificate is served, what is refused and how, and what outlives what. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { Certificates, type CertificateLimits } from '../../../router/certificates.ts'
import { createTlsListener, type Secured, type TlsListener } from '../../../router/tls.ts'
import type { Certificate } from '#core/domain/certificate.ts'
import { makeId, type AppId } from '#core/domain/ids.ts'
import { createVault } from '#core/runtime/certificate-vault.ts'
import { silentLog } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import {
  addCertificate,
  loadCertificatesVersion,
  loadSeen,
  putChallenge,
  removeCertificate,
  saveTicketKey,
} from '#core/store/certificates.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { makeCertificate, makeRoot, type Authority } from '#test/helpers/certificates.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis.ts'
import { waitFor } from '#test/helpers/world.ts'

const key = randomBytes(32)
const vault = createVault(key)
const DAY_MS = 24 * 3600_000

type Edge = {
  certificates: Certificates
  listener: TlsListener
  port: number
  secured: Secured[]
  stop(): Promise<void>
}

describe('TLS at the router', function () {
  this.timeout(60_000)
  let redis: TestRedis
  let store: Store
  let folder: string
  let root: Authority
  let middle: Authority
  let edge: Edge
  const more: Edge[] = []

  before(async () => {
    redis = await startRedis()
    store = connectStore(redis.url)
    folder = await mkdtemp(join(tmpdir(), 'berth-tls-'))
    await writeFile(join(folder, 'key'), key)
    root = await makeRoot()
    middle = await makeCertificate('Test Intermediate', { authority: true, by: root })
    edge = await startEdge('r-first')
  })
  afterEach(async () => {
    for (const one of more.splice(0)) await one.stop()
  })
  after(async () => {
    await edge?.stop()
    store?.disconnect()
    await redis?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** A router's TLS and nothing else: what it is sent comes back. */
  async function startEdge(
    routerId: string,
    { keyFile = join(folder, 'key'), limits }: { keyFile?: string; limits?: Partial<CertificateLimits> } = {},
  ): Promise<Edge> {
    const own = connectStore(redis.url)
    const certificates = new Certificates({
      store: own,
      redisUrl: redis.url,
      log: silentLog,
      routerId,
      domain: 'berth.test',
      keyFile,
      now: () => Date.now(),
      ...(limits ? { limits } : {}),
    })
    await certificates.start()
    const secured: Secured[] = []
    const open = new Set<TLSSocket>()
    const listener = createTlsListener(
      { certificates, log: silentLog, protocols: ['h2', 'http/1.1'], handshakeMs: 1_000 },
      (socket, what) => {
        secured.push(what)
        open.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => open.delete(socket))
        socket.pipe(socket)
      },
    )
    await new Promise<void>((resolve) => listener.server.listen(0, '127.0.0.1', resolve))
    const { port } = listener.server.address() as AddressInfo
    return {
      certificates,
      listener,
      port,
      secured,
      async stop() {
        listener.stop()
        for (const socket of open) socket.destroy()
        await new Promise((resolve) => listener.server.close(resolve))
        await certificates.stop()
        own.disconnect()
      },
    }
  }

  async function put(names: string[], change: Partial<Certificate> = {}): Promise<Certificate> {
    const made = await makeCertificate(names[0] ?? '', { names, by: middle })
    const certificate: Certificate = {
      id: makeId('c', randomBytes(13)),
      appId: 'a-1' as AppId,
      tenantId: null,
      source: 'uploaded',
      names,
      hosts: names,
      issuer: 'Test Intermediate',
      serial: '1',
      fingerprint: '',
      keyType: 'EC P-256',
      notBefore: Date.now() - DAY_MS,
      notAfter: Date.now() + 90 * DAY_MS,
      addedAt: Date.now(),
      addedBy: 'test',
      ...change,
    }
    await addCertificate(store, certificate, vault.sealPair(certificate.id, made))
    await caughtUp('r-first')
    return certificate
  }

  /** A router has acknowledged all that is there. */
  const caughtUp = async (routerId: string) => {
    const version = await loadCertificatesVersion(store)
    await waitFor(async () => ((await loadSeen(store)).get(routerId) ?? 0) >= version, {
      timeoutMs: 20_000,
      what: 'the router to see the change',
    })
  }

  type Outcome = { names: string; protocol: string | false; version: string | null; reused: boolean; session?: Buffer }

  /** A whole connection that trusts the test's root and checks names, as clients do. */
  const visit = (options: ConnectionOptions, at: Edge = edge): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      const outcome: Partial<Outcome> = {}
      const socket = connect({ port: at.port, host: '127.0.0.1', ca: root.cert, ...options }, () => {
        outcome.names = socket.getPeerCertificate().subjectaltname ?? ''
        outcome.protocol = socket.alpnProtocol ?? false
        outcome.version = socket.getProtocol()
        outcome.reused = socket.isSessionReused()
        socket.write('ping')
      })
      socket.on('session', (session) => (outcome.session = session))
      socket.on('data', () => socket.end())
      socket.on('error', reject)
      socket.on('close', () => resolve(outcome as Outcome))
    })

  it('serves the certificate of the name that is asked for, whole enough for a client that knows the root alone', async () => {
    await put(['shop.example.test', 'www.shop.example.test'])
    await put(['other.example.test'])
    assert.match((await visit({ servername: 'shop.example.test' })).names, /shop\.example\.test/)
    assert.match((await visit({ servername: 'WWW.shop.example.test' })).names, /shop\.example\.test/)
    assert.equal((await visit({ servername: 'other.example.test' })).names, 'DNS:other.example.test')
    assert.equal(edge.secured.at(-2)?.serverName, 'www.shop.example.test', 'names are told in lower case')
  })

  it('prefers a certificate for exactly the name to one for a wildcard', async () => {
    await put(['*.wild.test'])
    await put(['one.wild.test'])
    assert.equal((await visit({ servername: 'one.wild.test' })).names, 'DNS:one.wild.test')
    assert.equal((await visit({ servername: 'two.wild.test' })).names, 'DNS:*.wild.test')
    await assert.rejects(visit({ servername: 'a.b.wild.test' }), { code: /UNRECOGNIZED_NAME/ })
  })

  it('H75: ends a handshake for a name that nobody has with unrecognized_name, by TLS 1.2 and 1.3', async () => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
      await assert.rejects(visit({ servername: 'nobody.test', maxVersion }), { code: /UNRECOGNIZED_NAME/ })
  })

  it("H75: gives a client that names nothing the platform's certificate, and only its hosts", async () => {
    await put(['*.berth.test', 'berth.test'], { appId: null })
    const outcome = await visit({ servername: '', checkServerIdentity: () => undefined })
    assert.match(outcome.names, /\*\.berth\.test/)
    assert.equal(edge.secured.at(-1)?.serverName, null)
    const { certificates } = edge
    assert.equal(certificates.isMisdirected(null, 'shop.berth.test'), false)
    assert.equal(certificates.isMisdirected(null, 'shop.example.test'), true, "another's host without SNI")
    assert.equal(certificates.isMisdirected('shop.berth.test', 'shop.berth.test'), false)
    assert.equal(
      certificates.isMisdirected('shop.berth.test', 'other.berth.test'),
      true,
      'covered, and yet not agreed on',
    )
  })

  it('takes a client that sends an address for a server name as one that names nothing', async () => {
    await put(['*.berth.test', 'berth.test'], { appId: null })
    // Node's own client will not send one, OpenSSL's does.
    const argv = [
      'openssl',
      's_client',
      '-connect',
      `127.0.0.1:${edge.port}`,
      '-servername',
      '127.0.0.1',
      '-brief',
    ] as const
    const { stderr } = await run(argv, { input: '', timeoutMs: 20_000 })
    assert.match(stderr, /CONNECTION ESTABLISHED/)
    assert.equal(edge.secured.at(-1)?.serverName, null)
  })

  it('H75: a certificate serves only the hosts of its owner, whatever other names stand in it', async () => {
    await put(['mine.test', 'victim.test'], { hosts: ['mine.test'] })
    assert.match((await visit({ servername: 'mine.test' })).names, /mine\.test/)
    await assert.rejects(visit({ servername: 'victim.test' }), { code: /UNRECOGNIZED_NAME/ })
  })

  it('offers HTTP/2 and HTTP/1.1, and refuses TLS 1.1', async () => {
    await put(['alpn.test'])
    const servername = 'alpn.test'
    assert.equal((await visit({ servername, ALPNProtocols: ['http/1.1', 'h2'] })).protocol, 'h2')
    assert.equal((await visit({ servername, ALPNProtocols: ['http/1.1'] })).protocol, 'http/1.1')
    assert.equal((await visit({ servername })).protocol, false)
    assert.deepEqual(
      edge.secured.slice(-3).map(({ protocol }) => protocol),
      ['h2', 'http/1.1', 'http/1.1'],
    )
    await assert.rejects(visit({ servername, ALPNProtocols: ['spdy/3'] }), { code: /NO_APPLICATION_PROTOCOL/ })
    await assert.rejects(
      visit({ servername, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
      { code: /PROTOCOL|VERSION/ },
    )
  })

  it('resumes a session at another router, and not any more after the ticket key was renewed', async () => {
    await put(['tickets.test'])
    const second = await startEdge('r-second')
    more.push(second)
    const renew = async () => {
      const sealed = vault.seal('ticket key', randomBytes(48).toString('base64'))
      await saveTicketKey(store, { sealed, since: Date.now() })
      await caughtUp('r-first')
      await caughtUp('r-second')
    }
    await renew()
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const hello = { servername: 'tickets.test', maxVersion }
      const { session, reused } = await visit(hello)
      assert.equal(reused, false)
      assert.ok(session)
      assert.equal((await visit({ ...hello, session }, second)).reused, true, `${maxVersion} at another router`)
      await renew()
      assert.equal((await visit({ ...hello, session }, second)).reused, false, `${maxVersion} under a new key`)
    }
  })

  it('swaps certificates for new connections, and leaves those that are open alone', async () => {
    const before = await put(['swap.test'])
    const socket = connect({ port: edge.port, host: '127.0.0.1', ca: root.cert, servername: 'swap.test' })
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    const served = socket.getPeerCertificate().fingerprint256
    await put(['swap.test', 'more.test'])
    await removeCertificate(store, before.id)
    await caughtUp('r-first')
    assert.match((await visit({ servername: 'swap.test' })).names, /more\.test/)
    socket.write('still here')
    const [echo] = (await once(socket, 'data')) as [Buffer]
    assert.equal(echo.toString(), 'still here')
    assert.equal(socket.getPeerCertificate().fingerprint256, served)
    socket.destroy()
  })

  it('ends handshakes that never end, and is not harmed by what is no TLS', async () => {
    const silent = connectPlain(edge.port, '127.0.0.1')
    const noise = connectPlain(edge.port, '127.0.0.1', () => noise.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
    const halfway = connectPlain(edge.port, '127.0.0.1', () => halfway.write(Buffer.from([0x16, 3, 1, 2, 0, 1])))
    await Promise.all(
      [silent, noise, halfway].map((socket) => {
        socket.on('error', () => {}).resume()
        return new Promise((resolve) => socket.once('close', resolve))
      }),
    )
    await waitFor(() => edge.listener.handshaking === 0, { timeoutMs: 20_000, what: 'the last handshake to end' })
    await put(['after.test'])
    await visit({ servername: 'after.test' })
  })

  it('holds few contexts at a time, and serves more certificates than that', async () => {
    const names = ['one.few.test', 'two.few.test', 'three.few.test']
    for (const name of names) await put([name])
    const small = await startEdge('r-small', { limits: { contexts: 1, secretBytes: 1 } })
    more.push(small)
    const open = connect({ port: small.port, host: '127.0.0.1', ca: root.cert, servername: 'one.few.test' })
    await new Promise<void>((resolve, reject) => open.once('secureConnect', resolve).once('error', reject))
    for (const name of [...names, ...names]) {
      assert.equal((await visit({ servername: name }, small)).names, `DNS:${name}`)
      await put([`more.${name}`])
      await caughtUp('r-small')
    }
    open.write('still here')
    const [echo] = (await once(open, 'data')) as [Buffer]
    assert.equal(echo.toString(), 'still here', 'a connection outlives its context')
    open.destroy()
  })

  it('answers an authority about the host that it asks for, until the answer expires', async () => {
    const inTime = { host: 'acme.test', token: 'tok_en-1', answer: 'tok_en-1.print', expiresAt: Date.now() + DAY_MS }
    await putChallenge(store, inTime)
    await putChallenge(store, { ...inTime, token: 'old', expiresAt: Date.now() - 1 })
    await caughtUp('r-first')
    const ask = (host: string, token: string) =>
      edge.certificates.challengeFor(host, `/.well-known/acme-challenge/${token}`)
    assert.equal(ask('acme.test', 'tok_en-1'), 'tok_en-1.print')
    assert.equal(ask('other.test', 'tok_en-1'), null)
    assert.equal(ask('acme.test', 'tok_en-2'), null)
    assert.equal(ask('acme.test', 'old'), null)
    assert.equal(edge.certificates.challengeFor('acme.test', '/'), null)
  })

  it('serves nothing while its key is missing, and all once it is there', async () => {
    await put(['late.test'])
    const keyFile = join(folder, 'late-key')
    const late = await startEdge('r-late', { keyFile, limits: { lookMs: 50 } })
    more.push(late)
    await assert.rejects(visit({ servername: 'late.test' }, late), { code: /UNRECOGNIZED_NAME/ })
    await writeFile(keyFile, key)
    await waitFor(() => visit({ servername: 'late.test' }, late).then(Boolean, () => false), {
      timeoutMs: 20_000,
      what: 'the certificate to be served',
    })
  })

  it('serves on without Redis what it has, also what nobody had asked for yet, and follows when it is back', async () => {
    const own = await startRedis()
    const ownStore = connectStore(own.url)
    const made = await makeCertificate('away.test', { names: ['away.test'], by: middle })
    const record = await put(['away.test'])
    await addCertificate(ownStore, record, vault.sealPair(record.id, made))
    const main = redis
    redis = own
    const alone = await startEdge('r-alone', { limits: { lookMs: 100 } })
    redis = main
    try {
      await own.stop()
      assert.equal((await visit({ servername: 'away.test' }, alone)).names, 'DNS:away.test')
      const back = await startRedis(own.url)
      try {
        const other = await makeCertificate('back.test', { names: ['back.test'], by: middle })
        const there = { ...record, id: makeId('c', randomBytes(13)), names: ['back.test'], hosts: ['back.test'] }
        await addCertificate(ownStore, there, vault.sealPair(there.id, other))
        await waitFor(() => visit({ servername: 'back.test' }, alone).then(Boolean, () => false), {
          timeoutMs: 30_000,
          what: 'what is new to be served',
        })
      } finally {
        await alone.stop()
        await back.stop()
      }
    } finally {
      ownStore.disconnect()
    }
  })
})
