import assert from 'node:assert/strict'
import { cookieFor, cookieIn, isSameOrigin, placeOf, sessionIdIn } from '../../../../controller/identity/cookies.ts'
import { networkOf } from '../../../../controller/identity/throttle.ts'

const at = (host: string, consoleUrl: string | null) => placeOf({ headers: { host } }, { consoleUrl })
const ID = 'A'.repeat(43)

describe('cookies', () => {
  it('has sessions by https at the address of the console, by http on the machine itself, and nowhere else', () => {
    const own = 'https://berth.example.com'
    assert.deepEqual(at('berth.example.com', own), { name: '__Host-berth', secure: true })
    assert.deepEqual(at('127.0.0.1:4000', own), { name: 'berth', secure: false })
    assert.deepEqual(at('localhost:4000', null), { name: 'berth', secure: false })
    assert.deepEqual(at('[::1]:4000', null), { name: 'berth', secure: false })
    // The last four: DNS rebinding, and names that only look like it.
    for (const host of [
      '',
      'berth.example.com:444',
      '10.0.0.5:4000',
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.nip.io',
      'x@127.0.0.1',
    ])
      assert.equal(at(host, own), null, host)
    assert.equal(at('berth.example.com', 'http://berth.example.com'), null)
  })

  it('says that it is for the server alone, for this host alone, and by https where it can be', () => {
    assert.equal(
      cookieFor({ name: '__Host-berth', secure: true }, ID),
      `__Host-berth=${ID}; Path=/; HttpOnly; SameSite=Strict; Secure`,
    )
    assert.match(cookieFor({ name: 'berth', secure: false }, null), /^berth=; Max-Age=0; Path=\//)
  })

  it('C06 takes no cookie of which there are two, or under the name for other places', () => {
    const headers = (cookie: string, host = 'berth.example.com') => ({ host, cookie, 'sec-fetch-site': 'same-origin' })
    const settings = { consoleUrl: 'https://berth.example.com' }
    assert.equal(sessionIdIn({ headers: headers(`a=b; __Host-berth=${ID}`) }, settings), ID)
    assert.equal(sessionIdIn({ headers: headers(`__Host-berth=${ID}; __Host-berth=${ID}`) }, settings), null)
    // A sibling under the same domain can plant this name, and not the other one.
    assert.equal(sessionIdIn({ headers: headers(`berth=${ID}`) }, settings), null)
    assert.equal(cookieIn({ headers: { cookie: 'berth=short' } }, 'berth'), null)
    assert.equal(cookieIn({ headers: {} }, 'berth'), null)
  })

  it('C06 knows by what the browser says whether a page of ours asks', () => {
    const host = 'berth.example.com'
    const asks = (headers: Record<string, string>, method = 'POST') =>
      isSameOrigin({ method, headers: { host, ...headers } })
    assert.equal(asks({ 'sec-fetch-site': 'same-origin' }), true)
    assert.equal(asks({ 'sec-fetch-site': 'none' }, 'GET'), true)
    assert.equal(asks({ 'sec-fetch-site': 'none' }), false)
    assert.equal(asks({ 'sec-fetch-site': 'same-site', origin: `https://${host}` }), false)
    assert.equal(asks({ origin: `https://${host}` }), true)
    for (const origin of ['null', '', 'https://app.example.com', `https://${host}:8443`, 'nonsense'])
      assert.equal(asks({ origin }), false, origin)
    assert.equal(asks({}, 'GET'), false)
  })

  it('counts a /64 of IPv6 as one client, and each IPv4 address as one', () => {
    assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), networkOf('2001:DB8:1:2::9'))
    assert.notEqual(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'))
    assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1')
    assert.equal(networkOf('fe80::1%eth0'), networkOf('fe80::2'))
    for (const address of ['', '::', '::1', '2001::']) assert.doesNotMatch(networkOf(address), /[:%]/)
  })
})
