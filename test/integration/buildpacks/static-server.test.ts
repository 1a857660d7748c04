import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { Agent, request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'

const PROGRAM = join(import.meta.dirname, '../../../buildpacks/assets/static/server.mjs')
const long = 'body { color: teal } '.repeat(500)

type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer }

describe('The static server', function () {
  // Real processes, on a machine that may be busy.
  this.timeout(30_000)

  let folder: string
  let server: ChildProcess
  let port: number

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-static-'))
    const files: Record<string, string> = {
      'site/index.html': '<h1>home</h1>',
      'site/404.html': '<h1>lost</h1>',
      'site/style.css': long,
      'site/data.bin': '0123456789',
      'site/empty.txt': '',
      'site/with space é.txt': 'odd name',
      'site/about/index.html': 'about',
      'site/bare/file.txt': 'in a folder without an index',
      'site/.env': 'SECRET=1',
      'site/.git/config': 'secret',
      'site/.well-known/security.txt': 'Contact: us',
      'site/Procfile': 'web: x',
      'secret.txt': 'outside',
    }
    for (const [name, content] of Object.entries(files)) {
      await mkdir(join(folder, name, '..'), { recursive: true })
      await writeFile(join(folder, name), content)
    }
    await symlink('../secret.txt', join(folder, 'site/leak.txt'))
    await symlink('/etc', join(folder, 'site/etc'))
    await symlink('.env', join(folder, 'site/env.txt'))
    await symlink('style.css', join(folder, 'site/alias.css'))
    server = spawn(process.execPath, [PROGRAM, join(folder, 'site')], {
      env: { PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(server.stdout!), 'line')) as [string]
    port = Number(/port (\d+)/.exec(line)?.[1])
  })
  afterEach(async () => {
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGKILL')
      await once(server, 'exit')
    }
    await rm(folder, { recursive: true, force: true })
  })

  /** The path goes out as it is written: no client tidies it. */
  async function get(
    path: string,
    headers: Record<string, string> = {},
    method = 'GET',
    agent?: Agent,
  ): Promise<Answer> {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, ...(agent ? { agent } : {}) }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) }
  }
  const textOf = async (path: string) => (await get(path)).body.toString()

  it('serves files with their types, and folders by their index', async () => {
    const { status, headers, body } = await get('/')
    assert.equal(status, 200)
    assert.equal(body.toString(), '<h1>home</h1>')
    assert.equal(headers['content-type'], 'text/html; charset=utf-8')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal((await get('/style.css')).headers['content-type'], 'text/css; charset=utf-8')
    assert.equal((await get('/data.bin')).headers['content-type'], 'application/octet-stream')
    assert.equal(await textOf('/about/'), 'about')
    assert.equal(await textOf('/with%20space%20%C3%A9.txt?x=1'), 'odd name')
    assert.equal((await get('/empty.txt')).headers['content-length'], '0')
    assert.equal(await textOf('/alias.css'), long)
  })

  it('redirects a folder to its slash, never to another site', async () => {
    const { status, headers } = await get('/about?a=1')
    assert.equal(status, 301)
    assert.equal(headers.location, '/about/?a=1')
    assert.equal((await get('//about')).headers.location, '/about/')
    for (const path of ['//evil.example', '//evil.example/..', '/\\evil.example', '/%5Cevil.example/'])
      assert.equal((await get(path)).headers.location, undefined, path)
  })

  it('answers with 404.html, status 404, for what there is not', async () => {
    for (const path of ['/gone', '/bare', '/bare/', '/style.css/', '/style.css/x', `/${'x'.repeat(300)}`]) {
      const { status, body } = await get(path)
      assert.equal(status, 404, path)
      assert.equal(body.toString(), '<h1>lost</h1>')
    }
  })

  it('never leaves its folder, by dots, encodings, NUL or links', async () => {
    for (const path of [
      '/../secret.txt',
      '/about/../../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/%2e%2e%2fsecret.txt',
      '/about%2f..%2f..%2fsecret.txt',
      '/..%5csecret.txt',
      '/index.html%00.png',
      '/leak.txt',
      '/etc/passwd',
      '/%c0%ae%c0%ae/secret.txt',
      '/%',
      '//etc/passwd',
      'http://x/../secret.txt',
    ]) {
      const { status, body } = await get(path)
      assert.ok(status === 400 || status === 404, `${path}: ${status}`)
      assert.doesNotMatch(body.toString(), /outside|root:/)
    }
  })

  it('hides dotfiles and the Procfile, links to them too, but not .well-known', async () => {
    for (const path of ['/.env', '/.git/config', '/%2eenv', '/env.txt', '/Procfile'])
      assert.equal((await get(path)).status, 404, path)
    assert.equal(await textOf('/.well-known/security.txt'), 'Contact: us')
  })

  it('answers 304 to who has the content already', async () => {
    const { headers } = await get('/index.html')
    const tag = String(headers.etag)
    for (const condition of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const { status, body, headers: again } = await get('/index.html', { 'if-none-match': condition })
      assert.equal(status, 304, condition)
      assert.equal(body.length, 0)
      assert.equal(again.etag, tag)
    }
  })

  it('knows no date of a file, as all files of a release have one: a condition by date is passed over', async () => {
    const { headers } = await get('/index.html')
    assert.equal(headers['last-modified'], undefined)
    assert.equal((await get('/index.html', { 'if-modified-since': new Date().toUTCString() })).status, 200)
  })

  it('has the tag of the content, not of the time: a release that left a file alone keeps it', async () => {
    const before = (await get('/data.bin')).headers.etag
    await utimes(join(folder, 'site/data.bin'), 1000, 1000)
    assert.equal((await get('/data.bin')).headers.etag, before)
    await writeFile(join(folder, 'site/data.bin'), '9876543210')
    assert.notEqual((await get('/data.bin')).headers.etag, before)
  })

  it('zips text for those who take it, under a tag of its own', async () => {
    const { headers, body } = await get('/style.css', { 'accept-encoding': 'br;q=0.5, gzip' })
    assert.equal(headers['content-encoding'], 'gzip')
    assert.equal(headers.vary, 'Accept-Encoding')
    assert.ok(body.length < long.length / 5)
    assert.equal(gunzipSync(body).toString(), long)
    const plain = await get('/style.css')
    assert.equal(plain.headers['content-encoding'], undefined)
    assert.equal(plain.headers.vary, 'Accept-Encoding')
    assert.notEqual(plain.headers.etag, headers.etag)
    assert.equal((await get('/style.css', { 'accept-encoding': 'gzip;q=0' })).headers['content-encoding'], undefined)
    assert.equal((await get('/data.bin', { 'accept-encoding': 'gzip' })).headers['content-encoding'], undefined)
    const again = await get('/style.css', { 'accept-encoding': 'gzip', 'if-none-match': String(headers.etag) })
    assert.equal(again.status, 304)
  })

  it('answers a single range, and the whole file to a range that it does not take', async () => {
    const part = async (range: string, headers = {}) => {
      const { status, body, headers: sent } = await get('/data.bin', { range, ...headers })
      return [status, body.toString(), sent['content-range']]
    }
    assert.deepEqual(await part('bytes=2-4'), [206, '234', 'bytes 2-4/10'])
    assert.deepEqual(await part('bytes=7-'), [206, '789', 'bytes 7-9/10'])
    assert.deepEqual(await part('bytes=7-99'), [206, '789', 'bytes 7-9/10'])
    assert.deepEqual(await part('bytes=-3'), [206, '789', 'bytes 7-9/10'])
    assert.deepEqual(await part('bytes=-99'), [206, '0123456789', 'bytes 0-9/10'])
    for (const range of ['bytes=10-', 'bytes=-0'])
      assert.deepEqual((await part(range)).toSpliced(1, 1), [416, 'bytes */10'], range)
    for (const range of ['bytes=4-2', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=-', 'bytes=a-b'])
      assert.deepEqual(await part(range), [200, '0123456789', undefined], range)
    const { etag } = (await get('/data.bin')).headers
    assert.equal((await part('bytes=2-4', { 'if-range': etag }))[0], 206)
    assert.equal((await part('bytes=2-4', { 'if-range': '"older"' }))[0], 200)
  })

  it('answers HEAD like GET without the body, and refuses other methods', async () => {
    const head = await get('/data.bin', { range: 'bytes=0-1' }, 'HEAD')
    assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, '10', 0])
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const { status, headers } = await get('/', {}, method)
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], method)
    }
  })

  it('survives a visitor who leaves in the middle', async () => {
    await writeFile(join(folder, 'site/large.bin'), Buffer.alloc(20 * 1024 * 1024))
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'data')
    socket.resetAndDestroy()
    assert.equal(await textOf('/'), '<h1>home</h1>')
  })

  it('finishes what it is sending when it is told to end, and takes no new connection', async () => {
    const size = 20 * 1024 * 1024
    await writeFile(join(folder, 'site/large.bin'), Buffer.alloc(size))
    const idle = new Agent({ keepAlive: true })
    await get('/', {}, 'GET', idle)
    const asked = request({ host: '127.0.0.1', port, path: '/large.bin', agent: new Agent({ keepAlive: true }) }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    server.kill('SIGTERM')
    const refusedAt = Date.now() + 5000
    for (;;) {
      const refused = await get('/').then(
        () => false,
        () => true,
      )
      if (refused) break
      assert.ok(Date.now() < refusedAt, 'it still takes connections')
    }
    const exited = once(server, 'exit')
    assert.equal((await buffer(response)).length, size)
    assert.deepEqual(await exited, [0, null])
    idle.destroy()
  })
})
