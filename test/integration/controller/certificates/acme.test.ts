/** Automatic certificates from a real ACME server, from the wish to the handshake. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import type { X509Certificate } from 'node:crypto'
import type { CertificateContext } from '../../../../controller/certificates/context.ts'
import { Keeper, startCertificates } from '../../../../controller/certificates/loop.ts'
import { bringCertificate, tryAgain } from '../../../../controller/certificates/manage.ts'
import { Certificates } from '../../../../router/certificates.ts'
import { createTlsListener, type TlsListener } from '../../../../router/tls.ts'
import type { Wanted } from '#core/domain/certificate.ts'
import type { AppId, TenantId } from '#core/domain/ids.ts'
import { createVault } from '#core/runtime/certificate-vault.ts'
import type { AcmeConfig } from '#core/runtime/config.ts'
import { silentLog } from '#core/runtime/log.ts'
import {
  loadAcmeAccount,
  loadCertificates,
  loadCertificateSecrets,
  loadChallenges,
  loadStanding,
  saveAcmeAccount,
  saveStanding,
} from '#core/store/certificates.ts'
import { createApp } from '#core/store/apps.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { reportRouter } from '#core/store/routes.ts'
import { EXTERNAL_ACCOUNT, startAcme, writeHook, type TestAcme } from '#test/helpers/acme.ts'
import { anApp } from '#test/helpers/cluster.ts'
import { makeCertificate, makeRoot } from '#test/helpers/certificates.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis.ts'
import { waitFor } from '#test/helpers/world.ts'

const key = randomBytes(32)
const vault = createVault(key)
const shop = { appId: 'a-shop' as AppId, tenantId: 'acme' as TenantId }

describe('Automatic certificates', function () {
  this.timeout(120_000)
  let redis: TestRedis
  let store: Store
  let folder: string
  let acme: TestAcme
  let front: Server
  let certificates: Certificates
  let listener: TlsListener
  /** Paths that an authority asked for and that the router answered. */
  let checked: string[] = []
  let wanted: Wanted[] = []

  before(async () => {
    redis = await startRedis()
    store = connectStore(redis.url)
    folder = await mkdtemp(join(tmpdir(), 'berth-certificates-'))
    await writeFile(join(folder, 'key'), key)
    certificates = new Certificates({
      store,
      redisUrl: redis.url,
      log: silentLog,
      routerId: 'r-only',
      domain: 'berth.test',
      keyFile: join(folder, 'key'),
      now: () => Date.now(),
    })
    await certificates.start()
    front = createServer((request, response) => {
      const host = (request.headers.host ?? '').split(':')[0] ?? ''
      const answer = certificates.challengeFor(host, request.url ?? '')
      if (answer !== null) checked.push(`${host}${request.url}`)
      response.writeHead(answer === null ? 404 : 200).end(answer ?? '')
    })
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
    listener = createTlsListener({ certificates, log: silentLog, protocols: ['http/1.1'] }, (socket) => socket.end('x'))
    await new Promise<void>((resolve) => listener.server.listen(0, '127.0.0.1', resolve))
    acme = await startAcme((front.address() as AddressInfo).port)
  })
  beforeEach(async () => {
    await store.flushall()
    checked = []
    wanted = []
    await alive()
  })
  after(async () => {
    await acme?.stop()
    listener?.stop()
    await new Promise((resolve) => listener.server.close(resolve))
    front?.closeAllConnections()
    await new Promise((resolve) => front.close(resolve))
    await certificates?.stop()
    store?.disconnect()
    await redis?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const alive = (id = 'r-only') => reportRouter(store, { id, tableVersion: 1, draining: {} }, false)

  const aContext = (change: Partial<AcmeConfig> = {}, now = () => Date.now()): CertificateContext => ({
    store,
    config: {
      domain: 'berth.test',
      acme: {
        directory: acme.directory,
        email: 'operator@berth.test',
        caBundle: acme.caBundle,
        dnsHook: null,
        externalAccount: null,
        ...change,
      },
    },
    log: silentLog,
    vault,
    random: (bytes) => randomBytes(bytes),
    now,
    hostsOf: () => Promise.resolve([]),
    wanted: () => Promise.resolve(wanted),
  })

  /** One look, and all that it began. */
  const look = async (context: CertificateContext) => {
    const keeper = new Keeper(context)
    await keeper.look(new AbortController().signal)
    await keeper.idle()
  }
  const automatic = async () => (await loadCertificates(store)).filter(({ source }) => source === 'acme')

  /** What a client is served that trusts only the authority. */
  const visit = async (servername: string): Promise<X509Certificate> => {
    const { port } = listener.server.address() as AddressInfo
    const ca = await acme.root()
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', servername, ca }, () => {
        resolve(socket.getPeerX509Certificate() as X509Certificate)
        socket.destroy()
      })
      socket.on('error', reject)
    })
  }
  const served = (host: string) =>
    waitFor(() => visit(host).then(Boolean, () => false), { timeoutMs: 20_000, what: `${host} to be served` })

  it('come by HTTP-01 through the router, and clients trust them', async () => {
    wanted = [{ host: 'www.shop.test', ...shop }]
    await look(aContext())
    assert.equal((await loadStanding(store, 'www.shop.test'))?.problem, null)
    await served('www.shop.test')
    assert.match((await visit('www.shop.test')).subjectAltName ?? '', /DNS:www\.shop\.test/)
    assert.ok(checked.some((path) => path.startsWith('www.shop.test/.well-known/acme-challenge/')))
    const [certificate] = await automatic()
    assert.equal(certificate?.appId, shop.appId)
    assert.deepEqual(certificate?.hosts, ['www.shop.test'])
    assert.deepEqual(await loadChallenges(store), [], 'no challenge is left')
    const standing = await loadStanding(store, 'www.shop.test')
    const { notBefore = 0, notAfter = 0 } = certificate ?? {}
    const used = ((standing?.nextAt ?? 0) - notBefore) / (notAfter - notBefore)
    assert.ok(used >= 0.6 - 0.001 && used <= 2 / 3 + 0.001, `renewed after ${used} of its life`)
  })

  it('lie sealed in the store, as does the account', async () => {
    wanted = [{ host: 'sealed.test', ...shop }]
    await look(aContext())
    const everything: string[] = []
    for (const name of await store.keys('*')) everything.push((await store.dump(name)) ?? '')
    const account = await loadAcmeAccount(store, acme.directory)
    const [secret] = await loadCertificateSecrets(store, [(await automatic())[0]?.id ?? ''])
    assert.ok(account && secret)
    for (const text of [...everything, account.sealedKey, secret]) assert.doesNotMatch(text, /PRIVATE KEY|BEGIN/)
    const { chain, key: own } = vault.openPair((await automatic())[0]?.id ?? '', secret)
    assert.match(chain + own, /BEGIN CERTIFICATE[^]+BEGIN PRIVATE KEY/)
    assert.throws(() => vault.openPair('c-another', secret), 'a secret that was moved to another certificate opens')
  })

  it('come for wildcards by DNS-01, through a program of the operator', async () => {
    const hook = await writeHook(folder, acme)
    await look(aContext({ dnsHook: hook.path }))
    await served('any.berth.test')
    assert.match((await visit('any.berth.test')).subjectAltName ?? '', /DNS:\*\.berth\.test/)
    const [certificate] = await automatic()
    assert.equal(certificate?.appId, null, "the wildcard is the platform's")
    await waitFor(async () => (await hook.calls()).length === 2, { timeoutMs: 20_000, what: 'the hook to clean up' })
    assert.deepEqual(await hook.calls(), ['add _acme-challenge.berth.test', 'remove _acme-challenge.berth.test'])
  })

  it('say for a wildcard without such a program what is missing', async () => {
    wanted = [{ host: '*.shop.test', ...shop }]
    await look(aContext())
    assert.match((await loadStanding(store, '*.shop.test'))?.problem?.text ?? '', /BERTH_ACME_DNS_HOOK/)
  })

  it("fail with the authority's own sentence, and later each time; asked for, at once", async () => {
    wanted = [{ host: 'fails.test', ...shop }]
    const routersForgot = new Certificates({
      store,
      redisUrl: redis.url,
      log: silentLog,
      routerId: 'r-idle',
      domain: 'berth.test',
      keyFile: '/nonexistent',
      now: () => Date.now() + 3600_000,
    })
    const real = certificates
    certificates = routersForgot
    try {
      await look(aContext())
      const first = await loadStanding(store, 'fails.test')
      assert.match(first?.problem?.text ?? '', /404|unauthorized|incorrect/i)
      const wait = (first?.nextAt ?? 0) - (first?.problem?.at ?? 0)
      assert.ok(wait >= 290_000 && wait <= 380_000, `${wait} ms`)
      await look(aContext())
      assert.equal((await loadStanding(store, 'fails.test'))?.failures, 1, 'nothing is asked before its time')
      await look(aContext({}, () => Date.now() + 3600_000))
      const second = await loadStanding(store, 'fails.test')
      assert.equal(second?.failures, 2)
      assert.ok((second?.nextAt ?? 0) - (second?.problem?.at ?? 0) >= 590_000)
    } finally {
      certificates = real
    }
    const manage = { store, log: silentLog, vault, random: randomBytes, now: () => Date.now() + 2 * 3600_000 }
    await tryAgain(manage, 'fails.test')
    await look(aContext({}, manage.now))
    assert.equal((await loadStanding(store, 'fails.test'))?.problem, null)
  })

  it('are asked for once, however many controllers there are', async () => {
    wanted = ['one.many.test', 'two.many.test'].map((host) => ({ host, ...shop }))
    const controllers = [1, 2, 3].map(() => startCertificates(aContext(), { lookEveryMs: 50 }))
    try {
      await waitFor(async () => (await automatic()).length >= 2, { timeoutMs: 60_000, what: 'two certificates' })
    } finally {
      await Promise.all(controllers.map((controller) => controller.stop()))
    }
    assert.deepEqual((await automatic()).map(({ hosts }) => hosts[0]).sort(), ['one.many.test', 'two.many.test'])
  })

  it('are renewed when their time has come, and the old one goes', async () => {
    wanted = [{ host: 'renew.test', ...shop }]
    await look(aContext())
    const [before] = await automatic()
    await look(aContext())
    assert.deepEqual(
      (await automatic()).map(({ id }) => id),
      [before?.id],
      'nothing is due yet',
    )
    const standing = await loadStanding(store, 'renew.test')
    assert.ok(standing)
    await saveStanding(store, { ...standing, nextAt: Date.now() - 1 })
    await look(aContext())
    const [after, ...others] = await automatic()
    assert.deepEqual(others, [])
    assert.ok(after && after.id !== before?.id)
  })

  it('outlive the domain, so that an authority is not asked again when it comes back to whomever', async () => {
    wanted = [{ host: 'moves.test', ...shop }]
    await look(aContext())
    const [certificate] = await automatic()
    wanted = []
    await look(aContext())
    assert.deepEqual((await automatic())[0]?.hosts, [], 'served for nobody meanwhile')
    assert.equal(await loadStanding(store, 'moves.test'), null)
    wanted = [{ host: 'moves.test', appId: 'a-2' as AppId, tenantId: 'other' as TenantId }]
    await look(aContext())
    const [again, ...more] = await automatic()
    assert.deepEqual(more, [])
    assert.deepEqual([again?.id, again?.appId, again?.hosts], [certificate?.id, 'a-2', ['moves.test']])
  })

  it('are not asked for where somebody brought one', async () => {
    wanted = [{ host: 'brought.test', ...shop }]
    const root = await makeRoot()
    const given = await makeCertificate('x', { names: ['brought.test'], by: root })
    const owner = anApp({ id: shop.appId, tenantId: shop.tenantId })
    await createApp(store, owner, 0)
    const manage = { store, log: silentLog, vault, random: randomBytes, now: () => Date.now() }
    await bringCertificate(manage, { owner, given, hosts: ['brought.test'], actor: 'test' })
    const context = { ...aContext(), hostsOf: () => Promise.resolve(['brought.test']) }
    await look(context)
    assert.equal(await loadStanding(store, 'brought.test'), null)
    const [brought] = await loadCertificates(store)
    const nearItsEnd = (brought?.notAfter ?? 0) - 24 * 3600_000
    await look({ ...context, now: () => nearItsEnd })
    assert.equal((await automatic()).length, 1, 'one is asked for before the other expires')
  })

  it('are made by Berth itself on a developer’s machine, and nowhere else', async () => {
    await look({ ...aContext(), config: { domain: 'berth.test', acme: null } })
    assert.deepEqual(await loadCertificates(store), [])
    const local = { ...aContext(), config: { domain: 'localhost', acme: null } }
    await look(local)
    await look(local)
    const [made, ...more] = await loadCertificates(store)
    assert.deepEqual(more, [])
    assert.deepEqual([made?.source, made?.hosts], ['selfSigned', ['*.localhost', 'localhost']])
    await look({ ...local, now: () => (made?.notAfter ?? 0) - 24 * 3600_000 })
    const [renewed, ...others] = await loadCertificates(store)
    assert.deepEqual(others, [])
    assert.notEqual(renewed?.id, made?.id)
  })

  it('come from an authority that takes only its customers, and after it has forgotten the account', async () => {
    const strict = await startAcme((front.address() as AddressInfo).port, true)
    try {
      const change = { directory: strict.directory, caBundle: strict.caBundle }
      wanted = [{ host: 'customer.test', ...shop }]
      await look(aContext(change))
      assert.match((await loadStanding(store, 'customer.test'))?.problem?.text ?? '', /externalAccountBinding/)
      const account = await aStrangersAccount(strict)
      await saveAcmeAccount(store, strict.directory, account)
      await look(aContext({ ...change, externalAccount: EXTERNAL_ACCOUNT }, () => Date.now() + 3600_000))
      assert.equal((await loadStanding(store, 'customer.test'))?.problem, null)
    } finally {
      await strict.stop()
    }
  })

  /** One that the authority has never seen. */
  async function aStrangersAccount({ directory }: TestAcme) {
    const { key: secret } = await makeCertificate('x', { names: ['x.test'] })
    const url = directory.replace('/dir', '/my-account/404')
    return { url, sealedKey: vault.seal(`account ${directory}`, secret) }
  }
})
