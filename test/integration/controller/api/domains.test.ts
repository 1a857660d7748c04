import assert from 'node:assert/strict'
import type { DomainView, EventView } from '#core/contract/api.ts'
import type { AppName, TenantId } from '#core/domain/ids.ts'
import { findApp } from '#core/store/apps.ts'
import { claimDomain } from '#core/store/domains.ts'
import { startApi, type Answer, type TestApi } from '#test/helpers/api.ts'
import { startDns, type TestDns } from '#test/helpers/dns.ts'
import { createLookUp, lookAtDomains } from '../../../../controller/domains.ts'

const kindsIn = ({ events }: { events: EventView[] }) => events.map(({ kind }) => kind)

describe('domains', function () {
  this.timeout(20_000)
  let api: TestApi
  let dns: TestDns
  let ann: string
  let bob: string

  beforeEach(async () => {
    api = await startApi()
    dns = await startDns()
    api.context.lookUp = createLookUp([dns.address])
    ann = await api.member('ann')
    bob = await api.member('bob')
    for (const [token, name] of [
      [ann, 'shop'],
      [ann, 'api-of-ann'],
      [bob, 'rival'],
    ] as const)
      await api.call(token, 'POST', '/v1/apps', { name })
  })
  afterEach(async () => {
    await api.stop()
    await dns.stop()
  })

  const path = (app: string, address = '', verb = '') =>
    `/v1/apps/${app}/domains${address && `/${encodeURIComponent(address)}`}${verb && `/${verb}`}`
  const add = (token: string, app: string, address: string) => api.call(token, 'POST', path(app), { address })
  const verify = (token: string, app: string, address: string) => api.call(token, 'POST', path(app, address, 'verify'))
  const approve = (app: string, address: string) => api.call(api.operator, 'POST', path(app, address, 'approve'))
  const publish = ({ challenge }: DomainView) =>
    void dns.records.set(challenge?.name ?? '', ['other', challenge?.value ?? ''])
  const gain = async (token: string, app: string, address: string): Promise<Answer> => {
    const added = await add(token, app, address)
    assert.equal(added.status, 201, JSON.stringify(added.body))
    if (added.body.state === 'verified') return added
    publish(added.body as DomainView)
    return verify(token, app, address)
  }
  const appNamed = async (name: string) => (await findApp(api.context.store, name as AppName)) ?? assert.fail()
  const kinds = async (token: string, app: string) =>
    kindsIn((await api.call(token, 'GET', `/v1/apps/${app}/events`)).body as { events: EventView[] })

  it('are pending until DNS shows whose they are, and say what to do', async () => {
    const added = await add(ann, 'shop', 'Shop.Example.')
    assert.equal(added.status, 201)
    assert.equal(added.body.address, 'shop.example')
    assert.equal(added.body.state, 'pending')
    assert.equal(added.body.challenge.name, '_berth-challenge.shop.example')

    const early = await verify(ann, 'shop', 'shop.example')
    assert.equal(early.body.state, 'pending')
    assert.match(String(early.body.check.problem), /no TXT record _berth-challenge\.shop\.example/)
    dns.records.set('_berth-challenge.shop.example', ['something else'])
    assert.match(String((await verify(ann, 'shop', 'shop.example')).body.check.problem), /none is the one expected/)
    dns.records.set('_berth-challenge.shop.example', null)
    assert.match(String((await verify(ann, 'shop', 'shop.example')).body.check.problem), /ESERVFAIL/)

    const wakes = api.wakes
    publish(added.body as DomainView)
    const late = await verify(ann, 'shop', 'SHOP.example')
    assert.equal(late.body.state, 'verified')
    assert.equal(late.body.challenge, null)
    assert.equal(late.body.verified.by, 'dns')
    assert.ok(api.wakes > wakes, 'the reconciler looks at once')
    assert.equal(api.certificateWakes, 1, 'and so does the work on certificates')
    assert.equal(added.body.certificate, null)
    assert.deepEqual([late.body.certificate.host, late.body.certificate.state], ['shop.example', 'off'])
    assert.deepEqual(await kinds(ann, 'shop'), ['domainVerified', 'domainAdded'])
    const listed = (await api.call(ann, 'GET', path('shop'))).body
    assert.equal(listed.own, 'shop.localhost')
    assert.deepEqual(listed.domains, [late.body])
    await api.call(ann, 'DELETE', path('shop', 'shop.example'))
    assert.equal(api.certificateWakes, 2)
  })

  it('are looked for again in the background, when their turn has come', async () => {
    const added = await add(ann, 'shop', 'shop.example')
    await add(ann, 'shop', 'later.example')
    publish(added.body as DomainView)
    const held = new AbortController().signal
    const at = (ms: number) => ({ ...api.context, now: () => Date.now() + ms })
    await lookAtDomains(at(0), held)
    assert.deepEqual(dns.asked, [], 'who just added it is setting it up')
    await lookAtDomains(at(31_000), held)
    const [later, shop] = (await api.call(ann, 'GET', path('shop'))).body.domains
    assert.equal(shop.state, 'verified')
    assert.equal(later.state, 'pending')
    assert.match(String(later.check.problem), /no TXT record/)
    dns.asked.length = 0
    await lookAtDomains(at(32_000), held)
    assert.deepEqual(dns.asked, [])
    await lookAtDomains(at(62_000), held)
    assert.deepEqual(dns.asked, ['_berth-challenge.later.example'])
  })

  it('are an operator’s to approve, and nobody else’s', async () => {
    await add(ann, 'shop', 'intranet.example')
    assert.equal((await api.call(ann, 'POST', path('shop', 'intranet.example', 'approve'))).status, 403)
    const { body } = await approve('shop', 'intranet.example')
    assert.equal(body.state, 'verified')
    assert.equal(body.verified.by, 'operator')
  })

  it('C10 C11: are the first one’s who shows that they are its own; the other is refused then', async () => {
    const [mine, theirs] = [await add(ann, 'shop', 'shop.example'), await add(bob, 'rival', 'shop.example')]
    assert.equal(mine.status, 201)
    assert.equal(theirs.status, 201, 'a claim alone keeps nobody out')
    assert.notEqual(mine.body.challenge.value, theirs.body.challenge.value)
    dns.records.set('_berth-challenge.shop.example', [mine.body.challenge.value, theirs.body.challenge.value])
    assert.equal((await verify(bob, 'rival', 'shop.example')).body.state, 'verified')

    const second = await verify(ann, 'shop', 'shop.example')
    assert.equal(second.body.state, 'pending')
    assert.match(String(second.body.check.problem), /somebody else/)
    assert.equal((await approve('shop', 'shop.example')).body.code, 'DOMAIN_TAKEN', 'nor by an operator')
    assert.equal((await add(ann, 'shop', 'shop.example/api')).body.code, 'DOMAIN_TAKEN')
    assert.doesNotMatch(JSON.stringify(second.body), /bob|rival/)
  })

  it('C11: are one tenant’s when many claim at the same moment', async () => {
    const apps = [await appNamed('shop'), await appNamed('rival')]
    const value: string[] = []
    for (const [token, app] of [
      [ann, 'shop'],
      [bob, 'rival'],
    ] as const)
      value.push(String((await add(token, app, 'race.example')).body.challenge.value))
    dns.records.set('_berth-challenge.race.example', value)
    await Promise.all(
      Array.from({ length: 10 }, () => [
        verify(ann, 'shop', 'race.example'),
        verify(bob, 'rival', 'race.example'),
      ]).flat(),
    )
    const states = await Promise.all(apps.map(async ({ name }) => (await appNamed(name)).domains[0]?.state))
    assert.deepEqual(states.sort(), ['pending', 'verified'])
  })

  it('C10: do not overlap with another tenant’s wildcard, above or below', async () => {
    assert.equal((await gain(ann, 'shop', '*.shop.example')).body.state, 'verified')
    assert.equal((await add(bob, 'rival', 'www.shop.example')).body.code, 'DOMAIN_TAKEN')
    assert.equal((await add(bob, 'rival', '*.shop.example/x')).body.code, 'DOMAIN_TAKEN')
    assert.equal((await gain(bob, 'rival', 'a.b.shop.example')).body.state, 'verified', 'the wildcard is no part of it')

    assert.equal((await gain(bob, 'rival', 'one.other.example')).body.state, 'verified')
    assert.equal((await add(ann, 'shop', '*.other.example')).body.code, 'DOMAIN_TAKEN')
    await api.call(bob, 'DELETE', path('rival', 'one.other.example'))
    assert.equal((await gain(ann, 'shop', '*.other.example')).body.state, 'verified')
  })

  it('need no second proof for what the tenant holds already', async () => {
    await gain(ann, 'shop', 'shop.example')
    const below = await add(ann, 'api-of-ann', 'shop.example/api')
    assert.equal(below.body.state, 'verified')
    assert.equal(below.body.verified.by, 'tenant')
    await gain(ann, 'shop', '*.wild.example')
    assert.equal((await add(ann, 'api-of-ann', 'www.wild.example')).body.state, 'verified')
    assert.equal((await add(ann, 'api-of-ann', 'wild.example')).body.state, 'pending', 'it is not below itself')
    assert.equal((await add(ann, 'shop', '*.www.wild.example')).body.state, 'pending')
  })

  it('are one app’s of a tenant’s, until that gives them up', async () => {
    await gain(ann, 'shop', 'shop.example')
    const again = await add(ann, 'api-of-ann', 'shop.example')
    assert.equal(again.status, 409)
    assert.match(String(again.body.detail), /domain of shop already/)
    assert.equal((await api.call(ann, 'DELETE', path('shop', 'shop.example'))).status, 204)
    assert.equal((await api.call(ann, 'GET', path('shop', 'shop.example'))).status, 404)
    assert.equal(
      (await add(ann, 'api-of-ann', 'shop.example')).body.state,
      'pending',
      'and nothing of it is remembered',
    )
  })

  it('are free again when their app is destroyed', async () => {
    for (const address of ['shop.example', 'shop.example/api', '*.shop.example', 'www.shop.example'])
      await gain(ann, 'shop', address)
    await add(ann, 'shop', 'pending.example')
    assert.equal((await api.call(ann, 'DELETE', '/v1/apps/shop?confirm=shop')).status, 204)
    assert.deepEqual(await api.context.store.keys('berth:domain*'), [])
    assert.equal(await api.context.store.hlen(`berth:tenant:ann:addresses`), 0)
    assert.equal((await gain(bob, 'rival', 'www.shop.example')).body.state, 'verified')
    assert.equal((await add(ann, 'api-of-ann', 'pending.example')).status, 201)
  })

  it('cannot be claimed for an app that is gone', async () => {
    const { id, tenantId } = await appNamed('shop')
    const { body } = await add(ann, 'shop', 'shop.example')
    publish(body as DomainView)
    const [domain = assert.fail()] = (await appNamed('shop')).domains
    await api.call(ann, 'DELETE', '/v1/apps/shop?confirm=shop')
    assert.equal(await claimDomain(api.context.store, { ...domain, host: 'late.example' }), 'gone')
    assert.equal(await api.context.store.exists(`berth:app:${id}`, `berth:tenant:${tenantId}:addresses`), 0)
  })

  it('C02: of another tenant’s app are not there', async () => {
    await gain(ann, 'shop', 'shop.example')
    for (const [method, address, verb] of [
      ['GET', '', ''],
      ['POST', '', ''],
      ['GET', 'shop.example', ''],
      ['DELETE', 'shop.example', ''],
      ['POST', 'shop.example', 'verify'],
      ['POST', 'shop.example', 'approve'],
    ] as const)
      assert.equal(
        (await api.call(bob, method, path('shop', address, verb), method === 'POST' ? {} : undefined)).status,
        404,
      )
  })

  it('are refused with what is wrong about them, and at a number that an app can have', async () => {
    assert.match(String((await add(ann, 'shop', 'x.localhost')).body.detail), /the platform's/)
    assert.match(String((await add(ann, 'shop', 'co.uk')).body.detail), /public suffix/)
    assert.equal((await add(ann, 'shop', 'shop.example/%2e')).status, 422)
    const [app, tenantId] = [await appNamed('shop'), 'ann' as TenantId]
    for (let n = 0; n < 200; n++) {
      const host = `h${n}.example`
      const made = {
        host,
        path: '/',
        appId: app.id,
        tenantId,
        createdAt: 0,
        token: 'x',
        state: 'pending',
        verified: null,
        check: null,
      } as const
      assert.equal(await claimDomain(api.context.store, made), 'pending')
    }
    assert.equal((await add(ann, 'shop', 'more.example')).body.code, 'TOO_MANY_DOMAINS')
  })
})
