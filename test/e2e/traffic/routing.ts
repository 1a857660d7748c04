import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { request as plainRequest, type IncomingHttpHeaders } from 'node:http'
import { request as secureRequest } from 'node:https'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { makeCertificate, makeRoot, type Authority } from '#test/helpers/certificates.ts'
import { waitFor, type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

type Asked = { path?: string; method?: string; headers?: Record<string, string>; body?: string; host?: string }
type Heard = { status: number; headers: IncomingHttpHeaders; body: string; issuer: string }

/** An app's names, certificates and terms, as its owner sets them and its users meet them. */
export const routing = (start: Start): void =>
  void describe('The ways to an app', function () {
    this.timeout(120_000)
    let world: World
    let root: Authority
    before(async function () {
      this.timeout(300_000)
      world = await start()
      root = await makeRoot()
      for (const [app, text] of [
        ['shop', 'the shop'],
        ['till', 'the till'],
      ] as const) {
        await world.cli(['create', app])
        const { code, output } = await world.pushApp(app, 'node-plain', { change: { 'server.js': serverOf(text) } })
        assert.equal(code, 0, output)
      }
      await world.cli(['domains:add', 'shop.example', '-a', 'shop'])
    })

    const ask = (host: string, asked: Asked = {}): Promise<Heard> => send(world.httpPort, host, asked)
    const askSecurely = (serverName: string, asked: Asked = {}): Promise<Heard> =>
      send(Number(world.env['BERTH_HTTPS_PORT']), asked.host ?? serverName, asked, { serverName, trusted: [root.cert] })
    const becomes = (what: string, is: (heard: Heard) => boolean, asking: () => Promise<Heard>) =>
      waitFor(async () => is(await asking()), { timeoutMs: 30_000, what })
    const code = ({ headers }: Heard) => headers['berth-error']

    it('are names of its own, which carry traffic once an operator, or DNS, says whose they are', async () => {
      const before = await ask('shop.example')
      assert.deepEqual([before.status, code(before)], [404, 'unknown-host'])
      await world.cli(['domains:approve', 'shop.example', '-a', 'shop'])
      await becomes(
        'an answer at the domain',
        ({ body }) => body.startsWith('the shop'),
        () => ask('shop.example'),
      )
      const { stdout } = await world.cli(['domains', '-a', 'shop'])
      assert.match(stdout, /shop\.localhost +verified/)
      assert.match(stdout, /shop\.example +verified .*none: certs:add +by an operator/)
    })

    it('lead by HTTPS with a certificate that its owner brings, and for that host only', async () => {
      const platform = await askSecurely('shop.localhost')
      assert.match(platform.body, /^the shop/)
      assert.match(platform.issuer, /localhost/, 'the platform’s own, self-signed')

      const pair = await makeCertificate('shop.example', { names: ['shop.example'], by: root })
      const [cert, key] = [join(world.home, 'cert.pem'), join(world.home, 'key.pem')]
      await writeFile(cert, pair.chain)
      await writeFile(key, pair.key, { mode: 0o600 })
      const { stdout } = await world.cli(['certs:add', cert, key, '-a', 'shop'])
      assert.match(stdout, /Added c-\w+ for shop\.example/)
      await becomes(
        'the certificate',
        ({ issuer }) => issuer === 'Test Root',
        () => askSecurely('shop.example'),
      )
      const mine = await askSecurely('shop.example', { path: '/mirror' })
      assert.equal((JSON.parse(mine.body) as IncomingHttpHeaders)['x-forwarded-proto'], 'https')

      const other = await askSecurely('shop.example', { host: 'till.localhost' })
      assert.deepEqual([other.status, code(other)], [421, 'misdirected'])
      assert.match((await world.cli(['domains:info', 'shop.example', '-a', 'shop'])).stdout, /Certificate: +yours/)
    })

    it('lead to HTTPS alone where its owner wants that, at the port where it is', async () => {
      await world.cli(['routing:set', '--force-https', 'on', '-a', 'shop'])
      await becomes(
        'the redirection',
        ({ status }) => status === 308,
        () => ask('shop.example'),
      )
      const { headers } = await ask('shop.example', { path: '/a?b=c' })
      assert.equal(headers.location, `https://shop.example:${world.env['BERTH_HTTPS_PORT']}/a?b=c`)
      assert.equal((await askSecurely('shop.example')).status, 200)
      await world.cli(['routing:set', '--force-https', 'off', '-a', 'shop'])
      await becomes(
        'an answer without HTTPS',
        ({ status }) => status === 200,
        () => ask('shop.example'),
      )
    })

    it('are closed by maintenance, and open again after it', async () => {
      await world.cli(['maintenance:on', '-a', 'shop'])
      await becomes(
        'maintenance',
        (heard) => code(heard) === 'app-maintenance',
        () => ask('shop.example'),
      )
      assert.equal((await ask('till.localhost')).status, 200, 'another app’s are not')
      await world.cli(['maintenance:off', '-a', 'shop'])
      await becomes(
        'its end',
        ({ status }) => status === 200,
        () => ask('shop.example'),
      )
    })

    it('are for some networks only, and for those who know a password, as its owner says', async () => {
      await world.cli(['access:allow', '192.0.2.0/24', '-a', 'shop'])
      await becomes(
        'the refusal',
        (heard) => code(heard) === 'address-refused',
        () => ask('shop.example'),
      )
      await world.cli(['access:allow', '127.0.0.0/8', '-a', 'shop'])
      await becomes(
        'the admission',
        ({ status }) => status === 200,
        () => ask('shop.example'),
      )

      const { stdout } = await world.cli(['access:users:add', 'ann', '--generate', '-a', 'shop'])
      await becomes(
        'the question',
        ({ status }) => status === 401,
        () => ask('shop.example'),
      )
      const login = (password: string) => ({
        headers: { authorization: `Basic ${Buffer.from(`ann:${password}`).toString('base64')}` },
      })
      assert.equal((await ask('shop.example', login(stdout.trim()))).status, 200)
      assert.equal((await ask('shop.example', login('guess'))).status, 401)
      await world.cli(['access:clear', '-a', 'shop'])
      await becomes(
        'an answer to everybody',
        ({ status }) => status === 200,
        () => ask('shop.example'),
      )
    })

    it('may part at a path, below which another app answers', async () => {
      await world.cli(['domains:add', 'shop.example/till', '-a', 'till'])
      await becomes(
        'the other app',
        ({ body }) => body.startsWith('the till'),
        () => ask('shop.example', { path: '/till' }),
      )
      assert.match((await ask('shop.example', { path: '/till/drawer?a' })).body, /^the till /)
      assert.match((await ask('shop.example', { path: '/tills' })).body, /^the shop /)
      await world.cli(['domains:remove', 'shop.example/till', '-a', 'till'])
      await becomes(
        'the first app',
        ({ body }) => body.startsWith('the shop'),
        () => ask('shop.example', { path: '/till' }),
      )
    })

    it('refuse what is larger than its owner wants', async () => {
      await world.cli(['routing:set', '--body-limit', '1K', '-a', 'shop'])
      const post = (bytes: number) => ask('shop.example', { method: 'POST', body: 'x'.repeat(bytes) })
      await becomes(
        'the refusal',
        ({ status }) => status === 413,
        () => post(1025),
      )
      assert.equal((await post(1024)).status, 200)
      await world.cli(['routing:reset', '-a', 'shop'])
      await becomes(
        'a large body',
        ({ status }) => status === 200,
        () => post(1025),
      )
    })

    it('bring a client to the same instance again, where its owner wants that', async () => {
      await world.cli(['scale', 'web=2', '-a', 'shop'])
      await world.cli(['routing:set', '--sticky', 'on', '-a', 'shop'])
      await becomes(
        'a cookie',
        ({ headers }) => headers['set-cookie'] !== undefined,
        () => ask('shop.example'),
      )
      const instances = new Map<string, string>()
      await waitFor(
        async () => {
          const { body, headers } = await ask('shop.example')
          instances.set(body, String(headers['set-cookie']?.[0]).split(';', 1)[0] ?? '')
          return instances.size === 2
        },
        { timeoutMs: 60_000, what: 'both instances' },
      )
      for (const [body, cookie] of instances)
        for (let i = 0; i < 5; i += 1) assert.equal((await ask('shop.example', { headers: { cookie } })).body, body)
    })
  })

/** Says its name, and who of its instances it is. */
const serverOf = (text: string): string => `
const me = require('node:crypto').randomUUID()
require('node:http').createServer((request, response) => {
  request.resume().on('end', () =>
    response.end(request.url === '/mirror' ? JSON.stringify(request.headers) : '${text} ' + me))
}).listen(process.env.PORT)
`

function send(
  port: number,
  host: string,
  { path = '/', method = 'GET', headers = {}, body }: Asked,
  tls?: { serverName: string; trusted: string[] },
): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path,
      method,
      headers: { host, ...headers },
      agent: false,
      timeout: 20_000,
    }
    // What is not trusted is looked at all the same: a test says whose certificate it expects.
    const asked = tls
      ? secureRequest({ ...options, servername: tls.serverName, ca: tls.trusted, rejectUnauthorized: false })
      : plainRequest(options)
    let issuer = ''
    asked.on('response', (response) => {
      if (tls) issuer = String((response.socket as TLSSocket).getPeerCertificate().issuer.CN)
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, issuer }),
      )
    })
    asked.on('timeout', () => asked.destroy(new Error(`${host}${path} did not answer in 20 s`)))
    asked.on('error', reject)
    asked.end(body)
  })
}
