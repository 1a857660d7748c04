import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asProgram, waitFor, type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

export const mainJob = (start: Start): void =>
  void describe('The main job, by the commands that the README shows', () => {
    let world: World
    before(async function () {
      this.timeout(120_000)
      world = asProgram(await start())
    })
    it('creates an app and says where it will answer and where to push', async () => {
      const { stdout } = await world.cli(['create', 'hello'])
      assert.match(stdout, new RegExp(`http://hello\\.localhost:${world.httpPort}/`))
      assert.match(stdout, /\/git\/hello\.git/)
    })

    it('builds a pushed Express app with its npm dependencies and streams the log into the push', async function () {
      this.timeout(120_000)
      const { code, output } = await world.pushApp('hello', 'express')
      assert.equal(code, 0, output)
      assert.match(output, /remote: -----> .*Node\.js/)
      assert.match(output, /remote: .*npm ci/)
      assert.match(output, /remote: .*done in [\d.]+ s/)
      assert.match(output, /remote: .*v1 is live/)
    })

    it('answers through the router, with a request id of the router', async () => {
      const { status, body } = await world.http('hello', '/')
      assert.equal(status, 200, body)
      assert.match(body, /hello/)
      const seen = await world.http('hello', '/headers', {
        headers: { 'x-request-id': 'forged', 'x-forwarded-for': '203.0.113.9' },
      })
      const headers = JSON.parse(seen.body) as Record<string, string>
      assert.match(headers['x-request-id'] ?? '', /^[0-9a-f-]{36}$/)
      assert.equal(headers['x-forwarded-for'], '127.0.0.1')
    })

    it('shows logs, instances and the formation', async function () {
      this.timeout(60_000)
      await waitFor(async () => (await world.cli(['logs', '-s', 'app', '-a', 'hello'])).stdout.includes('listening'), {
        timeoutMs: 10_000,
        what: 'the app’s line in the logs',
      })
      const { stdout } = await world.cli(['ps', '-a', 'hello'])
      assert.match(stdout, /web\.1\s+running\s+v1/)
    })

    it('scales out, and every instance answers', async function () {
      this.timeout(60_000)
      await world.cli(['scale', 'web=2', '-a', 'hello'])
      const { stdout } = await world.cli(['ps', '-a', 'hello'])
      assert.match(stdout, /web\.1\s+running/)
      assert.match(stdout, /web\.2\s+running/)
      const seen = new Set<string>()
      await waitFor(
        async () => {
          const { body } = await world.http('hello', '/info')
          seen.add((JSON.parse(body) as { instance: string }).instance)
          return seen.size === 2
        },
        { timeoutMs: 10_000, what: 'answers of both instances' },
      )
    })

    it('makes a new release of a config change, and the app sees the value', async function () {
      this.timeout(60_000)
      const { stdout } = await world.cli(['config:set', 'GREETING=hi there', '-a', 'hello'])
      assert.match(stdout, /v2/)
      await waitFor(async () => (await world.http('hello', '/')).body.includes('hi there'), {
        timeoutMs: 5_000,
        what: 'the new greeting',
      })
      assert.equal((await world.cli(['config:get', 'GREETING', '-a', 'hello'])).stdout.trim(), 'hi there')
    })

    it('lists releases and rolls back code and config together', async function () {
      this.timeout(60_000)
      assert.match((await world.cli(['releases', '-a', 'hello'])).stdout, /v2[\s\S]*v1/)
      const { stdout } = await world.cli(['rollback', '-a', 'hello'])
      assert.match(stdout, /v3/)
      await waitFor(async () => !(await world.http('hello', '/')).body.includes('hi there'), {
        timeoutMs: 5_000,
        what: 'the old greeting',
      })
      assert.equal((await world.cli(['config', '-a', 'hello', '--json'])).stdout.includes('GREETING'), false)
    })

    it('meters CPU, memory and traffic from the kernel’s own counters', async function () {
      this.timeout(60_000)
      await world.http('hello', '/burn?ms=1500')
      await waitFor(
        async () => {
          const { usage } = JSON.parse((await world.cli(['usage', '-a', 'hello', '--json'])).stdout) as {
            usage: Record<string, number>
          }
          return (
            (usage['cpuSeconds'] ?? 0) > 1.4 &&
            (usage['memoryMbSeconds'] ?? 0) > 0 &&
            (usage['networkInBytes'] ?? 0) > 0 &&
            (usage['networkOutBytes'] ?? 0) > 0 &&
            (usage['requests'] ?? 0) > 0
          )
        },
        { timeoutMs: 30_000, what: 'metered use' },
      )
    })

    it('reuses the dependencies when only the code changed', async function () {
      this.timeout(120_000)
      const { code, output } = await world.pushApp('hello', 'express', { change: { 'note.txt': 'a change' } })
      assert.equal(code, 0, output)
      assert.match(output, /dependencies shared with the release before/)
      assert.equal((await world.http('hello', '/')).status, 200)
    })

    it('adds the git remote so that a push needs no password', async function () {
      this.timeout(60_000)
      const folder = await mkdtemp(join(tmpdir(), 'berth-remote-'))
      try {
        await world.git(['init', '--quiet'], folder)
        await world.cli(['git:remote', '-a', 'hello'], { cwd: folder })
        const { stdout } = await world.git(['ls-remote', 'berth'], folder)
        assert.match(stdout, /refs\/heads\/main/)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    })

    it('destroys the app only when its name is confirmed, and leaves no instance of it', async function () {
      this.timeout(60_000)
      const refused = await world.cli(['apps:destroy', 'hello', '--confirm', 'helo'], { allowFailure: true })
      assert.notEqual(refused.code, 0)
      await world.cli(['apps:destroy', 'hello', '--confirm', 'hello'])
      await waitFor(
        async () => ((await world.api('GET', '/v1/instances')).body as { instances: unknown[] }).instances.length === 0,
        { timeoutMs: 50_000, what: 'the end of its instances' },
      )
      assert.equal((await world.http('hello', '/')).status, 404)
    })

    it('serves a static site', async function () {
      this.timeout(120_000)
      await world.cli(['create', 'site'])
      const { code, output } = await world.pushApp('site', 'static-site')
      assert.equal(code, 0, output)
      const { status, headers } = await world.http('site', '/')
      assert.equal(status, 200)
      assert.match(String(headers['content-type']), /text\/html/)
      assert.equal(
        (await world.http('site', '/', { headers: { 'if-none-match': String(headers['etag']) } })).status,
        304,
      )
    })

    it('runs a Python app of the standard library by its Procfile, and its worker beside it', async function () {
      this.timeout(120_000)
      await world.cli(['create', 'snake'])
      const { code, output } = await world.pushApp('snake', 'python-stdlib')
      assert.equal(code, 0, output)
      assert.equal((await world.http('snake', '/')).status, 200)
      await world.cli(['scale', 'worker=1', '-a', 'snake'])
      assert.match((await world.cli(['ps', '-a', 'snake'])).stdout, /worker\.1\s+running/)
    })

    it('passes WebSockets through to the app', async function () {
      this.timeout(120_000)
      await world.cli(['create', 'sockets'])
      const { code, output } = await world.pushApp('sockets', 'websocket')
      assert.equal(code, 0, output)
      assert.equal(await echoOnce(world, 'sockets', 'ahoy'), 'ahoy')
    })
  })

/** Opens a WebSocket through the router, sends one text and returns the first that comes back. */
async function echoOnce(world: World, app: string, text: string): Promise<string> {
  const { connect } = await import('node:net')
  return new Promise((resolve, reject) => {
    const socket = connect(world.httpPort, '127.0.0.1', () => {
      socket.write(
        `GET / HTTP/1.1\r\nHost: ${app}.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      )
    })
    let received = Buffer.alloc(0)
    let open = false
    socket.setTimeout(5000, () => socket.destroy(new Error('no echo')))
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const end = received.indexOf('\r\n\r\n')
      if (!open && end >= 0) {
        if (!received.toString('latin1').startsWith('HTTP/1.1 101'))
          return reject(new Error(received.toString('latin1')))
        open = true
        received = received.subarray(end + 4)
        const payload = Buffer.from(text)
        // A client's frames are masked (RFC 6455 §5.3); a mask of zeros leaves the payload as it is.
        socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]))
      }
      if (open && received.length >= 2 + text.length) {
        resolve(received.subarray(2, 2 + text.length).toString())
        socket.destroy()
      }
    })
  })
}
