import assert from 'node:assert/strict'
import { chooseCredentials, isPlainAndRemote, parseApiUrl } from '../../../cli/credentials.ts'
import { urlOf } from '../../../cli/client.ts'

const saved = { apiUrl: 'https://a.example', token: 'saved' }

describe('Whom the CLI speaks to', () => {
  it('takes what login saved', () => {
    assert.deepEqual(chooseCredentials({}, saved), saved)
  })

  it('takes BERTH_TOKEN before what was saved', () => {
    assert.deepEqual(chooseCredentials({ BERTH_TOKEN: 't' }, saved), { apiUrl: 'https://a.example', token: 't' })
    assert.deepEqual(chooseCredentials({ BERTH_TOKEN: 't' }, null), { apiUrl: 'http://127.0.0.1:4000', token: 't' })
  })

  it('never sends a saved token to another API', () => {
    assert.throws(() => chooseCredentials({ BERTH_API_URL: 'https://b.example' }, saved), {
      exitCode: 3,
      message: /logged in to https:\/\/a\.example/,
    })
    assert.deepEqual(chooseCredentials({ BERTH_API_URL: 'https://a.example/' }, saved), saved)
  })

  it('says that nobody is logged in', () => {
    assert.throws(() => chooseCredentials({}, null), { exitCode: 3, message: /berth login/ })
  })

  it('refuses a token that cannot travel in a header', () => {
    assert.throws(() => chooseCredentials({ BERTH_TOKEN: 'a\nb' }, null), { exitCode: 2, message: /BERTH_TOKEN/ })
  })

  it('takes http and https URLs only, and drops the slash at the end', () => {
    assert.equal(parseApiUrl('https://h.example/berth/', 'x'), 'https://h.example/berth')
    for (const url of ['h.example', 'ftp://h', 'http://me:pw@h', 'http://h?a', 'http://h#a'])
      assert.throws(() => parseApiUrl(url, 'BERTH_API_URL'), { exitCode: 2, message: /BERTH_API_URL/ }, url)
  })

  it('knows which addresses carry a token over the network in the clear', () => {
    const plain = [
      'http://127.0.0.1:4000',
      'http://localhost',
      'http://[::1]:1',
      'https://h.example',
      'http://h.example',
    ]
    assert.deepEqual(plain.map(isPlainAndRemote), [false, false, false, false, true])
  })

  it('builds addresses that stay below /v1', () => {
    assert.equal(
      urlOf('http://h/p', '/apps/:app/:rest', { app: 'a/b', rest: 'x?y', query: { n: '1', s: undefined } }).href,
      'http://h/p/v1/apps/a%2Fb/x%3Fy?n=1',
    )
    assert.throws(() => urlOf('http://h', '/hosts/:host/cordon', { host: '..' }), { exitCode: 2 })
  })
})
