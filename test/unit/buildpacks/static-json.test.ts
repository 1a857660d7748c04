import assert from 'node:assert/strict'
import { noSettings, parseStaticJson } from '#buildpacks/static/static-json.ts'

const settings = (json: object) => parseStaticJson(JSON.stringify(json, null, 2)).settings

describe('static.json', () => {
  it('says what Heroku’s buildpack for static sites reads', () => {
    assert.deepEqual(
      settings({
        root: './dist/',
        clean_urls: true,
        https_only: true,
        error_page: 'errors/lost.html',
        routes: { '/api/*': 'api.html', '/**': 'index.html' },
        redirects: { '/old/': { url: '/new/', status: 301 }, '/blog/**': { url: 'https://blog.example/' } },
        headers: { '/**': { 'X-Frame-Options': 'DENY' } },
      }),
      {
        root: 'dist',
        cleanUrls: true,
        httpsOnly: true,
        errorPage: 'errors/lost.html',
        routes: [
          { pattern: '/api/*', file: 'api.html' },
          { pattern: '/**', file: 'index.html' },
        ],
        redirects: [
          { from: '/old/', to: '/new/', status: 301 },
          { from: '/blog/**', to: 'https://blog.example/', status: 302 },
        ],
        headers: [{ pattern: '/**', set: { 'X-Frame-Options': 'DENY' } }],
      },
    )
    assert.deepEqual(settings({}), noSettings)
  })

  it('may hold what is not known here, with a word', () =>
    assert.deepEqual(parseStaticJson('{"logging": {}, "constructor": 1}').warnings, [
      'static.json: "logging" is not known here and is left aside.',
      'static.json: "constructor" is not known here and is left aside.',
    ]))

  const wrong: [object, RegExp][] = [
    [{ clean_urls: 'yes' }, /^static\.json line 2: "clean_urls" must be true or false, got "yes"\./],
    [{ root: '../secret' }, /line 2: "root" must be a folder of the app/],
    [{ root: 'a b; id' }, /must be a folder of the app/],
    [{ error_page: '../../etc/passwd' }, /must be a file of the site/],
    [{ routes: ['/**'] }, /line 2: "routes" must be an object/],
    [{ routes: { '/**': 7 } }, /line 3: "routes › \/\*\*" must be a file of the site/],
    [{ routes: { 'no-slash': 'x.html' } }, /must be a path that begins with "\/"/],
    [{ routes: { ['/' + '*a'.repeat(9)]: 'x.html' } }, /at most four stars/],
    [{ redirects: { '/a': { url: '//evil.example' } } }, /must have a "url" that is a path or begins with http/],
    [{ redirects: { '/a': { url: '/b\r\nSet-Cookie: x' } } }, /must have a "url"/],
    [{ redirects: { '/a': { url: '/b', status: 200 } } }, /must be one of 301, 302, 303, 307, 308, got 200/],
    [{ headers: { '/**': { 'X-A': 'b\r\nc' } } }, /must be a text of one line/],
    [{ headers: { '/**': { 'a b': 'c' } } }, /cannot be the name of a header/],
    [{ headers: { '/**': { 'Content-Length': '7' } } }, /is a header that only the server sets/],
    [{ basic_auth: true }, /line 2: "basic_auth" is not done by the app here: .*berth access:users:add/],
    [{ proxies: { '/api/': { origin: 'x' } } }, /route the path to another app/],
  ]
  for (const [json, message] of wrong)
    it(`is refused with line and reason: ${JSON.stringify(json)}`, () =>
      assert.throws(() => settings(json), { name: 'BuildFailure', exitCode: 12, message }))

  it('means folders of the app, however they are written: /dist is dist', () =>
    assert.equal(settings({ root: '/dist' }).root, 'dist'))

  it('that is not JSON is refused with its place', () =>
    assert.throws(
      () => parseStaticJson('{\n  "root": "dist",\n}'),
      /static\.json is not valid JSON in line 3, column 1/,
    ))
})
