import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync } from 'node:zlib'
import { parseStaticJson } from '#buildpacks/static/static-json.ts'

const ASSETS = join(import.meta.dirname, '../../../buildpacks/assets/static')
const long = 'body { color: teal } '.repeat(500)

describe('The static server with a static.json', function () {
  // Real processes, on a machine that may be busy.
  this.timeout(30_000)

  let folder: string
  let server: ChildProcess | null = null
  let port: number

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-static-'))
    await cp(ASSETS, join(folder, 'server'), { recursive: true })
    const files: Record<string, string> = {
      'index.html': 'home',
      'about.html': 'about',
      'docs/index.html': 'docs',
      'errors/lost.html': 'lost',
      'app.html': 'the app',
      'style.css': long,
      'ready.css': long,
      'ready.css.br': 'not really brotli, and sent as it lies',
      'package.json': '{}',
    }
    for (const [name, content] of Object.entries(files)) {
      await mkdir(join(folder, 'site', name, '..'), { recursive: true })
      await writeFile(join(folder, 'site', name), content)
    }
    await writeFile(join(folder, 'secret.br'), 'outside')
    await writeFile(join(folder, 'site/leak'), long)
  })
  afterEach(async () => {
    server?.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })

  async function serve(json: object, more: object = {}): Promise<void> {
    const { settings } = parseStaticJson(JSON.stringify(json))
    await writeFile(
      join(folder, 'server/settings.json'),
      JSON.stringify({ fallback: null, hidden: [], ...settings, ...more }),
    )
    server = spawn(process.execPath, [join(folder, 'server/server.mjs'), join(folder, 'site')], {
      env: { PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(server.stdout!), 'line')) as [string]
    port = Number(/port (\d+)/.exec(line)?.[1])
  }

  async function get(path: string, headers: Record<string, string> = {}) {
    const asked = request({ host: '127.0.0.1', port, path, headers }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return { status: response.statusCode, headers: response.headers, body: await buffer(response) }
  }
  const brief = async (path: string, headers = {}) => {
    const { status, headers: sent, body } = await get(path, headers)
    return [status, sent.location ?? body.toString().slice(0, 40)]
  }

  it('serves pages without their ending, and leads there from the address with it', async () => {
    await serve({ clean_urls: true })
    assert.deepEqual(await brief('/about'), [200, 'about'])
    assert.deepEqual(await brief('/about.html?x=1'), [301, '/about?x=1'])
    assert.deepEqual(await brief('/index.html?x=1'), [301, '/?x=1'])
    assert.deepEqual(await brief('/docs/index.html'), [301, '/docs'])
    assert.deepEqual(await brief('/docs'), [200, 'docs'])
    assert.deepEqual(await brief('/'), [200, 'home'])
    assert.equal((await brief('/gone'))[0], 404)
    assert.equal((await brief('/%2e%2e/secret'))[0], 400)
  })

  it('answers paths that name no file by the first route that matches, and files by themselves', async () => {
    await serve({ routes: { '/app/*/edit': 'about.html', '/app/**': 'app.html' } })
    assert.deepEqual(await brief('/app/1/edit'), [200, 'about'])
    assert.deepEqual(await brief('/app/1/2/edit'), [200, 'the app'])
    assert.deepEqual(await brief('/about.html'), [200, 'about'])
    assert.equal((await brief('/other'))[0], 404)
  })

  it('redirects as it is told, with the query, and never where a visitor says', async () => {
    await serve({
      redirects: { '/old/*': { url: '/new', status: 301 }, '/away': { url: 'https://elsewhere.example/?a=1' } },
    })
    assert.deepEqual(await brief('/old/x?q=1'), [301, '/new?q=1'])
    assert.deepEqual(await brief('/old/x/'), [301, '/new'])
    assert.deepEqual(await brief('/away?q=1'), [302, 'https://elsewhere.example/?a=1'])
  })

  it('sends its headers with what their pattern names, the later over the earlier', async () => {
    await serve({ headers: { '/**': { 'X-A': '1', 'Cache-Control': 'no-cache' }, '/*.css': { 'X-A': '2' } } })
    const css = (await get('/style.css')).headers
    assert.deepEqual([css['x-a'], css['cache-control']], ['2', 'no-cache'])
    assert.equal((await get('/docs/')).headers['x-a'], '1')
  })

  it('has its own page for what there is not', async () => {
    await serve({ error_page: 'errors/lost.html' })
    assert.deepEqual(await brief('/gone'), [404, 'lost'])
  })

  it('leads to https who came without, as the router says, and nobody else', async () => {
    await serve({ https_only: true })
    const came = (proto: string, host = 'site.example:8080') =>
      brief('/a%20b/?q=1', { 'x-forwarded-proto': proto, host })
    assert.deepEqual(await came('http'), [301, 'https://site.example/a%20b/?q=1'])
    assert.equal((await came('https'))[0], 404)
    assert.equal((await brief('/'))[0], 200)
  })

  it('shows a single page for every address that looks like a page, and says 404 for what looks like a file', async () => {
    await serve({}, { fallback: 'index.html' })
    assert.deepEqual(await brief('/deep/link', { accept: 'text/html' }), [200, 'home'])
    assert.equal((await brief('/deep/gone.js'))[0], 404)
    assert.equal((await brief('/deep/link', { accept: 'application/json' }))[0], 404)
  })

  it('compresses by Brotli who takes it, and sends what a build compressed already as it lies', async () => {
    await serve({})
    const { headers, body } = await get('/style.css', { 'accept-encoding': 'gzip, br' })
    assert.equal(headers['content-encoding'], 'br')
    assert.equal(brotliDecompressSync(body).toString(), long)
    const ready = await get('/ready.css', { 'accept-encoding': 'br' })
    assert.equal(ready.body.toString(), 'not really brotli, and sent as it lies')
    assert.deepEqual([ready.headers['content-encoding'], ready.headers.vary], ['br', 'Accept-Encoding'])
    assert.notEqual(ready.headers.etag, (await get('/ready.css')).headers.etag)
    assert.equal((await get('/ready.css', { 'accept-encoding': 'br', range: 'bytes=0-3' })).body.toString(), 'body')
  })

  it('S32: never sends a compressed file that is a link', async () => {
    await symlink('../../secret.br', join(folder, 'site/docs/index.html.br'))
    await serve({})
    assert.deepEqual(await brief('/docs/', { 'accept-encoding': 'br' }), [200, 'docs'])
  })

  it('hides what the root of a repository holds for tools', async () => {
    await serve({}, { hidden: ['package.json'] })
    assert.equal((await brief('/package.json'))[0], 404)
  })
})
