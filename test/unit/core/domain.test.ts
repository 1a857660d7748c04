import assert from 'node:assert/strict'
import {
  addressText,
  challengeName,
  isDue,
  nextCheckAt,
  parseAddress,
  parentOf,
  type Domain,
} from '#core/domain/domain.ts'
import { nameRules } from '../../../controller/domains.ts'

const rules = nameRules('apps.berth.example')
const read = (text: string): string => addressText(parseAddress(text, rules))

describe('the name of a domain', () => {
  it('C10: has one spelling, however it is written', () => {
    const spellings: Record<string, string> = {
      'Shop.Example': 'shop.example',
      'shop.example.': 'shop.example',
      'shop.example/': 'shop.example',
      'shop.example/API': 'shop.example/API',
      'shop.example/api/': 'shop.example/api',
      '*.Shop.Example': '*.shop.example',
      '*.shop.example/v1/x': '*.shop.example/v1/x',
      'BÜCHER.example': 'xn--bcher-kva.example',
      'xn--bcher-kva.example': 'xn--bcher-kva.example',
      'ｓhop.example': 'shop.example',
      'faß.de': 'xn--fa-hia.de',
    }
    for (const [text, expected] of Object.entries(spellings)) assert.equal(read(text), expected, text)
  })

  it('C10: is refused when it is malformed, an address, or has only one label', () => {
    const wrong =
      'shop|shop..example|.shop.example|shop.example..|-a.example|a-.example|a_b.example|exa mple.com|a.example:80|u@a.example|' +
      '127.0.0.1|0x7f.1|1.2.3|[::1]|::1|sh%6fp.example|*|*.|*.*.example.com|a.*.example.com|*a.example.com|shop.example?x|' +
      `${'a'.repeat(64)}.example|${'a.'.repeat(130)}example|https://shop.example|shop.example\\x|a.example#x|`
    for (const text of wrong.split('|')) assert.throws(() => read(text), { code: 'DOMAIN_REFUSED' }, text)
  })

  it('C10: is refused when it is the platform’s, or everybody’s', () => {
    for (const text of [
      'apps.berth.example',
      'shop.apps.berth.example',
      'a.b.APPS.berth.example.',
      '*.apps.berth.example',
      '*.berth.example',
      'shop.localhost',
      'com.',
      'co.uk',
      '*.co.uk',
      'github.io',
      '*.example',
    ])
      assert.throws(() => read(text), { code: 'DOMAIN_REFUSED' }, text)
    for (const text of ['shop.co.uk', 'me.github.io', 'berth.example', 'xapps.berth.example', 'localhost.example'])
      assert.equal(read(text), text)
  })

  it('has a path only in a spelling that routers can compare as bytes', () => {
    for (const path of [
      '//',
      '//a',
      '/a//b',
      '/.',
      '/a/..',
      '/../a',
      '/%61',
      '/a?b',
      '/a b',
      '/ä',
      `/${'a'.repeat(200)}`,
    ])
      assert.throws(() => read(`shop.example${path}`), { code: 'DOMAIN_REFUSED' }, path)
    for (const path of ['/a', '/a/b.c', "/~x/!$&'()*+,;=:@-_", '/...', '/.well-known'])
      assert.equal(read(`shop.example${path}`), `shop.example${path}`)
  })

  it('is shown to be one’s own at its own name, a wildcard at the name it is below', () => {
    assert.equal(challengeName('shop.example'), '_berth-challenge.shop.example')
    assert.equal(challengeName('*.shop.example'), '_berth-challenge.shop.example')
    assert.equal(parentOf('*.shop.example'), parentOf('a.shop.example'))
  })
})

describe('a pending domain', () => {
  const pending = { state: 'pending', check: null, createdAt: 1000 } as Domain

  it('is looked for soon, then more and more seldom, and never given up', () => {
    const waits = Array.from({ length: 40 }, (_, n) => (nextCheckAt(n + 1, 0) / 1000) | 0)
    assert.deepEqual(waits.slice(0, 4), [30, 60, 120, 240])
    assert.ok(waits.every((wait, n) => wait >= (waits[n - 1] ?? 0)))
    assert.equal(waits.at(-1), 6 * 3600)
  })

  it('is looked for only when its turn has come, and not when it is verified', () => {
    assert.equal(isDue(pending, 1000), false)
    assert.equal(isDue(pending, 31_000), true)
    const check = { at: 0, problem: '', tries: 3, nextAt: 500_000 }
    assert.equal(isDue({ ...pending, check }, 499_999), false)
    assert.equal(isDue({ ...pending, check }, 500_000), true)
    assert.equal(isDue({ ...pending, state: 'verified' }, 1e12), false)
  })
})
