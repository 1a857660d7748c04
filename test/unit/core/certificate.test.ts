import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  agrees,
  bestOf,
  covers,
  isHostPattern,
  nextAct,
  renewalTime,
  retryTime,
  servedHosts,
  type Certificate,
} from '#core/domain/certificate.ts'
import { aCertificate } from '#test/helpers/certificates.ts'

const HOUR_MS = 3600_000
const DAY_MS = 24 * HOUR_MS

describe('The names of a certificate', () => {
  it('cover exactly themselves, and a wildcard exactly one label', () => {
    assert.ok(covers('example.com', 'example.com'))
    assert.ok(covers('*.example.com', 'www.example.com'))
    assert.ok(covers('*.example.com', '*.example.com'))
    for (const host of [
      'example.com',
      'a.b.example.com',
      'wwwexample.com',
      '*.www.example.com',
      'example.com.evil.test',
    ])
      assert.equal(covers('*.example.com', host), false, host)
    assert.equal(covers('www.example.com', '*.example.com'), false)
  })

  it('serve only the hosts of the owner', () => {
    assert.deepEqual(servedHosts(['mine.test', 'victim.test'], ['mine.test', 'other.test']), ['mine.test'])
    assert.deepEqual(servedHosts(['*.mine.test'], ['www.mine.test', 'mine.test']), ['www.mine.test'])
    assert.deepEqual(servedHosts(['*.mine.test'], ['*.mine.test']), ['*.mine.test'])
    assert.deepEqual(servedHosts(['a.mine.test', 'a.b.mine.test'], ['*.mine.test']), ['a.mine.test'])
    assert.deepEqual(servedHosts(['a.test'], []), [])
  })

  it('serve nothing that the owner does not have and the certificate does not cover, whatever they are', () => {
    const label = fc.constantFrom('a', 'b', 'c')
    const host = fc
      .tuple(fc.boolean(), fc.array(label, { minLength: 1, maxLength: 3 }))
      .map(([wildcard, labels]) => (wildcard ? '*.' : '') + labels.join('.'))
    fc.assert(
      fc.property(fc.array(host), fc.array(host), (names, hosts) => {
        for (const served of servedHosts(names, hosts)) {
          assert.ok(hosts.some((own) => covers(own, served)))
          assert.ok(names.some((name) => covers(name, served)))
        }
      }),
    )
  })

  it('are DNS names in lower case, by the rules of host names', () => {
    for (const name of ['localhost', 'a.test', '*.a.test', 'xn--bcher-kva.test', '1.2.test'])
      assert.ok(isHostPattern(name), name)
    for (const name of [
      '',
      'A.test',
      'a..test',
      '.a',
      'a.',
      '-a.test',
      'a_b.test',
      '*',
      '*a.test',
      'a.*.test',
      'x'.repeat(64),
    ])
      assert.equal(isHostPattern(name), false, name)
  })
})

describe('Of several certificates', () => {
  const now = 100 * DAY_MS
  const best = (...some: Certificate[]) => bestOf(some, now)?.id

  it('one that is valid is served, then one that people brought, then the one that is valid longest', () => {
    const uploaded = aCertificate({ id: 'uploaded', notAfter: now + DAY_MS })
    const automatic = aCertificate({ id: 'automatic', source: 'acme', notAfter: now + 80 * DAY_MS })
    const older = aCertificate({ id: 'older', source: 'acme', notAfter: now + 20 * DAY_MS })
    const expired = aCertificate({ id: 'expired', notAfter: now })
    const future = aCertificate({ id: 'future', notBefore: now + 1, notAfter: now + 900 * DAY_MS })
    assert.equal(best(automatic, uploaded, older), 'uploaded')
    assert.equal(best(older, expired, automatic, future), 'automatic')
    assert.equal(best(expired), 'expired', 'for want of another')
    assert.equal(best(), undefined)
  })
})

describe('H75: a request and the connection it comes on', () => {
  it('agree when the handshake named the host of the request', () => {
    assert.equal(agrees('shop.test', 'shop.test', []), true)
    assert.equal(agrees('shop.test', 'other.test', ['other.test']), false)
    assert.equal(agrees('a.berth.test', 'b.berth.test', ['*.berth.test']), false)
  })

  it("agree without a name only for the hosts of the platform's certificate", () => {
    assert.equal(agrees(null, 'a.berth.test', ['*.berth.test']), true)
    assert.equal(agrees(null, 'a.b.berth.test', ['*.berth.test']), false)
    assert.equal(agrees(null, 'shop.test', ['*.berth.test']), false)
    assert.equal(agrees(null, '203.0.113.5', ['*.berth.test']), false)
    assert.equal(agrees(null, 'shop.test', []), false)
  })
})

describe('An automatic certificate', () => {
  const now = 1_000 * DAY_MS
  const standing = { host: 'a.test', nextAt: now + HOUR_MS, failures: 0, problem: null }

  it('is asked for at once, then when its time has come', () => {
    assert.deepEqual(nextAct(null, null, now), { act: 'issue' })
    assert.deepEqual(nextAct(standing, null, now), { act: 'wait', until: now + HOUR_MS })
    assert.deepEqual(nextAct(standing, null, now + HOUR_MS), { act: 'issue' })
  })

  it('is not needed while one that people brought has a week to live', () => {
    const uploaded = aCertificate({ notAfter: now + 8 * DAY_MS })
    assert.deepEqual(nextAct(null, uploaded, now), { act: 'wait', until: now + DAY_MS })
    assert.deepEqual(nextAct(null, uploaded, now + DAY_MS), { act: 'issue' })
  })

  it('is renewed between 60 % and two thirds of its life, each at another time', () => {
    const life = { notBefore: now, notAfter: now + 90 * DAY_MS }
    assert.equal(renewalTime(life, 0), now + 60 * DAY_MS)
    assert.equal(renewalTime(life, 1), now + 54 * DAY_MS)
    assert.ok(renewalTime(life, 0.5) > renewalTime(life, 0.6))
  })

  it('is tried again after 5 minutes, then later each time, at most twice a day apart', () => {
    const minutes = [1, 2, 3, 4, 8, 9, 100].map((failures) => (retryTime(failures, null, now, 0) - now) / 60_000)
    assert.deepEqual(minutes, [5, 10, 20, 40, 640, 720, 720])
    assert.equal((retryTime(1, null, now, 1) - now) / 60_000, 6.25)
  })

  it('is never tried again before the authority says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.nat(1e9),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, waitMs, chance) => {
          const at = retryTime(failures, waitMs, now, chance)
          assert.ok(at >= now + waitMs && at >= now + 5 * 60_000)
        },
      ),
    )
  })
})
