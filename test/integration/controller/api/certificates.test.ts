import assert from 'node:assert/strict'
import type { CertificateAdded, CertificatesView } from '#core/contract/api.ts'
import type { AppId, TenantId } from '#core/domain/ids.ts'
import { addCertificate, loadCertificates, loadCertificateSecrets, saveStanding } from '#core/store/certificates.ts'
import { findApp } from '#core/store/apps.ts'
import type { App } from '#core/domain/app.ts'
import type { AppName } from '#core/domain/ids.ts'
import { startApi, type TestApi } from '#test/helpers/api.ts'
import { aCertificate, makeCertificate, makeRoot, type Authority } from '#test/helpers/certificates.ts'

describe('The API of certificates', function () {
  this.timeout(60_000)
  let api: TestApi
  let alice: string
  let bob: string
  let shop: App
  let root: Authority

  before(async () => {
    api = await startApi()
    alice = await api.member('alice')
    bob = await api.member('bob')
    await api.call(alice, 'POST', '/v1/apps', { name: 'shop' })
    shop = (await findApp(api.context.store, 'shop' as AppName)) as App
    root = await makeRoot()
  })
  after(() => api?.stop())
  afterEach(async () => {
    api.wanted = []
    await api.context.store.del('berth:certificates', 'berth:certificates:orders')
  })

  const path = '/v1/apps/shop/certificates'
  const give = async (token: string, names: string[], at = path) => {
    const { chain, key } = await makeCertificate('x', { names, by: root })
    const { status, body } = await api.call(token, 'POST', at, { certificate: chain, key })
    return { status, body: body as CertificateAdded & { code: string; detail: string } }
  }

  const list = async () => (await api.call(alice, 'GET', path)).body as CertificatesView

  it('takes one, shows it without its key, and removes it', async () => {
    const { status, body } = await give(alice, ['shop.example.test', 'not-mine.test'])
    assert.equal(status, 201)
    assert.deepEqual(body.hosts, ['shop.example.test'])
    assert.deepEqual(body.replaced, [])
    assert.match(body.addedBy, /alice/)
    const listed = await list()
    assert.deepEqual(
      listed.certificates.map(({ id }) => id),
      [body.id],
    )
    const shown = await api.call(alice, 'GET', `${path}/${body.id}`)
    assert.doesNotMatch(JSON.stringify([body, listed, shown.body]), /PRIVATE|BEGIN/)
    const [sealed] = await loadCertificateSecrets(api.context.store, [body.id])
    assert.match(api.context.certificates.vault.openPair(body.id, sealed ?? '').key, /PRIVATE KEY/)
    assert.equal((await api.call(alice, 'DELETE', `${path}/${body.id}`)).status, 204)
    assert.deepEqual(await loadCertificateSecrets(api.context.store, [body.id]), [null])
    assert.equal((await api.call(alice, 'GET', `${path}/${body.id}`)).status, 404)
  })

  it('puts a new one in the place of one that serves nothing more, and keeps one that does', async () => {
    const first = await give(alice, ['shop.example.test'])
    const other = await give(alice, ['shop.localhost'])
    const { body } = await give(alice, ['shop.example.test'])
    assert.deepEqual(body.replaced, [first.body.id])
    const ids = (await loadCertificates(api.context.store)).map(({ id }) => id).sort()
    assert.deepEqual(ids, [other.body.id, body.id].sort())
  })

  it('says what is wrong with one that it refuses', async () => {
    const { status, body } = await give(alice, ['else.test'])
    assert.equal(status, 422)
    assert.equal(body.code, 'CERTIFICATE_REFUSED')
    assert.match(body.detail, /is for else\.test, and none of the hosts here/)
    const missing = await api.call(alice, 'POST', path, { certificate: 'x' })
    assert.equal(missing.status, 400)
  })

  it('C02: keeps each tenant off the others, and all tenants off the platform', async () => {
    const { body } = await give(alice, ['shop.example.test'])
    for (const [method, at] of [
      ['GET', path],
      ['GET', `${path}/${body.id}`],
      ['DELETE', `${path}/${body.id}`],
      ['POST', `${path}/retry`],
    ] as const)
      assert.equal((await api.call(bob, method, at)).status, 404, `${method} ${at}`)
    assert.equal((await give(bob, ['shop.example.test'])).status, 404)
    await api.call(bob, 'POST', '/v1/apps', { name: 'bobs' })
    assert.equal((await api.call(bob, 'GET', `/v1/apps/bobs/certificates/${body.id}`)).status, 404)
    assert.equal((await api.call(bob, 'DELETE', `/v1/apps/bobs/certificates/${body.id}`)).status, 404)
    for (const method of ['GET', 'POST']) assert.equal((await api.call(alice, method, '/v1/certificates')).status, 403)
    assert.equal((await api.call(alice, 'GET', `/v1/certificates/${body.id}`)).status, 403)
    assert.equal((await api.call(api.operator, 'GET', `/v1/certificates/${body.id}`)).status, 404, 'not the platform’s')
  })

  it("takes the platform's from operators, for its domain alone", async () => {
    const { status, body } = await give(api.operator, ['*.localhost'], '/v1/certificates')
    assert.equal(status, 201)
    assert.equal(body.app, null)
    assert.equal((await give(api.operator, ['shop.example.test'], '/v1/certificates')).status, 422)
    assert.deepEqual((await api.call(alice, 'GET', path)).body.certificates, [])
  })

  it('shows how far automatic ones are, in the authority’s words, and has one tried again', async () => {
    const { store, now } = api.context
    const owner = { appId: shop.id, tenantId: shop.tenantId }
    api.wanted = ['good.test', 'bad.test', 'new.test'].map((host) => ({ host, ...owner }))
    api.wanted.push({ host: 'others.test', appId: 'a-x' as AppId, tenantId: 'bob' as TenantId })
    await addCertificate(
      store,
      aCertificate({ id: 'c-good', source: 'acme', hosts: ['good.test'], ...owner }),
      'sealed',
    )
    await addCertificate(store, aCertificate({ id: 'c-old', source: 'acme', ...owner }), 'sealed')
    const problem = { at: now() - 3600_000, text: 'DNS problem: NXDOMAIN looking up A for bad.test' }
    await saveStanding(store, { host: 'bad.test', nextAt: now() + 3600_000, failures: 3, problem })
    const { automatic, certificates } = await list()
    assert.deepEqual(
      automatic.map(({ host, certificate }) => [host, certificate]),
      [
        ['good.test', 'c-good'],
        ['bad.test', null],
        ['new.test', null],
      ],
    )
    assert.equal(automatic[1]?.failures, 3)
    assert.match(automatic[1]?.problem?.text ?? '', /NXDOMAIN/)
    assert.deepEqual(
      certificates.map(({ id }) => id),
      ['c-good'],
    )

    const wakes = api.certificateWakes
    assert.equal((await api.call(alice, 'POST', `${path}/retry`, { host: 'bad.test' })).status, 202)
    assert.ok(api.certificateWakes > wakes)
    assert.equal((await api.call(alice, 'POST', `${path}/retry`, { host: 'others.test' })).status, 404)
    assert.equal((await api.call(alice, 'POST', `${path}/retry`, { host: 'good.test' })).status, 400)
    const refused = await api.call(alice, 'DELETE', `${path}/c-good`)
    assert.equal(refused.status, 400)
    assert.match(String(refused.body.detail), /issued automatically for good\.test/)
  })
})
