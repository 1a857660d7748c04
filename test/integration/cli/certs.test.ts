/** berth certs, as a person sees it. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AutomaticView, CertificateView } from '#core/contract/api.ts'
import { aPerson, ok, problem, startFakeApi, type FakeApi, type Person } from './harness.ts'

const DAY_MS = 24 * 3600_000
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS + 60_000).toISOString()

const aView = (over: Partial<CertificateView> = {}): CertificateView => ({
  id: 'c-one',
  source: 'uploaded',
  app: 'hello',
  names: ['www.example.com'],
  hosts: ['www.example.com'],
  issuer: 'CN=Example CA',
  serial: '01',
  fingerprint: 'f'.repeat(64),
  keyType: 'EC P-256',
  validFrom: inDays(-10),
  validTo: inDays(80),
  addedAt: inDays(-10),
  addedBy: 'alice',
  ...over,
})
const anAutomatic = (over: Partial<AutomaticView>): AutomaticView => ({
  host: 'www.example.com',
  state: 'issued',
  certificate: 'c-one',
  nextAt: inDays(50),
  failures: 0,
  problem: null,
  ...over,
})

describe('berth certs', function () {
  this.timeout(60_000)
  let api: FakeApi
  let person: Person

  before(async () => {
    api = await startFakeApi()
    person = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: 'berth_token' })
  })
  after(async () => {
    await person?.leave()
    await api?.stop()
  })

  it('lists what there is, when it expires, and why an automatic one is not there', async () => {
    api.answers['GET /v1/apps/hello/certificates'] = ok({
      certificates: [aView(), aView({ id: 'c-two', source: 'acme', validTo: inDays(-1) })],
      automatic: [
        anAutomatic({ host: 'good.example.com' }),
        anAutomatic({
          host: 'bad.example.com',
          state: 'failing',
          failures: 3,
          nextAt: inDays(0.1),
          problem: { at: inDays(-0.1), text: 'DNS problem: NXDOMAIN \u001b[31m' },
        }),
      ],
    })
    const { stdout, code } = await person.berth(['certs', '-a', 'hello'])
    assert.equal(code, 0)
    assert.match(stdout, /^c-one +www\.example\.com +upload +CN=Example CA +on \S+, in 80 d$/m)
    assert.match(stdout, /^c-two .*automatic .*expired on/m)
    assert.match(stdout, /^good\.example\.com +issued +renewed in 50 d$/m)
    assert.match(stdout, /^bad\.example\.com +failed 3 times +tried in 2 h$/m)
    assert.match(stdout, /ago: DNS problem: NXDOMAIN \\x1b\[31m$/m)
  })

  it('adds one from two files, or one of them from standard input', async () => {
    const added = aView({ names: ['www.example.com', 'other.example.com'] })
    api.answers['POST /v1/apps/hello/certificates'] = ok({ ...added, replaced: ['c-old'] }, 201)
    await writeFile(join(person.home, 'cert.pem'), 'CERT\n')
    await writeFile(join(person.home, 'key.pem'), 'KEY\n')
    const args = ['certs:add', join(person.home, 'cert.pem')]
    const { stdout, stderr } = await person.berth([...args, join(person.home, 'key.pem'), '-a', 'hello'])
    assert.deepEqual(api.seen.at(-1)?.body, { certificate: 'CERT\n', key: 'KEY\n' })
    assert.match(stdout, /^Added c-one for www\.example\.com; it expires on .*in 80 d\.\nIt takes the place of c-old\./)
    assert.match(stderr, /Not served.*other\.example\.com/)
    await person.berth([...args, '-', '-a', 'hello'], { input: 'PIPED\n' })
    assert.deepEqual(api.seen.at(-1)?.body, { certificate: 'CERT\n', key: 'PIPED' })
    assert.equal((await person.berth(['certs:add', '-', '-', '-a', 'hello'])).code, 2)
    const missing = await person.berth(['certs:add', '/nowhere.pem', '-', '-a', 'hello'], { input: '' })
    assert.match(missing.stderr, /nowhere\.pem cannot be read/)
    api.answers['POST /v1/apps/hello/certificates'] = problem(422, 'CERTIFICATE_REFUSED', 'It expired on 2021-01-01.')
    const refused = await person.berth([...args, join(person.home, 'key.pem'), '-a', 'hello'])
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /It expired on 2021-01-01/)
  })

  it('shows, removes and retries one, of an app or of the platform', async () => {
    api.answers['GET /v1/certificates/c-one'] = ok(aView({ app: null }))
    assert.match((await person.berth(['certs:info', 'c-one', '--platform'])).stdout, /Serves: +www\.example\.com/)
    api.answers['DELETE /v1/certificates/c-one'] = (response) => void response.writeHead(204).end()
    assert.match((await person.berth(['certs', 'remove', 'c-one', '--platform'])).stdout, /^Removed c-one\.$/m)
    api.answers['POST /v1/apps/hello/certificates/retry'] = ok(anAutomatic({ state: 'waiting' }), 202)
    const { stdout } = await person.berth(['certs:retry', 'www.example.com', '-a', 'hello'])
    assert.match(stdout, /^Asking for a certificate for www\.example\.com now/)
    assert.deepEqual(api.seen.at(-1)?.body, { host: 'www.example.com' })
  })
})
